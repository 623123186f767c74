// SPDX-License-Identifier: Apache-2.0
#include "sources/device_table.h"

#include <algorithm>

namespace upcall::sources {
namespace {

// What is the event's and not the device's.
bool is_of_event(std::string_view name) {
  return name == "ACTION" || name == "DEVPATH" || name == "DEVPATH_OLD" || name == "SEQNUM";
}

std::string variables_of(const event::Uevent& event) {
  std::string out;
  event::for_each_variable(event.variables, [&](std::string_view name, std::string_view value) {
    if (!is_of_event(name)) out.append(name).append("=").append(value).push_back('\0');
  });
  return out;
}

std::string text_of(std::string_view action, const std::string& devpath,
                    const std::string& variables) {
  std::string text;
  text.append(action).append("@").append(devpath).push_back('\0');
  text.append("ACTION=").append(action).push_back('\0');
  text.append("DEVPATH=").append(devpath).push_back('\0');
  return text + variables;
}

// What tells a device from the one that had its path before.
std::vector<std::string_view> identity_of(std::string_view variables) {
  std::vector<std::string_view> identity;
  event::for_each_variable(variables, [&](std::string_view name, std::string_view value) {
    if (name == "IFINDEX" || name == "DISKSEQ") identity.push_back(value);
  });
  return identity;
}

}  // namespace

void DeviceTable::observe(const event::Uevent& event) {
  if (event.origin != event::UeventClass::kernel || !event.devpath.starts_with("/devices/")) return;
  if (event.action == "add") {
    devices_.insert_or_assign(std::string{event.devpath}, variables_of(event));
  } else if (event.action == "remove") {
    const auto known = devices_.find(event.devpath);
    if (known != devices_.end()) devices_.erase(known);
  } else if (event.action == "move") {
    move(event.devpath_old, event.devpath);
  }
}

// With what is on it, of which the kernel says nothing.
void DeviceTable::move(std::string_view from, std::string_view to) {
  if (from.empty()) return;
  const std::string old{from};
  const auto end = devices_.lower_bound(old + "0");  // '0' comes after '/'
  std::vector<kernel::Devices::node_type> moved;
  for (auto one = devices_.lower_bound(old); one != end;) {
    const auto next = std::next(one);
    const auto rest = std::string_view{one->first}.substr(old.size());
    if (rest.empty() || rest.front() == '/') moved.push_back(devices_.extract(one));
    one = next;
  }
  for (auto& node : moved) {
    node.key() = std::string{to} + node.key().substr(old.size());
    devices_.insert(std::move(node));
  }
}

std::vector<std::string> DeviceTable::reconcile(
    kernel::Devices now, const std::function<bool(std::string_view)>& exists) {
  std::vector<std::string> texts;
  const auto was_replaced = [](const std::string& before, const std::string& after) {
    return identity_of(before) != identity_of(after);
  };
  for (const auto& [devpath, variables] : devices_) {
    const auto found = now.find(devpath);
    if (found == now.end() && exists(devpath)) {
      now.emplace(devpath, variables);
    } else if (found == now.end() || was_replaced(variables, found->second)) {
      texts.push_back(text_of("remove", devpath, variables));
    }
  }
  std::ranges::reverse(texts);
  for (const auto& [devpath, variables] : now) {
    const auto known = devices_.find(devpath);
    const bool stayed = known != devices_.end() && !was_replaced(known->second, variables);
    texts.push_back(text_of(stayed ? "change" : "add", devpath, variables));
  }
  devices_ = std::move(now);
  return texts;
}

}  // namespace upcall::sources
