// SPDX-License-Identifier: Apache-2.0
// Containers that are told of what they have not caused.
#pragma once

#include <cstdint>
#include <string>

#include "base/asio.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "dispatch/services.h"
#include "event/container.h"
#include "origin/record.h"

namespace upcall::dispatch {

// The container whose own device it is.
struct DeviceOwner {
  origin::Record record;
  std::string selector;  // the policy's name for it; empty for none
  UniqueFd sysfs;        // of its network namespace
};

struct Recipient {
  std::uint32_t capture{};
  std::string selector;  // the policy's name for it; empty for none
  event::Container container;
};

// The container of a record, held; its capture is to be released. Fails for whatever is not wholly
// a container, and with EAGAIN for one that its runtime has not finished.
[[nodiscard]] asio::awaitable<Result<Recipient>> hold_container(const Services& services,
                                                                origin::Record record);

// It ended meanwhile, which is no fault of anybody's.
[[nodiscard]] bool is_gone(const Error& error);

// For the log: 'container "ID"'.
[[nodiscard]] std::string name_of(const origin::Record& record);

}  // namespace upcall::dispatch
