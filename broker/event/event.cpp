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

}  // namespace upcall::event
