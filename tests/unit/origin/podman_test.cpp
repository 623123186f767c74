// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/podman.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record_file.h"

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;

TEST(ParsePodmanStorage, GivesNamesAndImagesById) {
  const auto stored = parse_podman_storage(record_file("podman/containers.json"));
  ASSERT_TRUE(stored) << describe(stored.error());
  ASSERT_EQ(stored->size(), 2U);
  EXPECT_EQ(stored->at("web").name, "front");
  EXPECT_EQ(stored->at("web").image, "docker.io/library/nginx:1.27.4");
}

TEST(ParsePodmanStorage, FallsBackOnTheImagesIdWhereTheMetadataAreAnothers) {
  const auto stored = parse_podman_storage(record_file("podman/containers.json"));
  ASSERT_TRUE(stored) << describe(stored.error());
  EXPECT_EQ(stored->at("4f0e5b").name, "");
  EXPECT_EQ(stored->at("4f0e5b").image, "5b8c1f");
}

TEST(ParsePodmanStorage, RefusesWhatTheStorageItselfWouldNotRead) {
  const auto no_id = parse_podman_storage(R"([{"names": ["a"]}])");
  ASSERT_FALSE(no_id);
  EXPECT_THAT(describe(no_id.error()), HasSubstr("'[0].id' in podman's containers.json"));
  EXPECT_FALSE(parse_podman_storage(R"({"id": "a"})"));
  EXPECT_FALSE(parse_podman_storage(R"([{"id": "a", "names": "b"}])"));
  EXPECT_FALSE(parse_podman_storage(R"([{"id": "a", "names": [1]}])"));
  EXPECT_FALSE(parse_podman_storage("["));
}

TEST(WithPodmanNames, NamesPodmansOwnContainersOnly) {
  const StoredContainers stored{{"web", {.name = "front", .image = "nginx"}}};
  const Record podmans{.container = {.runtime = "podman", .id = "web"}};
  EXPECT_EQ(with_podman_names(podmans, stored).container.name, "front");
  EXPECT_EQ(with_podman_names(podmans, stored).container.image, "nginx");

  const Record cri_os{.container = {.runtime = "cri-o", .id = "web", .name = "shop"}};
  EXPECT_EQ(with_podman_names(cri_os, stored).container.name, "shop");
  const Record unknown{.container = {.runtime = "podman", .id = "db"}};
  EXPECT_EQ(with_podman_names(unknown, stored).container.name, "");
}

}  // namespace
}  // namespace upcall::origin
