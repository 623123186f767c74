// SPDX-License-Identifier: Apache-2.0
#include "policy/module_name.h"

#include <gtest/gtest.h>

namespace upcall::policy {
namespace {

TEST(ModuleName, HasUnderscoresButBetweenBrackets) {
  EXPECT_EQ(normalized_module_name("net-pf_21"), "net_pf_21");
  EXPECT_EQ(normalized_module_name("a-[0-9]-b"), "a_[0-9]_b");
  EXPECT_EQ(normalized_module_name(""), "");
}

}  // namespace
}  // namespace upcall::policy
