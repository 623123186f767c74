// SPDX-License-Identifier: Apache-2.0
// Where upcallctl asks (wire/control.h).
#pragma once

#include <string>

#include "base/acceptor.h"
#include "base/unique_fd.h"
#include "control/answers.h"
#include "control/monitors.h"

namespace upcall::control {

class ControlSocket {
 public:
  // `monitors` is borrowed.
  ControlSocket(asio::io_context& io, UniqueFd listener, Answers answers, Monitors& monitors);

  // Accepts for as long as `io` runs. A client that is slow or silent is let go.
  [[nodiscard]] asio::awaitable<void> run();

 private:
  [[nodiscard]] asio::awaitable<void> serve(UniqueFd connection, Semaphore::Permit permit);

  asio::io_context& io_;
  Semaphore active_;
  Acceptor acceptor_;
  Answers answers_;
  Monitors& monitors_;
};

}  // namespace upcall::control
