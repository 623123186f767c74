// SPDX-License-Identifier: Apache-2.0
// The texts that follow a wire::CaptureReply in its datagram, taken apart.
#pragma once

#include <string>

namespace upcall::wire {

struct CaptureTexts {
  std::string exe;
  std::string host_name;
  std::string tag;
};

}  // namespace upcall::wire
