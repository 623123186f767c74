// SPDX-License-Identifier: Apache-2.0
// The network namespaces of containers whose devices are heard (kernel/network_collector.h).
#pragma once

#include <cstdint>
#include <set>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/network_collector.h"
#include "launcher/own.h"

namespace upcall::launcher {

class Networks {
 public:
  explicit Networks(kernel::NetworkNumbers numbers) : numbers_{std::move(numbers)} {}

  struct Heard {
    // One that nothing else ever had, since uevents of what has ended may still be queued.
    std::uint32_t number{};
    UniqueFd sysfs;  // shows its devices; mounted nowhere
  };
  // A network namespace by a descriptor of it. EDQUOT where too many are heard: each makes uevents
  // dearer for whoever causes them.
  [[nodiscard]] Result<Heard> hear(const Own& own, int network);

 private:
  [[nodiscard]] Result<std::uint32_t> number_of(const Own& own, int network);
  [[nodiscard]] Result<Ok> make_room(bool of_host);
  [[nodiscard]] bool full(bool of_host) const;

  kernel::NetworkNumbers numbers_;
  std::set<std::uint32_t> given_;    // perhaps to what has ended
  std::set<std::uint32_t> of_host_;  // of those, to what the host's user namespace owns
  std::uint32_t next_{1};
};

}  // namespace upcall::launcher
