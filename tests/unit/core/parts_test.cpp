// SPDX-License-Identifier: Apache-2.0
// The small parts: options, names, zero pages, the report.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/identity.h"
#include "core/options.h"
#include "core/report.h"
#include "core/sparse.h"
#include "elf_core.h"

namespace upcall::core {
namespace {

class CoreOptions : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"DIRECTORY", "COMPRESS", "LEVEL", "MAX_SIZE", "KEEP_FREE", "SYNC"}) {
      ::unsetenv((std::string{"UPCALL_WITH_"} + name).c_str());
    }
  }
  static Result<Options> with(const char* name, const char* value) {
    ::setenv(name, value, 1);
    return read_options();
  }
};

TEST_F(CoreOptions, HaveDefaults) {
  const auto options = read_options();
  ASSERT_TRUE(options);
  EXPECT_EQ(options->directory, "/var/crash");
  EXPECT_EQ(options->compression, Compression::zstd);
  EXPECT_EQ(options->level, 1);
  EXPECT_EQ(options->max_size, 0U);
  EXPECT_TRUE(options->keep_free.percent);
  EXPECT_FALSE(options->sync);
}

TEST_F(CoreOptions, TakeWhetherToWaitForTheDisk) {
  EXPECT_TRUE(with("UPCALL_WITH_SYNC", "true")->sync);
  EXPECT_FALSE(with("UPCALL_WITH_SYNC", "false")->sync);
}

TEST_F(CoreOptions, TakeSizesWithUnits) {
  EXPECT_EQ(with("UPCALL_WITH_MAX_SIZE", "4096")->max_size, 4096U);
  EXPECT_EQ(with("UPCALL_WITH_MAX_SIZE", "3KiB")->max_size, 3072U);
  EXPECT_EQ(with("UPCALL_WITH_MAX_SIZE", "2GiB")->max_size, 2ULL << 30U);
  EXPECT_EQ(with("UPCALL_WITH_KEEP_FREE", "10MiB")->keep_free.amount, 10U << 20U);
  EXPECT_FALSE(with("UPCALL_WITH_KEEP_FREE", "10MiB")->keep_free.percent);
}

struct BadOption {
  const char* name;
  const char* value;
};
class BadCoreOptions : public CoreOptions, public ::testing::WithParamInterface<BadOption> {};

TEST_P(BadCoreOptions, AreRefusedByName) {
  const auto options = with(GetParam().name, GetParam().value);
  ASSERT_FALSE(options);
  EXPECT_NE(failure_line(options.error()).find(GetParam().name), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Core, BadCoreOptions,
                         ::testing::Values(BadOption{"UPCALL_WITH_DIRECTORY", "relative"},
                                           BadOption{"UPCALL_WITH_COMPRESS", "gzip"},
                                           BadOption{"UPCALL_WITH_LEVEL", "20"},
                                           BadOption{"UPCALL_WITH_LEVEL", "fast"},
                                           BadOption{"UPCALL_WITH_MAX_SIZE", "1GB"},
                                           BadOption{"UPCALL_WITH_MAX_SIZE", "-1"},
                                           BadOption{"UPCALL_WITH_MAX_SIZE", "99999999999GiB"},
                                           BadOption{"UPCALL_WITH_KEEP_FREE", "101%"},
                                           BadOption{"UPCALL_WITH_SYNC", "maybe"}));

TEST(FileName, HasNoByteOfTheProcessThatCouldMeanAnything) {
  const Identity identity{.pid = "../7", .comm = "../a b\n\xff", .time_us = 42};
  EXPECT_EQ(file_name(identity, false, ".zst"), "core.%2E%2E%2Fa%20b%0A%FF.%2E%2E%2F7.42.zst");
  EXPECT_EQ(file_name({.time_us = 1}, true, ""), "core.unknown.unknown.1.truncated");
}

TEST(FileName, FitsHoweverLongTheValuesAre) {
  const Identity identity{
      .pid = std::string(999, '/'), .comm = std::string(999, '/'), .time_us = ~0ULL};
  EXPECT_LE(file_name(identity, true, ".zst").size() + 3, 255U);
}

TEST(NextData, FindsRunsBetweenHoles) {
  Bytes bytes(10 * kBlock);
  bytes[(2 * kBlock) + 5] = std::byte{1};
  bytes[4 * kBlock] = std::byte{1};
  const auto first = next_data(bytes, 0, kBlock);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->begin, 2 * kBlock);
  EXPECT_EQ(first->end, 3 * kBlock);
  const auto joined = next_data(bytes, 0, 2 * kBlock);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->end, 5 * kBlock) << "a hole shorter than the shortest is written";
  EXPECT_FALSE(next_data(bytes, 5 * kBlock, kBlock));
}

TEST(NextData, EndsWithTheBytesNotWithABlock) {
  const auto bytes = noise(kBlock + 3);
  const auto run = next_data(bytes, 0, kBlock);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->end, kBlock + 3);
}

TEST(ResultLine, QuotesThePathAndNamesTheCut) {
  const Copied copied{
      .expected = 9, .cut = Cut::stream_ended, .totals = {.core = 5, .file = 4, .holes = 1}};
  EXPECT_EQ(result_line("/a\n\"", copied, std::chrono::milliseconds{3}),
            "core path=\"/a\\x0a\\\"\" complete=no bytes=5 expected=9 stored=4 holes=1 "
            "reason=stream-ended ms=3\n");
}

TEST(FailureLine, HasCauseAndRemedy) {
  EXPECT_EQ(failure_line(from_errno("do it", ENOSPC)),
            "cannot do it: No space left on device; free some space there or lower keep_free\n");
  EXPECT_EQ(exit_status(from_errno("do it", ENOSPC)), 75);
  EXPECT_EQ(exit_status(from_errno("do it", EIO)), 1);
}

}  // namespace
}  // namespace upcall::core
