// SPDX-License-Identifier: Apache-2.0
#include "dispatch/module_aliases.h"

#include <gtest/gtest.h>

namespace upcall::dispatch {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kLines =
    "blacklist microcode\n"
    "options nf_conntrack hashsize=1\n"
    "alias fs_xfs xfs\n"
    "alias net-pf-16-proto-4 inet_diag\n"
    "alias net-pf-16-proto-4 other-diag\n"
    "alias char-major-10-* misc\n"
    "alias pci:v00008086d0000[0-9-]* e1000\n"
    "alias * any\n"
    "alias half\n"
    "module ip-vs\n"
    "module\n";

TEST(ModuleAliases, AreLookedUpWithEitherDash) {
  const ModuleAliases aliases{kLines};
  EXPECT_EQ(aliases.resolve("fs-xfs"), (Names{"any", "xfs"}));
  EXPECT_EQ(aliases.resolve("ip_vs"), (Names{"any", "ip_vs"}));
  EXPECT_EQ(aliases.resolve("net-pf-16-proto-4"), (Names{"any", "inet_diag", "other_diag"}));
}

TEST(ModuleAliases, AreGlobs) {
  const ModuleAliases aliases{kLines};
  EXPECT_EQ(aliases.resolve("char-major-10-200"), (Names{"any", "misc"}));
  EXPECT_EQ(aliases.resolve("pci:v00008086d00005"), (Names{"any", "e1000"}));
  EXPECT_EQ(aliases.resolve("char-major-11-1"), Names{"any"});
  EXPECT_EQ(aliases.resolve(""), Names{"any"});
}

TEST(ModuleAliases, StandForNothingWhereNothingIsKnown) {
  EXPECT_EQ(ModuleAliases{}.resolve("fs-xfs"), Names{});
  EXPECT_EQ(ModuleAliases{"alias fs-xfs xfs\n"}.resolve("fs-ext4"), Names{});
  EXPECT_EQ(ModuleAliases{"alias fs-xfs xfs\n"}.resolve("microcode"), Names{});
}

}  // namespace
}  // namespace upcall::dispatch
