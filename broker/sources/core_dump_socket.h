// SPDX-License-Identifier: Apache-2.0
// The kernel's core dump socket (`@@/path`, Linux 6.17). The kernel connects as itself, past every
// permission, and nobody else can: the socket is root's, in a directory that is root's. All the
// same each peer must be a process that is dumping at first look.
#pragma once

#include "base/acceptor.h"
#include "base/result.h"
#include "sources/core_dump_arrival.h"

namespace upcall::sources {

class CoreDumpSocket {
 public:
  CoreDumpSocket(asio::io_context& io, UniqueFd listener, Semaphore& active, CoreDumpSink sink,
                 LossSink lost);

  // Accepts until drain().
  [[nodiscard]] asio::awaitable<void> run();
  // Takes what waits in the backlog and then ends; `drained` is told.
  void drain(std::function<void()> drained) { acceptor_.drain(std::move(drained)); }
  [[nodiscard]] bool drained() const { return acceptor_.drained(); }

 private:
  void take(UniqueFd stream, Semaphore::Permit permit);

  Acceptor acceptor_;
  CoreDumpSink sink_;
  LossSink lost_;
};

}  // namespace upcall::sources
