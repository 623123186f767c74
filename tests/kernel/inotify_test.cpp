// SPDX-License-Identifier: Apache-2.0
// Root of a container may be root of the host to the kernel, and use up what root may have.
#include "kernel/inotify.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <vector>

#include "base/text.h"
#include "kernel/read_file.h"
#include "launcher/stranger.h"

namespace upcall::kernel {
namespace {

// Fewer than descriptors that a process may have.
constexpr std::size_t kInstances = 512;

std::size_t most_instances() {
  const auto text = read_file("/proc/sys/fs/inotify/max_user_instances");
  std::string_view rest{text ? std::string_view{*text} : std::string_view{}};
  return parse_integer<std::size_t>(take_until(rest, '\n')).value_or(kInstances + 1);
}

class UsedUp {
 public:
  UsedUp() {
    for (std::size_t i = 0; i < kInstances; ++i) {
      UniqueFd one{::inotify_init1(IN_CLOEXEC)};
      if (!one) return;
      held_.push_back(std::move(one));
    }
  }

 private:
  std::vector<UniqueFd> held_;
};

TEST(Inotify, IsToBeHadAlthoughRootHasNoneLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (most_instances() > kInstances) GTEST_SKIP() << "root may have more than this test can use up";
  const UsedUp used_up;
  ASSERT_LT(::inotify_init1(IN_CLOEXEC), 0);
  EXPECT_TRUE(make_inotify(launcher::choose_stranger()));
  EXPECT_EQ(::geteuid(), 0U);
}

}  // namespace
}  // namespace upcall::kernel
