// SPDX-License-Identifier: Apache-2.0
// Whole cores through the whole handler, in this process, so that the sanitizers see it.
#include "core/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "elf_core.h"

namespace upcall::core {
namespace {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}

Bytes decompress(const Bytes& file, std::size_t size) {
  Bytes core(size + 1);
  const auto n = ::ZSTD_decompress(core.data(), core.size(), file.data(), file.size());
  core.resize(::ZSTD_isError(n) != 0 ? 0 : n);
  return core;
}

class StoreCore : public ::testing::TestWithParam<Compression> {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "upcall-core-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = fs::canonical(pattern);
    options_.directory = directory_;
    options_.compression = GetParam();
    options_.keep_free = {.amount = 0};
    // A handler that stops reading closes the stream while the kernel, here the feeder, still
    // writes.
    (void)std::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override { fs::remove_all(directory_); }

  // Through a socket in pages, as the kernel sends it.
  Result<StoredCore> store(const Bytes& core) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return from_errno("make a socket");
    std::thread feeder{[&core, end = UniqueFd{ends[0]}]() mutable {
      for (std::size_t at = 0; at < core.size(); at += 4096) {
        const auto size = std::min<std::size_t>(4096, core.size() - at);
        if (::write(end.get(), &core[at], size) < 0) break;
      }
      end.reset();
    }};
    auto stored = store_core(UniqueFd{ends[1]}, identity_, options_);
    feeder.join();
    return stored;
  }

  static Bytes contents(const StoredCore& stored, std::size_t size) {
    const auto file = read_file(stored.path);
    return stored.path.ends_with(".zst") ? decompress(file, size) : file;
  }

  fs::path directory_;
  Options options_;
  Identity identity_{.pid = "7", .uid = "0", .gid = "0", .comm = "victim", .time_us = 1};
};

TEST_P(StoreCore, GivesBackEveryByteOfAnySize) {
  for (const std::size_t pages : {1UL, 63UL, 64UL, 300UL, 1023UL, 1024UL, 2500UL, 4001UL}) {
    const auto core = elf_core({speckled(pages), Bytes(70000), noise(100 + pages)});
    const auto stored = store(core);
    ASSERT_TRUE(stored) << describe(stored.error());
    EXPECT_EQ(stored->copied.cut, Cut::none);
    EXPECT_EQ(stored->copied.expected, core.size());
    EXPECT_EQ(stored->copied.totals.core, core.size());
    EXPECT_TRUE(contents(*stored, core.size()) == core) << pages << " pages";
    fs::remove(stored->path);
  }
}

// Whether the process, which sees it by its end of the connection, has to wait for the broker,
// which holds the stream as well.
bool is_left_to_the_broker(const Identity& identity, const Options& options) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
  const UniqueFd process{ends[0]};
  const UniqueFd broker{::fcntl(ends[1], F_DUPFD_CLOEXEC, 0)};
  const auto core = elf_core({noise(4096)});
  EXPECT_EQ(::write(process.get(), core.data(), core.size()), static_cast<ssize_t>(core.size()));
  ::shutdown(process.get(), SHUT_WR);
  EXPECT_TRUE(store_core(UniqueFd{ends[1]}, identity, options));
  std::array<char, 1> byte{};
  return ::recv(process.get(), byte.data(), byte.size(), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

TEST_P(StoreCore, LetsOnlyAProcessGoThatCannotTakeUsAlong) {
  EXPECT_FALSE(is_left_to_the_broker(identity_, options_));
  identity_.is_init = true;
  EXPECT_TRUE(is_left_to_the_broker(identity_, options_));
  identity_.is_init = false;
  identity_.in_container = true;
  EXPECT_TRUE(is_left_to_the_broker(identity_, options_));
}

TEST_P(StoreCore, KeepsZerosAtTheEnd) {
  const auto core = elf_core({noise(5000), Bytes(9 << 20)});
  const auto stored = store(core);
  ASSERT_TRUE(stored);
  EXPECT_TRUE(contents(*stored, core.size()) == core);
  struct stat status {};
  ASSERT_EQ(::stat(stored->path.c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 64 << 10);
  EXPECT_GE(stored->copied.totals.holes, 8U << 20U);
}

TEST_P(StoreCore, NamesAndReportsOneThatEndsEarly) {
  auto core = elf_core({noise(1 << 20)});
  const auto whole = core.size();
  core.resize(core.size() - 1);
  const auto stored = store(core);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->copied.cut, Cut::stream_ended);
  EXPECT_EQ(stored->copied.expected, whole);
  EXPECT_NE(stored->path.find(".1.truncated"), std::string::npos);
  EXPECT_TRUE(contents(*stored, whole) == core);
}

TEST_P(StoreCore, CutsAtTheMaximumAndNotBelowIt) {
  const auto core = elf_core({noise(6 << 20)});
  options_.max_size = core.size();
  EXPECT_EQ(store(core)->copied.cut, Cut::none);
  options_.max_size = 5'000'001;
  const auto stored = store(core);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->copied.cut, Cut::max_size);
  EXPECT_TRUE(contents(*stored, core.size()) == Bytes(core.begin(), core.begin() + 5'000'001));
}

TEST_P(StoreCore, StoresWhatIsNoElf) {
  const auto text = noise(10000);
  const auto stored = store(text);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->copied.expected, std::nullopt);
  EXPECT_EQ(stored->copied.cut, Cut::none);
  EXPECT_TRUE(contents(*stored, text.size()) == text);
}

TEST_P(StoreCore, NeverReplacesAFileOrFollowsALink) {
  const auto core = elf_core({noise(100)});
  const auto name = file_name(identity_, false, GetParam() == Compression::zstd ? ".zst" : "");
  fs::create_symlink(directory_ / "elsewhere", directory_ / name);
  const auto stored = store(core);
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(fs::path{stored->path}.filename(), name + ".1");
  EXPECT_FALSE(fs::exists(directory_ / "elsewhere"));
}

TEST_P(StoreCore, IsForItsOwnerWhenTheProcessWasDumpableAndOtherwiseForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  identity_.uid = identity_.gid = "4242";
  for (const bool for_owner : {true, false}) {
    identity_.for_owner = for_owner;
    const auto stored = store(elf_core({noise(100)}));
    ASSERT_TRUE(stored);
    struct stat status {};
    ASSERT_EQ(::stat(stored->path.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, for_owner ? 4242U : 0U);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
  }
}

TEST_P(StoreCore, MakesTheLastComponentOfTheDirectoryForItselfAlone) {
  options_.directory = directory_ / "made";
  ASSERT_TRUE(store(elf_core({noise(100)})));
  EXPECT_EQ(fs::status(options_.directory).permissions(), fs::perms::owner_all);
  options_.directory = directory_ / "missing" / "deep";
  EXPECT_EQ(store(elf_core({noise(100)})).error().code, std::errc::no_such_file_or_directory);
}

TEST_P(StoreCore, RefusesDirectoriesThatCannotBeTrusted) {
  fs::create_directory_symlink(directory_, directory_ / "link");
  options_.directory = directory_ / "link";
  EXPECT_EQ(store(elf_core({noise(100)})).error().code, std::errc::too_many_symbolic_link_levels);
  fs::permissions(directory_, fs::perms::all);
  options_.directory = directory_;
  EXPECT_EQ(store(elf_core({noise(100)})).error().code, std::errc::operation_not_permitted);
}

TEST_P(StoreCore, RefusesToBeginWithoutRoom) {
  options_.keep_free = {.amount = 100};
  EXPECT_EQ(store(elf_core({noise(100)})).error().code, std::errc::no_space_on_device);
  EXPECT_TRUE(fs::is_empty(directory_));
}

// A limit on file sizes stops a write where a full disk would.
TEST_P(StoreCore, KeepsWhatItCouldWriteWithoutGaps) {
  const auto core = elf_core({noise(20 << 20)});
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 10'000'000, .rlim_max = old.rlim_max};
  (void)std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto stored = store(core);
  ::setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(stored->copied.cut, Cut::disk_full);
  const auto kept = contents(*stored, core.size());
  EXPECT_GT(kept.size(), 4U << 20U);
  EXPECT_EQ(kept.size(), stored->copied.totals.core);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), core.begin()));
}

INSTANTIATE_TEST_SUITE_P(Core, StoreCore, ::testing::Values(Compression::none, Compression::zstd));

}  // namespace
}  // namespace upcall::core
