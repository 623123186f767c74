// SPDX-License-Identifier: Apache-2.0
// Our side of a core dump's conversation, the same for the kernel's own connection and the shim's:
// hear what is asked, agree or reject, look at the head of the core, give the stream away, and in
// the end release the process. Whatever happens, destroying it releases the process.
#pragma once

#include <optional>

#include "base/asio.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/core_head.h"
#include "sources/core_dump_arrival.h"

namespace upcall::dispatch {

class Conversation {
 public:
  Conversation(asio::io_context& io, UniqueFd stream, sources::Opening opening);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() { release(); }

  // Takes the kernel's request, if there is one to come.
  [[nodiscard]] asio::awaitable<Result<Ok>> hear_request();
  // The kernel forgets the dump at once.
  void reject();
  // Tells the kernel that the core is wanted.
  [[nodiscard]] Result<Ok> agree();
  // After agree(): the core flows from here on, and the process is kept until release().
  [[nodiscard]] asio::awaitable<Result<Ok>> hear_agreement();
  // After that: why the process died, as the core's head says; the stream stays whole. Nothing
  // when the head is too large or slow.
  [[nodiscard]] asio::awaitable<std::optional<kernel::FatalSignal>> peek_fatal_signal();

  // Borrowed: for the handler's standard input. Blocking, as a program expects it; all that is left
  // to us is release().
  [[nodiscard]] int stream_for_handler();
  // Ends the conversation for everybody who holds the stream.
  void release();

 private:
  // No longer Asio's, which would wake up for every page of the core.
  void leave_asio();

  asio::io_context& io_;
  asio::posix::stream_descriptor stream_;  // while there is something to be heard
  UniqueFd given_;                         // then
  sources::Opening opening_;
};

}  // namespace upcall::dispatch
