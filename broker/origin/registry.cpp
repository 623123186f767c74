// SPDX-License-Identifier: Apache-2.0
#include "origin/registry.h"

#include "base/text.h"

namespace upcall::origin {
namespace {

// Absolute and below the root, as the kernel writes paths: then a path has one spelling.
bool is_container_cgroup(std::string_view path) {
  return path.size() > 1 && path.starts_with('/') && !path.ends_with('/') &&
         path.find("//") == std::string_view::npos;
}

std::string shown(std::string_view text) { return "'" + printable(text) + "'"; }

}  // namespace

Result<Ok> Registry::put(SourceId source, Record record, std::string cgroup) {
  remove(source);
  const auto what = "register container " + shown(source.id) + " in cgroup " + shown(cgroup);
  if (!is_container_cgroup(cgroup)) return from_errno(what, EINVAL);
  if (const auto other = by_cgroup_.find(cgroup); other != by_cgroup_.end()) {
    const auto& owner = other->second->container.id;
    return from_errno(what + ", which is that of container " + shown(owner), EEXIST);
  }
  record.cgroup = std::move(cgroup);
  const auto& kept = records_.emplace(std::move(source), std::move(record)).first->second;
  by_cgroup_.emplace(kept.cgroup, &kept);
  if (kept.start_time) by_init_.try_emplace(Init{kept.init, *kept.start_time}, &kept);
  return Ok{};
}

bool Registry::remove(const SourceId& source) {
  const auto found = records_.find(source);
  if (found == records_.end()) return false;
  const Record& record = found->second;
  by_cgroup_.erase(record.cgroup);
  const auto init = by_init_.find(Init{record.init, record.start_time.value_or(0)});
  if (init != by_init_.end() && init->second == &record) by_init_.erase(init);
  records_.erase(found);
  return true;
}

const Record* Registry::find_by_cgroup(std::string_view path) const {
  if (!path.starts_with('/')) return nullptr;
  for (; path.size() > 1; path = path.substr(0, path.rfind('/'))) {
    if (const auto found = by_cgroup_.find(path); found != by_cgroup_.end()) return found->second;
  }
  return nullptr;
}

const Record* Registry::find_by_init(pid_t pid, std::uint64_t start_time) const {
  const auto found = by_init_.find(Init{pid, start_time});
  return found == by_init_.end() ? nullptr : found->second;
}

std::size_t Registry::HashInit::operator()(const Init& init) const noexcept {
  // Pids are unique but for those that came again, which is rare.
  return std::hash<pid_t>{}(init.pid);
}

}  // namespace upcall::origin
