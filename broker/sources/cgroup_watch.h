// SPDX-License-Identifier: Apache-2.0
// Tells of cgroups of version 2 that have become empty (cgroup_tree.h), for as long as the loop
// runs or until stop().
#pragma once

#include <vector>

#include "base/asio.h"
#include "base/unique_fd.h"
#include "sources/cgroup_tree.h"

namespace upcall::sources {

class CgroupWatch {
 public:
  // `inotify` is a non-blocking instance; none where `listed` is empty.
  CgroupWatch(asio::io_context& io, UniqueFd inotify, std::string descriptors,
              std::vector<ListedCgroup> listed, CgroupTree::Sinks sinks);

  // All that is there is known when it returns.
  void start();
  void stop();
  [[nodiscard]] bool watches() const { return inotify_.is_open(); }

 private:
  [[nodiscard]] asio::awaitable<void> hear();
  [[nodiscard]] asio::awaitable<void> work();
  // Some of what has come, so that others have their turn; none of it while the tree is behind.
  // False once there is nothing left.
  [[nodiscard]] bool drain();

  asio::io_context& io_;
  std::vector<ListedCgroup> listed_;
  asio::posix::stream_descriptor inotify_;
  CgroupTree tree_;
  asio::steady_timer next_;
  asio::steady_timer pause_;
  bool stopped_{false};
};

}  // namespace upcall::sources
