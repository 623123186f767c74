// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "record_file.h"

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;
using wire::RecordKind;
using Texts = std::vector<std::string>;

TEST(Sources, KnowWhatIsNoRecordByItsName) {
  EXPECT_TRUE(is_record(RecordKind::crun, "web"));
  EXPECT_TRUE(is_record(RecordKind::crun, "unit:web"));
  EXPECT_FALSE(is_record(RecordKind::crun, ".empty-directory"));
  EXPECT_FALSE(is_record(RecordKind::crun, ""));
  EXPECT_TRUE(is_record(RecordKind::nspawn, "web"));
  EXPECT_FALSE(is_record(RecordKind::nspawn, "unit:machine-web.scope"));
  EXPECT_FALSE(is_record(RecordKind::nspawn, ".#web0815"));
}

TEST(Parse, ReadsEachKind) {
  const Texts crun{record_file("crun/status"), record_file("crun/config.json")};
  const Texts runc{record_file("runc/state.json")};
  const Texts machine{record_file("nspawn/web")};
  EXPECT_EQ(parse(RecordKind::crun, "web", crun)->container.runtime, "crun");
  EXPECT_EQ(parse(RecordKind::runc, "db", runc)->container.runtime, "runc");
  EXPECT_EQ(parse(RecordKind::nspawn, "web", machine)->container.runtime, "nspawn");
}

TEST(Parse, NamesTheManagerByTheDirectoryWhicheverRuntimeItCalls) {
  const Texts with_runc{record_file("runc/state.json"), "", ""};
  const Texts with_crun{"", record_file("crun/status"), record_file("crun/config.json")};
  EXPECT_EQ(parse(RecordKind::containerd, "db", with_runc)->container.runtime, "containerd");
  EXPECT_EQ(parse(RecordKind::containerd, "web", with_crun)->container.runtime, "containerd");
}

TEST(Parse, DoesWithoutDockersNotes) {
  Texts texts{record_file("runc/state.json"), "", "", ""};
  const auto bare = parse(RecordKind::docker, "db", texts);
  ASSERT_TRUE(bare) << describe(bare.error());
  EXPECT_EQ(bare->container.runtime, "docker");
  EXPECT_EQ(bare->container.name, "");

  texts[3] = record_file("docker/config.v2.json");
  const auto full = parse(RecordKind::docker, "db", texts);
  ASSERT_TRUE(full) << describe(full.error());
  EXPECT_EQ(full->container.runtime, "docker");
  EXPECT_EQ(full->container.name, "shop-database-1");
  EXPECT_EQ(full->container.labels.at("org.example.team"), "storage");
  EXPECT_EQ(full->container.labels.at("com.docker.compose.project"), "shop");
}

TEST(Parse, RefusesARecordOfNoRuntime) {
  const auto record = parse(RecordKind::containerd, "web", Texts{"", "", ""});
  ASSERT_FALSE(record);
  EXPECT_THAT(describe(record.error()), HasSubstr("status of container 'web'"));
}

TEST(Parse, RefusesOtherFilesThanTheTables) {
  for (std::size_t i = 0; i < wire::kRecordKinds; ++i) {
    const auto none = parse(static_cast<RecordKind>(i), "web", {});
    ASSERT_FALSE(none) << i;
    EXPECT_EQ(none.error().code, std::errc::invalid_argument);
  }
}

}  // namespace
}  // namespace upcall::origin
