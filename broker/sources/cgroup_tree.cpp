// SPDX-License-Identifier: Apache-2.0
#include "sources/cgroup_tree.h"

#include <sys/inotify.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "kernel/cgroup_state.h"
#include "kernel/directory.h"

namespace upcall::sources {
namespace {

// Cgroups that are found or listed, and as many that are looked at, before others have their turn:
// a millisecond or two.
constexpr int kAtOnce = 16;

constexpr std::uint32_t kComingAndGoing = IN_CREATE | IN_DELETE | IN_ONLYDIR;

bool is_gone(const Error& error) {
  return error.code == std::errc::no_such_file_or_directory ||
         error.code == std::errc::no_such_device;
}

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

// A soft limit may not be raised any more when the sources start.
std::size_t descriptors_at_most() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur;
}

}  // namespace

CgroupTree::CgroupTree(int inotify, std::string descriptors, Sinks sinks)
    : inotify_{inotify}, descriptors_{std::move(descriptors)}, sinks_{std::move(sinks)} {}

void CgroupTree::add(std::vector<ListedCgroup> listed) {
  for (auto& one : listed) {
    listed_.push_back({.cgroup = std::move(one)});
    nodes_[++last_].listed = listed_.size() - 1;
    unlisted_.push_back(last_);
  }
  measure();
  while (list_some(Found::at_start)) {
  }
}

void CgroupTree::take(const kernel::InotifyEvent& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    sinks_.trouble("more has changed than the kernel kept; all are looked at again");
    rescan_soon();
    return;
  }
  if (const auto changed = events_.find(event.watch); changed != events_.end()) {
    stir(changed->second);
    return;
  }
  const auto above = below_.find(event.watch);
  if (above == below_.end() || (event.mask & IN_ISDIR) == 0) return;
  if ((event.mask & IN_CREATE) != 0) came(above->second, event.name, Found::since);
  if ((event.mask & IN_DELETE) != 0) went(above->second, event.name);
}

std::optional<CgroupTree::Clock::time_point> CgroupTree::work() {
  const auto now = Clock::now();
  if (rescan_ && *rescan_ <= now && all_listed()) rescan();
  for (int i = 0; i < kAtOnce; ++i) {
    const bool looked = !due_.empty() && due_.begin()->first <= now;
    if (looked) look(due_.begin()->second);
    if (!list_some(Found::since) && !looked) break;
  }
  if (!all_listed()) return now;
  auto next = rescan_;
  if (!due_.empty()) next = std::min(next.value_or(Time::max()), due_.begin()->first);
  return next;
}

bool CgroupTree::is_behind() const { return unlisted_.size() > limits::kCgroupsUnlisted; }

bool CgroupTree::all_listed() const { return unlisted_.empty() && compared_.names.empty(); }

// One directory, or one name of what was in the last one.
bool CgroupTree::list_some(Found found) {
  if (!compared_.names.empty()) {
    const auto name = std::move(compared_.names.back());
    compared_.names.pop_back();
    went(compared_.above, name);
    came(compared_.above, name, found);
    return true;
  }
  if (unlisted_.empty()) return false;
  const auto next = unlisted_.front();
  unlisted_.pop_front();
  list(next);
  return true;
}

// The broker needs the other half of its descriptors for all else.
void CgroupTree::measure() {
  const auto descriptors = descriptors_at_most();
  const auto usual =
      std::min(limits::kCgroupsWatchedBelow, limits::kCgroupsWatched / listed_.size());
  room_ = std::min(usual, descriptors / 2 / listed_.size());
  if (room_ == usual) return;
  sinks_.trouble("with " + std::to_string(descriptors) + " descriptors (LimitNOFILE) only " +
                 std::to_string(room_) + " are watched below each listed directory, not " +
                 std::to_string(usual));
}

bool CgroupTree::has_room(Listed& listed) const {
  if (listed.watched < room_) return true;
  if (!std::exchange(listed.full, true)) {
    sinks_.trouble("below '" + printable(listed.cgroup.path + "/") + "' there are more than " +
                   std::to_string(room_) +
                   "; of the others nothing is told. List a directory that has fewer");
  }
  return false;
}

// Watched first and looked at then, so that no change falls between.
void CgroupTree::find(Number above, int above_directory, const std::string& name, Found found) {
  auto& parent = nodes_.at(above);
  auto& listed = listed_[parent.listed];
  if (!has_room(listed)) return;
  Node node{.listed = parent.listed, .path = below(parent.path, name)};
  const auto directory = kernel::open_cgroup_directory(above_directory, name);
  if (!directory) {
    complain(directory.error());
    return;
  }
  if (const auto watched = watch(node, directory->get()); !watched) {
    complain(watched.error());
    return;
  }
  const auto number = last_ + 1;
  // Below another listed directory, too.
  if (!events_.emplace(node.events_watch, number).second) return;
  last_ = number;
  parent.below.emplace(name, number);
  nodes_.emplace(number, std::move(node));
  ++listed.watched;
  begin(number, directory->get(), found);
  unlisted_.push_back(number);
}

Result<Ok> CgroupTree::watch(Node& node, int directory) const {
  auto events = kernel::open_cgroup_events(directory);
  if (!events) return events.error();
  node.events = *std::move(events);
  const auto watch = kernel::watch_descriptor(inotify_, descriptors_, node.events.get(), IN_MODIFY);
  if (!watch) return watch.error();
  node.events_watch = *watch;
  return Ok{};
}

void CgroupTree::begin(Number number, int directory, Found found) {
  auto& node = nodes_.at(number);
  const auto populated = kernel::read_populated(node.events.get());
  if (!populated) return;  // removed already, which we are told of
  const auto cpu_time = kernel::read_cpu_time(directory);
  if (found == Found::at_start) {
    node.population.begin({.populated = *populated, .cpu_time = cpu_time});
    return;
  }
  // It may have had its process before it was watched.
  if (*populated || cpu_time > 0) stir(number);
  schedule(number, Clock::now() + limits::kCgroupSettles);
}

void CgroupTree::list(Number number) {
  const auto node = nodes_.find(number);
  if (node == nodes_.end()) return;
  const auto directory = open_watched(number, node->second);
  if (!directory) return;
  const auto watch =
      kernel::watch_descriptor(inotify_, descriptors_, directory->get(), kComingAndGoing);
  if (!watch) {
    complain(watch.error());
    return;
  }
  if (below_.emplace(*watch, number).first->second != number) return;
  if (node->second.below_watch != *watch) stop_hearing(node->second);
  node->second.below_watch = *watch;
  auto names = kernel::list_directories(directory->get());
  if (!names) {
    complain(names.error());
    return;
  }
  compare(number, *std::move(names));
}

// At a path there may be another cgroup by now. While the one that is meant still answers after the
// opening, it is what was opened.
Result<UniqueFd> CgroupTree::open_directory(const Node& node) const {
  auto directory =
      kernel::open_cgroup_directory(listed_[node.listed].cgroup.directory.get(), node.path);
  if (!directory || !node.events) return directory;
  if (const auto populated = kernel::read_populated(node.events.get()); !populated)
    return populated.error();
  return directory;
}

// It may have been given to somebody since it was listed.
std::optional<UniqueFd> CgroupTree::open_watched(Number number, const Node& node) {
  auto directory = open_directory(node);
  if (!directory) {
    complain(directory.error());
    return {};
  }
  if (is_left_alone(node, directory->get())) {
    forget_below(number, Why::left_alone);
    return {};
  }
  return *std::move(directory);
}

bool CgroupTree::is_left_alone(const Node& node, int directory) {
  if (node.path.empty()) return false;
  const auto owner = kernel::cgroup_owner(directory);
  return !owner || *owner != 0;
}

// With what is known already: that may have gone, and been made again, while nothing was heard.
void CgroupTree::compare(Number number, std::vector<std::string> names) {
  for (const auto& [name, lower] : nodes_.at(number).below) names.push_back(name);
  compared_ = {.above = number, .names = std::move(names)};
}

void CgroupTree::came(Number above, const std::string& name, Found found) {
  const auto node = nodes_.find(above);
  if (node == nodes_.end() || node->second.below.contains(name)) return;
  const auto directory = open_watched(above, node->second);
  if (!directory) return;
  find(above, directory->get(), name, found);
}

void CgroupTree::went(Number above, const std::string& name) {
  const auto parent = nodes_.find(above);
  if (parent == nodes_.end()) return;
  auto& siblings = parent->second.below;
  const auto found = siblings.find(name);
  if (found == siblings.end()) return;
  const auto number = found->second;
  // While it answers, who went is a predecessor: a removed one never does.
  if (kernel::read_populated(nodes_.at(number).events.get())) return;
  siblings.erase(found);
  forget(number, Why::removed);
}

void CgroupTree::make_room(Listed& listed) {
  --listed.watched;
  if (!listed.full || listed.watched >= room_ * 3 / 4) return;
  listed.full = false;
  rescan_soon();
}

// Its watches, too: the kernel keeps those of what is removed as long as it has the files in mind.
// NOLINTNEXTLINE(misc-no-recursion): as deep as a path has parts
void CgroupTree::forget(Number number, Why why) {
  forget_below(number, why);
  unschedule(number);
  const auto node = nodes_.extract(number);
  const auto& gone = node.mapped();
  events_.erase(gone.events_watch);
  (void)::inotify_rm_watch(inotify_, gone.events_watch);
  make_room(listed_[gone.listed]);
  if (why == Why::removed && gone.population.end(Clock::now())) tell(gone);
}

// NOLINTNEXTLINE(misc-no-recursion): likewise
void CgroupTree::forget_below(Number number, Why why) {
  auto& node = nodes_.at(number);
  const auto below = std::exchange(node.below, {});
  for (const auto& [name, lower] : below) forget(lower, why);
  stop_hearing(node);
}

void CgroupTree::stop_hearing(Node& node) {
  if (node.below_watch < 0) return;
  (void)::inotify_rm_watch(inotify_, node.below_watch);
  below_.erase(std::exchange(node.below_watch, -1));
}

void CgroupTree::tell(const Node& node) const {
  sinks_.emptied(listed_[node.listed].cgroup.path + "/" + node.path);
}

void CgroupTree::stir(Number number) {
  auto& node = nodes_.at(number);
  const auto populated = kernel::read_populated(node.events.get());
  if (!populated) return;  // removed meanwhile
  const auto when = node.population.stir(*populated, Clock::now());
  if (when) schedule(number, *when);
}

void CgroupTree::look(Number number) {
  unschedule(number);
  auto& node = nodes_.at(number);
  const auto populated = kernel::read_populated(node.events.get());
  if (!populated) return;
  const auto directory = open_directory(node);
  const Population::Sight sight{
      .populated = *populated, .cpu_time = directory ? kernel::read_cpu_time(directory->get()) : 0};
  if (node.population.look(sight, Clock::now())) tell(node);
}

// What is due already stays so.
void CgroupTree::schedule(Number number, Time when) {
  auto& due = nodes_.at(number).due;
  if (due && *due <= when) return;
  unschedule(number);
  due = when;
  due_.emplace(when, number);
}

void CgroupTree::unschedule(Number number) {
  if (const auto due = std::exchange(nodes_.at(number).due, {})) due_.erase({*due, number});
}

// Not more often than every few seconds, whoever floods us.
void CgroupTree::rescan_soon() {
  if (!rescan_) rescan_ = std::max(Clock::now(), next_rescan_);
}

void CgroupTree::rescan() {
  rescan_.reset();
  next_rescan_ = Clock::now() + limits::kResyncEvery;
  for (const auto& [number, node] : nodes_) {
    unlisted_.push_back(number);
    if (node.events) schedule(number, Clock::now());
  }
}

void CgroupTree::complain(const Error& error) {
  if (is_gone(error)) return;
  if (const auto more = complaints_.say(Clock::now())) sinks_.trouble(describe(error) + *more);
}

}  // namespace upcall::sources
