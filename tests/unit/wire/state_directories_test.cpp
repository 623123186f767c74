// SPDX-License-Identifier: Apache-2.0
#include "wire/state_directories.h"

#include <gtest/gtest.h>

namespace upcall::wire {
namespace {

TEST(StateDirectories, AreTheSameAfterTheirTravel) {
  const auto& directories = default_state_directories();
  const auto unpacked = unpack_state_directories(pack_state_directories(directories));
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(*unpacked, directories);
}

TEST(StateDirectories, AreRefusedWhenCutOrOfAnotherTable) {
  auto bytes = pack_state_directories(default_state_directories());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(unpack_state_directories(std::span{bytes}.first(size))) << size;
  }
  bytes.front() = ~bytes.front();
  EXPECT_FALSE(unpack_state_directories(bytes));
}

TEST(RecordFiles, AreThereForEveryKind) {
  for (std::size_t kind = 0; kind < kRecordKinds; ++kind) {
    EXPECT_FALSE(record_files(static_cast<RecordKind>(kind)).empty()) << kind;
  }
}

}  // namespace
}  // namespace upcall::wire
