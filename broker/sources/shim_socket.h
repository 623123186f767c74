// SPDX-License-Identifier: Apache-2.0
// Where upcall-shim, started by the kernel, hands over what it was started for (wire/shim.h).
#pragma once

#include <memory>

#include "base/acceptor.h"
#include "base/result.h"
#include "sources/core_dump_arrival.h"
#include "sources/helper_arrival.h"
#include "sources/key_request_arrival.h"
#include "wire/shim.h"

namespace upcall::sources {

// Who takes what comes; without one it is not understood.
struct ShimSinks {
  CoreDumpSink core_dumps;
  KeyRequestSink key_requests;
  HelperSink helpers;  // modules, too
};

class ShimSocket {
 public:
  ShimSocket(asio::io_context& io, UniqueFd listener, Semaphore& active, ShimSinks sinks,
             LossSink lost);

  [[nodiscard]] asio::awaitable<void> run();
  // Takes what waits in the backlog and then ends; `drained` is told.
  void drain(std::function<void()> drained) { acceptor_.drain(std::move(drained)); }
  [[nodiscard]] bool drained() const { return acceptor_.drained(); }

 private:
  [[nodiscard]] asio::awaitable<void> hear(UniqueFd connection, Semaphore::Permit permit);
  // Takes the message that has come.
  [[nodiscard]] Result<Ok> take(UniqueFd connection, Semaphore::Permit permit);
  [[nodiscard]] Result<Ok> take_helper(Result<event::Detail> asked, UniqueFd connection,
                                       Semaphore::Permit permit) const;

  asio::io_context& io_;
  Acceptor acceptor_;
  ShimSinks sinks_;
  LossSink lost_;
};

}  // namespace upcall::sources
