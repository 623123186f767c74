// SPDX-License-Identifier: Apache-2.0
#include "kernel/helper_chain.h"

#include <algorithm>
#include <utility>

namespace upcall::kernel {
namespace {

// Of helpers more than can ask at once, and of steps more than the buffers hold: without a bound a
// fault in what we read would be one in how much we keep.
constexpr std::size_t kHelpers = 4096;
constexpr std::size_t kUnfinished = 4096;
constexpr std::size_t kSteps = std::size_t{1} << 18U;

std::string text_at(std::span<const std::byte> bytes, std::uint64_t where) {
  const TraceField text{.offset = static_cast<std::uint32_t>(where & 0xffffU),
                        .size = static_cast<std::uint32_t>((where >> 16U) & 0xffffU)};
  if (text.offset > bytes.size() || text.size > bytes.size() - text.offset) return {};
  const auto* start = reinterpret_cast<const char*>(bytes.data()) + text.offset;
  return {start, std::find(start, start + text.size, '\0')};
}

template <class Key, class Value>
std::optional<Value> extract(std::map<Key, Value>& map, const Key& key) {
  auto node = map.extract(key);
  if (node.empty()) return {};
  return std::move(node.mapped());
}

template <class Map>
void bound(Map& map, std::size_t most) {
  if (map.size() > most) map.clear();
}

}  // namespace

void HelperChain::take(std::span<const std::byte> page) {
  const auto read =
      read_trace_page(layout_, page, [this](const TraceEvent& event) { note(event); });
  if (read.missed || !read.whole) ++gaps_;
}

void HelperChain::note(const TraceEvent& event) {
  const auto& bytes = event.bytes;
  Step step{.time = event.time,
            .event = static_cast<std::uint32_t>(read_field(bytes, layout_.type)),
            .task = static_cast<pid_t>(read_field(bytes, layout_.pid))};
  if (step.event == 0 || steps_.size() >= kSteps) return;
  if (step.event == layout_.queue_work.id) {
    step.subject = read_field(bytes, layout_.queue_work.work);
  } else if (step.event == layout_.execute_start.id) {
    step.subject = read_field(bytes, layout_.execute_start.work);
  } else if (step.event == layout_.fork.id) {
    step.subject = read_field(bytes, layout_.fork.child);
  } else if (step.event == layout_.module_request.id) {
    const auto& layout = layout_.module_request;
    step.module = ModuleCall{.name = text_at(bytes, read_field(bytes, layout.name)),
                             .waits = read_field(bytes, layout.waits) != 0};
  } else {
    return;
  }
  steps_.push_back(std::move(step));
}

void HelperChain::settle(std::uint64_t now) {
  std::ranges::stable_sort(steps_, {}, &Step::time);
  const auto later = std::ranges::upper_bound(steps_, now, {}, &Step::time);
  std::for_each(steps_.begin(), later, [this](Step& step) { follow(step); });
  steps_.erase(steps_.begin(), later);
  bound(asked_, kUnfinished);
  bound(queued_, kUnfinished);
  bound(executed_, kUnfinished);
}

// Each link is used up by the next one: what has the same number later has no part in it.
void HelperChain::follow(Step& step) {
  if (step.event == layout_.module_request.id) {
    asked_[step.task] = *std::move(step.module);
  } else if (step.event == layout_.queue_work.id) {
    queued_[step.subject] = {
        .requester = step.task, .asked = step.time, .module = extract(asked_, step.task)};
  } else if (step.event == layout_.execute_start.id) {
    executed_.erase(step.task);
    if (auto call = extract(queued_, step.subject)) executed_[step.task] = *std::move(call);
  } else if (auto call = extract(executed_, step.task)) {
    call->started = step.time;
    remember(static_cast<pid_t>(step.subject), *std::move(call));
  }
}

void HelperChain::remember(pid_t helper, HelperCall call) {
  if (const auto* before = find(helper)) ages_.erase({before->started, helper});
  ages_.emplace(call.started, helper);
  helpers_[helper] = std::move(call);
  if (helpers_.size() <= kHelpers) return;
  helpers_.erase(ages_.begin()->second);
  ages_.erase(ages_.begin());
}

const HelperCall* HelperChain::find(pid_t helper) const {
  const auto found = helpers_.find(helper);
  return found == helpers_.end() ? nullptr : &found->second;
}

}  // namespace upcall::kernel
