// SPDX-License-Identifier: Apache-2.0
#include "wire/handler_table.h"

#include <gtest/gtest.h>

namespace upcall::wire {
namespace {

using namespace std::chrono_literals;

HandlerTable table_of_two() {
  return {{.name = "save",
           .program = Program::vault,
           .path = "core",
           .arguments = {"core"},
           .environment = {"UPCALL_WITH_MODE=full", "UPCALL_WITH_LEVEL=3"},
           .place = Place::container,
           .user = User::root,
           .timeout = 5min},
          {.name = "notify",
           .program = Program::host,
           .path = "/bin/notify",
           .arguments = {"/bin/notify", "", "{signal}"},
           .place = Place::host,
           .user = User::fixed,
           .uid = 33,
           .gid = 34,
           .timeout = 1ms,
           .seccomp = Seccomp::best_effort,
           .helpers = true}};
}

TEST(PackHandlers, GivesTheSameTableBack) {
  const auto unpacked = unpack_handlers(pack_handlers(table_of_two()));
  ASSERT_TRUE(unpacked);
  ASSERT_EQ(unpacked->size(), 2U);
  EXPECT_EQ((*unpacked)[0].environment, table_of_two()[0].environment);
  const auto& row = (*unpacked)[1];
  EXPECT_EQ(row.name, "notify");
  EXPECT_EQ(row.program, Program::host);
  EXPECT_EQ(row.path, "/bin/notify");
  EXPECT_EQ(row.arguments, (std::vector<std::string>{"/bin/notify", "", "{signal}"}));
  EXPECT_EQ(row.place, Place::host);
  EXPECT_EQ(row.user, User::fixed);
  EXPECT_EQ(row.uid, 33U);
  EXPECT_EQ(row.gid, 34U);
  EXPECT_EQ(row.timeout, 1ms);
  EXPECT_TRUE(row.helpers);
  EXPECT_EQ(row.seccomp, Seccomp::best_effort);
  EXPECT_EQ(pack_handlers(*unpacked), pack_handlers(table_of_two()));
}

TEST(UnpackHandlers, RefusesEveryCutAndEverythingAppended) {
  auto bytes = pack_handlers(table_of_two());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = unpack_handlers(std::span{bytes}.first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, std::errc::bad_message);
  }
  bytes.push_back({});
  EXPECT_FALSE(unpack_handlers(bytes));
}

TEST(UnpackHandlers, RefusesAnotherTable) {
  auto bytes = pack_handlers({});
  bytes[0] = std::byte{'X'};
  EXPECT_FALSE(unpack_handlers(bytes));
}

}  // namespace
}  // namespace upcall::wire
