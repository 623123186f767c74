// SPDX-License-Identifier: Apache-2.0
// What may be asked on the control socket, and what is answered. Nothing here changes anything.
#pragma once

#include <string>

#include "base/asio.h"
#include "base/result.h"
#include "control/documents.h"
#include "dispatch/containers.h"
#include "launcher/client.h"
#include "policy/policy.h"
#include "wire/control.h"
#include "wire/seqpacket.h"

namespace upcall::control {

class Answers {
 public:
  // All borrowed; `proc` is a descriptor of /proc.
  Answers(dispatch::Containers& containers, launcher::Client& launcher,
          const policy::Policy& policy, int proc)
      : containers_{containers}, launcher_{launcher}, policy_{policy}, proc_{proc} {}

  // A JSON document, whatever was asked.
  [[nodiscard]] asio::awaitable<std::string> answer(wire::ControlRequest request,
                                                    wire::Received received);

 private:
  [[nodiscard]] asio::awaitable<Result<Whose>> find_out(UniqueFd pidfd);

  dispatch::Containers& containers_;
  launcher::Client& launcher_;
  const policy::Policy& policy_;
  int proc_;
};

}  // namespace upcall::control
