// SPDX-License-Identifier: Apache-2.0
// What the tree of watched cgroups makes of what strangers do to them between two of its turns:
// with real ones, which only root may make.
#include "sources/cgroup_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"

namespace upcall::sources {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Paths = std::vector<std::string>;

constexpr auto kPatience = std::chrono::seconds{20};
constexpr int kPatienceMs = 20'000;
constexpr uid_t kTenant = 1000;

// Where the hierarchy of version 2 is mounted; nothing where it is not.
std::optional<std::string> hierarchy() {
  std::ifstream mounts{"/proc/self/mounts"};
  for (std::string device, path, type, rest; mounts >> device >> path >> type;) {
    if (type == "cgroup2") return path;
    std::getline(mounts, rest);
  }
  return {};
}

class CgroupTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto mounted = hierarchy();
    if (::geteuid() != 0 || !mounted) GTEST_SKIP() << "needs root and cgroups of version 2";
    top_ = *mounted + "/cgroup-tree-" + std::to_string(::getpid());
    ASSERT_EQ(::mkdir(top_.c_str(), 0755), 0);
    listen();
  }
  void TearDown() override {
    if (top_.empty()) return;
    inmates_.clear();
    std::vector<std::filesystem::path> made;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{top_})
      if (entry.is_directory()) made.push_back(entry.path());
    std::ranges::sort(made, std::ranges::greater{});  // what is below before what is above
    for (const auto& directory : made) EXPECT_EQ(::rmdir(directory.c_str()), 0) << directory;
    EXPECT_EQ(::rmdir(top_.c_str()), 0);
  }

  // From here on, as after a start.
  void listen(const std::string& descriptors = "/proc/self/fd") {
    inotify_ = UniqueFd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    tree_.emplace(inotify_.get(), descriptors,
                  CgroupTree::Sinks{
                      .emptied = [this](std::string path) { emptied_.push_back(std::move(path)); },
                      .trouble = [this](const std::string& what) { troubles_.push_back(what); }});
    emptied_.clear();
    troubles_.clear();
    std::vector<ListedCgroup> listed;
    listed.push_back(
        {.directory = UniqueFd{::open(top_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}});
    tree_->add(std::move(listed));
  }
  template <class Action>
  static void with_descriptors(rlim_t number, Action action) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few{.rlim_cur = number, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    action();
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  void hear() {
    while (const auto events = or_throw(kernel::read_inotify(inotify_.get())))
      for (const auto& event : *events) tree_->take(event);
  }
  void overflow() { tree_->take({.watch = -1, .mask = IN_Q_OVERFLOW}); }
  // How many are: each has its descriptor.
  static std::ptrdiff_t watched() {
    return std::ranges::count_if(std::filesystem::directory_iterator{"/proc/self/fd"},
                                 [](const auto& descriptor) {
                                   std::error_code gone;
                                   const auto file = read_symlink(descriptor.path(), gone);
                                   return file.filename() == "cgroup.events";
                                 });
  }
  // Until so many are told of and nothing is left to do.
  void settle(std::size_t told = 0) {
    const auto deadline = CgroupTree::Clock::now() + kPatience;
    hear();
    for (auto next = tree_->work(); next || emptied_.size() < told; next = tree_->work()) {
      const auto now = CgroupTree::Clock::now();
      ASSERT_LT(now, deadline);
      const auto wait = std::chrono::ceil<milliseconds>(next.value_or(deadline) - now);
      pollfd poll{.fd = inotify_.get(), .events = POLLIN};
      if (wait.count() > 0) (void)::poll(&poll, 1, static_cast<int>(wait.count()));
      hear();
    }
  }

  [[nodiscard]] std::string path(const std::string& cgroup) const { return top_ + "/" + cgroup; }
  void make(const std::string& cgroup) {
    ASSERT_EQ(::mkdir(path(cgroup).c_str(), 0755), 0) << cgroup;
  }
  void remove(const std::string& cgroup) { ASSERT_EQ(::rmdir(path(cgroup).c_str()), 0) << cgroup; }
  void make_again(const std::string& cgroup) {
    remove(cgroup);
    make(cgroup);
  }
  void give_away(const std::string& cgroup) {
    ASSERT_EQ(::chown(path(cgroup).c_str(), kTenant, kTenant), 0) << "needs root";
  }

  // A process in a cgroup, until it is killed.
  class Inmate {
   public:
    explicit Inmate(const std::string& directory) : pid_{::fork()} {
      if (pid_ == 0) {
        for (;;) ::pause();
      }
      std::ofstream{directory + "/cgroup.procs"} << pid_;
    }
    Inmate(const Inmate&) = delete;
    Inmate& operator=(const Inmate&) = delete;
    Inmate(Inmate&& other) noexcept : pid_{std::exchange(other.pid_, -1)} {}
    Inmate& operator=(Inmate&&) = delete;
    ~Inmate() {
      if (pid_ <= 0) return;
      (void)::kill(pid_, SIGKILL);
      (void)::waitpid(pid_, nullptr, 0);
    }

   private:
    pid_t pid_;
  };
  void fill(const std::string& cgroup) { inmates_.emplace_back(path(cgroup)); }
  void empty() { inmates_.clear(); }

  std::string top_;
  UniqueFd inotify_;
  std::optional<CgroupTree> tree_;
  Paths emptied_;
  std::vector<std::string> troubles_;
  std::vector<Inmate> inmates_;
};

TEST_F(CgroupTreeTest, OneThatIsMadeAgainIsAnotherOneAtAnyTimeOfARescan) {
  for (int turns = 0; turns < 16; ++turns) {
    const auto job = "job" + std::to_string(turns);
    make(job);
    for (int sibling = 10; sibling < 50; ++sibling) make(job + "/" + std::to_string(sibling));
    make(job + "/zz");
    listen();
    overflow();
    for (int turn = 0; turn < turns; ++turn) (void)tree_->work();
    give_away(job);
    make(job + "/y");
    make(job + "/zz/below");
    remove(job + "/zz/below");
    make_again(job + "/zz");
    (void)tree_->work();
    hear();
    settle();
    EXPECT_EQ(emptied_, Paths{});
    EXPECT_EQ(troubles_.size(), 1);  // the overflow
  }
}

TEST_F(CgroupTreeTest, RemovalOfAPredecessorIsNotOnesOwn) {
  make("job");
  make_again("job");
  fill("job");
  settle();
  EXPECT_EQ(emptied_, Paths{});
  empty();
  settle(1);
  EXPECT_EQ(emptied_, Paths{"/job"});
}

TEST_F(CgroupTreeTest, RemovalOfAPredecessorIsHeardHoweverOftenItIsMadeAgain) {
  make("job");
  fill("job");
  settle();
  empty();
  for (int i = 0; i < 3; ++i) make_again("job");
  settle(1);
  EXPECT_EQ(emptied_, Paths{"/job"});
}

TEST_F(CgroupTreeTest, HalfOfTheDescriptorsAreLeftToOthers) {
  for (int i = 0; i < 100; ++i) make(std::to_string(i));
  with_descriptors(64, [this] { listen(); });
  EXPECT_EQ(watched(), 32);
  EXPECT_THAT(troubles_, ElementsAre(HasSubstr("with 64 descriptors (LimitNOFILE) only 32"),
                                     HasSubstr("there are more than 32")));
}

TEST_F(CgroupTreeTest, RoomThatOneGivesUpWhichIsLeftAloneIsUsed) {
  make("job");
  for (int i = 0; i < 40; ++i) make("job/" + std::to_string(i));
  with_descriptors(64, [this] { listen(); });
  make("late");
  fill("late");
  settle();
  give_away("job");
  make("job/another");
  settle();
  empty();
  settle(1);
  EXPECT_EQ(emptied_, Paths{"/late"});
}

TEST_F(CgroupTreeTest, LargeDirectoryIsGoneThroughInParts) {
  make("job");
  for (int i = 0; i < 300; ++i) make("job/" + std::to_string(i));
  hear();
  for (int turn = 1; watched() < 301; ++turn) {
    ASSERT_LT(turn, 300);
    ASSERT_LE(watched(), 1 + (turn * 32));
    (void)tree_->work();
  }
}

TEST_F(CgroupTreeTest, ChangesAreLookedAtHoweverMuchIsToBeListed) {
  make("job");
  fill("job");
  listen();
  empty();
  pollfd poll{.fd = inotify_.get(), .events = POLLIN};
  ASSERT_EQ(::poll(&poll, 1, kPatienceMs), 1);
  hear();
  const auto due = CgroupTree::Clock::now() + limits::kCgroupSettles;
  for (int i = 0; i < 300; ++i) make("other" + std::to_string(i));
  hear();
  std::this_thread::sleep_until(due);
  (void)tree_->work();
  EXPECT_EQ(emptied_, Paths{"/job"});
}

TEST_F(CgroupTreeTest, IsBehindUntilWhatCameIsListed) {
  for (int i = 0; i < 1200; ++i) make(std::to_string(i));
  EXPECT_FALSE(tree_->is_behind());
  hear();
  EXPECT_TRUE(tree_->is_behind());
  settle();
  EXPECT_FALSE(tree_->is_behind());
}

TEST_F(CgroupTreeTest, WhatFailsForManyIsSaidOnce) {
  // Where the descriptors are, until they are not.
  const auto link = std::filesystem::temp_directory_path() /
                    ("upcall-test-descriptors-" + std::to_string(::getpid()));
  std::filesystem::create_symlink("/proc/self/fd", link);
  listen(link);
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/proc/self/status", link);
  for (int i = 0; i < 100; ++i) make(std::to_string(i));
  hear();
  std::filesystem::remove(link);
  EXPECT_THAT(troubles_, ElementsAre(HasSubstr("Not a directory")));
}

}  // namespace
}  // namespace upcall::sources
