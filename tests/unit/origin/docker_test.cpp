// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/docker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record_file.h"

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;

Record database() { return {.container = {.runtime = "docker", .id = "db"}, .init = 9743}; }

TEST(WithDockerConfig, AddsNameImageAndLabels) {
  const auto record = with_docker_config(database(), record_file("docker/config.v2.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.name, "shop-database-1");
  EXPECT_EQ(record->container.image, "postgres:16");
  EXPECT_EQ(record->container.pod, "");
  EXPECT_EQ(record->container.labels,
            (std::map<std::string, std::string>{{"com.docker.compose.project", "shop"},
                                                {"com.docker.compose.service", "database"},
                                                {"maintainer", "A. Person <a@example.org>"}}));
  EXPECT_EQ(record->init, 9743);
}

TEST(WithDockerConfig, KnowsThePodOfKubernetes) {
  const auto record =
      with_docker_config(database(), R"({"ID": "db", "Name": "/k8s_shop", "Config": {"Labels": {
        "io.kubernetes.pod.name": "shop-x2x7k", "io.kubernetes.pod.namespace": "retail"}}})");
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.pod, "shop-x2x7k");
  EXPECT_EQ(record->container.pod_namespace, "retail");
}

struct Mistake {
  const char* text;
  const char* error;
};

class DockerMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(DockerMistake, IsRefusedByName) {
  const auto record = with_docker_config(database(), GetParam().text);
  ASSERT_FALSE(record);
  EXPECT_THAT(describe(record.error()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Each, DockerMistake,
    ::testing::Values(Mistake{"{", "config.v2.json of container 'db' (expected JSON"},
                      Mistake{R"({"ID": "web", "Name": "/web"})", "'ID'"},
                      Mistake{R"({"ID": "db"})", "'Name'"},
                      Mistake{R"({"ID": "db", "Name": "/a", "Config": "b"})", "'Config.Image'"},
                      Mistake{R"({"ID": "db", "Name": "/a", "Config": {"Labels": ["b"]}})",
                              "'Config.Labels'"}));

}  // namespace
}  // namespace upcall::origin
