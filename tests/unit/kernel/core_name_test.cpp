// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_name.h"

#include <gtest/gtest.h>

namespace upcall::kernel {
namespace {

using Arguments = std::vector<std::string>;

const CoreFacts kFacts{.pid = 7,
                       .global_pid = 1007,
                       .tid = 8,
                       .global_tid = 1008,
                       .uid = 4294967294,
                       .gid = 100,
                       .dumpable = 2,
                       .signal = 11,
                       .time = 1700000000,
                       .core_limit = UINT64_MAX,
                       .cpu = 3,
                       .host_name = "a/b",
                       .comm = "my prog",
                       .exe = "/usr/bin/my prog (deleted)"};

struct FileCase {
  const char* pattern;
  const char* name;
};

class CoreFile : public ::testing::TestWithParam<FileCase> {};

TEST_P(CoreFile, IsNamedAsByTheKernel) {
  EXPECT_EQ(expand_core_file(GetParam().pattern, kFacts, CoreUsesPid::no), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    CoreName, CoreFile,
    ::testing::Values(FileCase{"core", "core"}, FileCase{"%p-%P-%i-%I", "7-1007-8-1008"},
                      FileCase{"%u.%g.%d.%s", "4294967294.100.2.11"}, FileCase{"%t", "1700000000"},
                      FileCase{"%c", "18446744073709551615"}, FileCase{"%C", "3"},
                      FileCase{"/var/%h", "/var/a!b"}, FileCase{"%e", "my prog"},
                      FileCase{"%f", "my prog (deleted)"},
                      FileCase{"%E", "!usr!bin!my prog (deleted)"}, FileCase{"%F", ""},
                      FileCase{"%%p", "%p"}, FileCase{"a%zb", "ab"}, FileCase{"core%", "core"},
                      FileCase{"%", ""}, FileCase{"a b", "a b"}));

TEST(CoreFileName, GetsThePidAppendedWhenItHasNone) {
  EXPECT_EQ(expand_core_file("core", kFacts, CoreUsesPid::yes), "core.7");
  EXPECT_EQ(expand_core_file("core.%p", kFacts, CoreUsesPid::yes), "core.7");
  EXPECT_EQ(expand_core_file("core%%p", kFacts, CoreUsesPid::yes), "core%p.7");
  EXPECT_EQ(expand_core_file("core.%P", kFacts, CoreUsesPid::yes), "core.1007.7");
  EXPECT_EQ(expand_core_file("core%", kFacts, CoreUsesPid::yes), "core.7");
}

TEST(CoreFileName, CannotBeLedToAnotherFolder) {
  const auto name = [](const char* comm) {
    return expand_core_file("/c/%e", {.comm = comm}, CoreUsesPid::no);
  };
  EXPECT_EQ(name("."), "/c/!");
  EXPECT_EQ(name(".."), "/c/!.");
  EXPECT_EQ(name("..."), "/c/...");
  EXPECT_EQ(name(""), "/c/!");
  EXPECT_EQ(name("../../etc"), "/c/..!..!etc");
}

TEST(CoreFileName, SaysWhenThereIsNoExecutable) {
  EXPECT_EQ(expand_core_file("%f %E", {.comm = "a/b"}, CoreUsesPid::no),
            "a!b (path unknown) a!b (path unknown)");
}

struct ProgramCase {
  const char* pattern;
  Arguments arguments;
};

class CoreProgram : public ::testing::TestWithParam<ProgramCase> {};

TEST_P(CoreProgram, GetsItsArgumentsAsFromTheKernel) {
  EXPECT_EQ(expand_core_program(GetParam().pattern, kFacts), GetParam().arguments)
      << GetParam().pattern;
}

INSTANTIATE_TEST_SUITE_P(
    CoreName, CoreProgram,
    ::testing::Values(ProgramCase{"|", {}}, ProgramCase{"|/x", {"/x"}},
                      ProgramCase{"|  /x", {"/x"}}, ProgramCase{"|/x  a \t b  ", {"/x", "a", "b"}},
                      ProgramCase{"|/x %e %F", {"/x", "my prog", "3"}},
                      ProgramCase{"|/x F=%F %p%%", {"/x", "F=3", "7%"}},
                      ProgramCase{"|/x %z y", {"/x", "", "y"}}, ProgramCase{"|/x %", {"/x", ""}},
                      ProgramCase{"|%z /x", {"/x"}}, ProgramCase{"|/x\xa0y", {"/x", "y"}},
                      ProgramCase{"|%e x", {"my prog", "x"}}));

TEST(WantsPidfd, SeesOnlyTheSpecifier) {
  EXPECT_TRUE(wants_pidfd("|/x %P %F"));
  EXPECT_FALSE(wants_pidfd("|/x %%F"));
  EXPECT_FALSE(wants_pidfd("|/x %PF %"));
}

}  // namespace
}  // namespace upcall::kernel
