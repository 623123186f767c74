// SPDX-License-Identifier: Apache-2.0
#include "event/event.h"

namespace upcall::event {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::host:
      return "host";
    case Verdict::mixed:
      return "mixed";
    case Verdict::in_container:
      return "in-container";
  }
  return "mixed";
}

const char* name_of(Asker asker) {
  switch (asker) {
    case Asker::user:
      return "user";
    case Asker::kernel:
      return "kernel";
    case Asker::unknown:
      return "unknown";
  }
  return "unknown";
}

const char* kind_of(const Event& event) {
  static constexpr std::array<const char*, std::variant_size_v<Detail>> kKinds = {
      "coredump", "request-key", "modprobe", "usermode-helper"};
  return kKinds.at(event.detail.index());
}

}  // namespace upcall::event
