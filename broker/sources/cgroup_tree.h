// SPDX-License-Identifier: Apache-2.0
// The cgroups of version 2 below some directories, as far as they are watched, and which of them
// have become empty. Without waiting: cgroup_watch.h does that.
//
// Each has two watches: of its cgroup.events, and of its directory for those below it. One that is
// not root's has only the first: who owns it makes as many below it as he likes, and whether any of
// them has a process it tells itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/seldom.h"
#include "base/unique_fd.h"
#include "kernel/inotify.h"
#include "sources/population.h"

namespace upcall::sources {

struct ListedCgroup {
  UniqueFd directory;
  std::string path;  // from the root of the hierarchy; empty for that
};

class CgroupTree {
 public:
  using Clock = std::chrono::steady_clock;

  struct Sinks {
    std::function<void(std::string path)> emptied;         // from the root of the hierarchy
    std::function<void(const std::string& what)> trouble;  // for the log
  };

  // `inotify` is borrowed; `descriptors` is where /proc/self/fd is.
  CgroupTree(int inotify, std::string descriptors, Sinks sinks);

  // Knows what is below them when it returns. What is below two of them is watched once.
  void add(std::vector<ListedCgroup> listed);
  void take(const kernel::InotifyEvent& event);
  // Does some of what is due. When to come again; nothing while nothing is.
  [[nodiscard]] std::optional<Clock::time_point> work();
  // More is to be listed than may be: take() nothing until some of it is.
  [[nodiscard]] bool is_behind() const;

 private:
  using Time = Clock::time_point;
  using Number = std::uint64_t;  // never used twice

  struct Listed {
    ListedCgroup cgroup;
    std::size_t watched{};
    bool full{};  // there were more
  };
  struct Node {
    std::size_t listed{};
    std::string path;  // from the listed directory, without a '/' before it; empty for that
    UniqueFd events;   // none of the listed directory
    int events_watch{-1};
    int below_watch{-1};
    std::map<std::string, Number> below;
    Population population;
    std::optional<Time> due;
  };
  // Of a directory that was listed, what is left to be gone through.
  struct Compared {
    Number above{};
    std::vector<std::string> names;
  };
  // When a cgroup was found: of one that was there before us only what comes is told.
  enum class Found : std::uint8_t { at_start, since };
  // Why it is not watched any more.
  enum class Why : std::uint8_t { removed, left_alone };

  void find(Number above, int above_directory, const std::string& name, Found found);
  void measure();
  [[nodiscard]] bool has_room(Listed& listed) const;
  void make_room(Listed& listed);
  [[nodiscard]] Result<Ok> watch(Node& node, int directory) const;
  void begin(Number number, int directory, Found found);
  [[nodiscard]] bool all_listed() const;
  // False where there was nothing left.
  bool list_some(Found found);
  void list(Number number);
  [[nodiscard]] Result<UniqueFd> open_directory(const Node& node) const;
  // Nothing where what is below it is not, or no longer, to be watched: that is forgotten.
  [[nodiscard]] std::optional<UniqueFd> open_watched(Number number, const Node& node);
  [[nodiscard]] static bool is_left_alone(const Node& node, int directory);
  void compare(Number number, std::vector<std::string> names);
  void came(Number above, const std::string& name, Found found);
  void went(Number above, const std::string& name);
  void forget(Number number, Why why);
  void forget_below(Number number, Why why);
  void stop_hearing(Node& node);
  void tell(const Node& node) const;
  void stir(Number number);
  void look(Number number);
  void schedule(Number number, Time when);
  void unschedule(Number number);
  void rescan_soon();
  void rescan();
  void complain(const Error& error);

  int inotify_;
  std::string descriptors_;
  Sinks sinks_;
  std::vector<Listed> listed_;
  std::size_t room_{};  // for how many below each of the listed ones
  Number last_{0};
  std::map<Number, Node> nodes_;
  std::unordered_map<int, Number> events_;  // by watch
  std::unordered_map<int, Number> below_;   // likewise
  std::deque<Number> unlisted_;
  Compared compared_;
  std::set<std::pair<Time, Number>> due_;
  std::optional<Time> rescan_;
  Time next_rescan_{Time::min()};
  Seldom complaints_;
};

}  // namespace upcall::sources
