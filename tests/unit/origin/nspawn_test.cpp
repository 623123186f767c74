// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/nspawn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record_file.h"

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;

TEST(ParseMachine, ReadsAContainerAndNothingThatStandsBetweenQuotes) {
  const auto record = parse_machine("web", record_file("nspawn/web"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "nspawn");
  EXPECT_EQ(record->container.id, "web");
  EXPECT_EQ(record->container.name, "web");
  EXPECT_EQ(record->init, 4242);
  EXPECT_EQ(record->start_time, std::nullopt);
}

TEST(ParseMachine, TakesQuotedValuesWithTheirEscapes) {
  const auto record =
      parse_machine("web", "NAME=\"w\\eb\"\nCLASS=\"container\"\nLEADER=\"7\"\nROOT=\"\\\"\n");
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->init, 7);
}

TEST(ParseMachine, KnowsWhatOnlyMachinedKnows) {
  const auto record =
      parse_machine("web", replaced(record_file("nspawn/web"), "=systemd-nspawn", "=docker"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "machined");
}

TEST(ParseMachine, ExpectsMachinesThatAreNoContainers) {
  const auto text = record_file("nspawn/web");
  const auto vm = parse_machine("web", replaced(text, "CLASS=container", "CLASS=vm"));
  ASSERT_FALSE(vm);
  EXPECT_EQ(vm.error().code, std::errc::not_supported);
  const auto users = parse_machine("web", replaced(text, "UID=0", "UID=1000"));
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code, std::errc::not_supported);
}

struct Mistake {
  const char* from;
  const char* to;
  const char* error;
};

class MachineMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(MachineMistake, IsRefusedByName) {
  const auto text = replaced(record_file("nspawn/web"), GetParam().from, GetParam().to);
  const auto record = parse_machine("web", text);
  ASSERT_FALSE(record);
  EXPECT_THAT(describe(record.error()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(Each, MachineMistake,
                         ::testing::Values(Mistake{"NAME=web", "NAME=db",
                                                   "NAME in machine of container 'web'"},
                                           Mistake{"NAME=web\n", "", "NAME"},
                                           Mistake{"LEADER=4242", "LEADER=", "LEADER"},
                                           Mistake{"LEADER=4242", "LEADER=-4242", "LEADER"},
                                           Mistake{"LEADER=4242", "LEADER=4242x", "LEADER"},
                                           Mistake{"LEADER=4242", "LEADER=1", "LEADER"},
                                           Mistake{"LEADER=4242", "LEADER=99999999999", "LEADER"},
                                           Mistake{"LEADER=4242", "FOLLOWER=4242", "LEADER"},
                                           Mistake{"CLASS=container\n", "", "CLASS"}));

TEST(ParseMachine, RefusesWhatIsTooLargeOrNothing) {
  EXPECT_FALSE(parse_machine("web", ""));
  EXPECT_FALSE(parse_machine("", ""));
  const auto large = parse_machine("web", std::string((std::size_t{4} << 20U) + 1, '\n'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, std::errc::file_too_large);
}

}  // namespace
}  // namespace upcall::origin
