// SPDX-License-Identifier: Apache-2.0
// The containers that are known now, found by the cgroup of a process or by their init.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "origin/record.h"

namespace upcall::origin {

// Where a record came from: what is put, replaced and removed.
struct SourceId {
  std::uint32_t directory{};  // an index, the caller's
  std::string id;
  friend auto operator<=>(const SourceId&, const SourceId&) = default;
};

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry() = default;

  // `cgroup` is what the kernel says, and replaces the record's own claim. A cgroup belongs to
  // whoever was put first: the next one is refused with EEXIST. EINVAL for what is no cgroup of a
  // container, such as the root. What was there from the same source is gone in any case: it is no
  // more.
  [[nodiscard]] Result<Ok> put(SourceId source, Record record, std::string cgroup);
  bool remove(const SourceId& source);

  // The record of this cgroup or of the nearest one above it; null without one.
  [[nodiscard]] const Record* find_by_cgroup(std::string_view path) const;
  // Nobody finds a record without a start time: pids come again.
  [[nodiscard]] const Record* find_by_init(pid_t pid, std::uint64_t start_time) const;

  // Sorted by directory and id.
  [[nodiscard]] const std::map<SourceId, Record>& records() const { return records_; }
  [[nodiscard]] std::size_t size() const { return records_.size(); }

 private:
  struct Init {
    pid_t pid;
    std::uint64_t start_time;
    friend bool operator==(const Init&, const Init&) = default;
  };
  struct HashInit {
    std::size_t operator()(const Init& init) const noexcept;
  };

  std::map<SourceId, Record> records_;  // whose addresses last as long as they do
  std::unordered_map<std::string_view, const Record*> by_cgroup_;  // of the records' own texts
  std::unordered_map<Init, const Record*, HashInit> by_init_;
};

}  // namespace upcall::origin
