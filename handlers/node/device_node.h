// SPDX-License-Identifier: Apache-2.0
// The device node that a uevent is about: which one, and what is to become of it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace upcall::node {

struct DeviceNode {
  std::string path;  // below /dev
  mode_t type{};     // S_IFBLK or S_IFCHR
  dev_t number{};
  mode_t permissions{};
  std::optional<uid_t> owner;  // nothing: who makes it
  std::optional<gid_t> group;
};

// Nothing for a variable that is not set.
using Variables = std::function<std::optional<std::string_view>(const char* name)>;

// Of the variables that a handler gets (docs/handler-protocol.md). Nothing for a device that has no
// node. Fails for events that others than the kernel can have made up.
[[nodiscard]] Result<std::optional<DeviceNode>> read_device_node(const Variables& variables);

// `dev` is the directory /dev. Makes the node, unless that very one is there already, with the
// directories above it. EEXIST where something else than a device has its name; EPERM where the
// caller may not make device nodes; EACCES, and then there is none, where the cgroup of the caller
// may not use it.
[[nodiscard]] Result<Ok> make_node(int dev, const DeviceNode& node);
// Only that very one: another device may have its name by now.
[[nodiscard]] Result<Ok> remove_node(int dev, const DeviceNode& node);

}  // namespace upcall::node
