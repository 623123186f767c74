// SPDX-License-Identifier: Apache-2.0
#include "dispatch/payload.h"

#include <gtest/gtest.h>

namespace upcall::dispatch {
namespace {

TEST(Payload, KeepsEveryByte) {
  Payload payload{4};
  payload.take(std::string_view{"a\0\n", 3});
  payload.take("b");
  EXPECT_EQ(payload.bytes(), (std::string{"a\0\nb", 4}));
  EXPECT_FALSE(payload.too_long());
}

TEST(Payload, IsNoneWhenItIsLongerThanItMayBe) {
  Payload payload{3};
  payload.take("xxx");
  EXPECT_FALSE(payload.too_long());
  payload.take("y");
  EXPECT_TRUE(payload.too_long());
  EXPECT_EQ(payload.bytes(), "xxx");
}

}  // namespace
}  // namespace upcall::dispatch
