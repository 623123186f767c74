// SPDX-License-Identifier: Apache-2.0
// crun and runc, and the managers that call them.
#include "origin/runtimes/oci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "origin/runtimes/crun.h"
#include "origin/runtimes/runc.h"
#include "record_file.h"

namespace upcall::origin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using LabelMap = std::map<std::string, std::string>;

constexpr const char* kPodId = "5d3c1f0a9b7e4c2d8f6a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e1f2a4b6c8d0e";

TEST(ParseCrun, ReadsWhatCrunWrote) {
  const auto record =
      parse_crun("web", record_file("crun/status"), record_file("crun/config.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "crun");
  EXPECT_EQ(record->container.id, "web");
  EXPECT_EQ(record->init, 10050);
  EXPECT_EQ(record->start_time, 1614780U);
  EXPECT_EQ(record->cgroup, "/upcall-records/web");
  EXPECT_EQ(record->container.labels,
            (LabelMap{{"org.example.note", "caf\xc3\xa9\nlevel=error forged"},
                      {"org.example.team", "storage"}}));
}

TEST(ParseCrun, DoesWithoutStartTimeCgroupAndAnnotations) {
  const auto record = parse_crun("old", R"({"pid": 7, "process-start-time": 0})", "{}");
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->start_time, std::nullopt);
  EXPECT_EQ(record->cgroup, "");
  EXPECT_THAT(record->container.labels, IsEmpty());
}

TEST(ParseRunc, ReadsWhatRuncWrote) {
  const auto record = parse_runc("db", record_file("runc/state.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "runc");
  EXPECT_EQ(record->container.id, "db");
  EXPECT_EQ(record->init, 9743);
  EXPECT_EQ(record->start_time, 1611543U);
  EXPECT_EQ(record->cgroup, "/upcall-records/db");
  EXPECT_EQ(record->container.labels,
            (LabelMap{{"org.example.equals", "a=b"},
                      {"org.example.note", "caf\xc3\xa9\nlevel=error forged"},
                      {"org.example.team", "storage"}}));
}

struct Mistake {
  const char* what;
  const char* from;
  const char* to;
  const char* error;
};

class RuncMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(RuncMistake, IsRefusedByName) {
  const auto text = replaced(record_file("runc/state.json"), GetParam().from, GetParam().to);
  const auto record = parse_runc("db", text);
  ASSERT_FALSE(record) << GetParam().what;
  EXPECT_THAT(describe(record.error()), HasSubstr(GetParam().error));
  EXPECT_THAT(describe(record.error()), HasSubstr("state.json of container 'db'"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, RuncMistake,
    ::testing::Values(Mistake{"cut", R"("intel_rdt_path":""})", "", "expected JSON"},
                      Mistake{"another's", R"("id":"db")", R"("id":"web")", "'id'"},
                      Mistake{"no id", R"("id":"db",)", "", "'id'"},
                      Mistake{"no pid", "init_process_pid", "pid", "'init_process_pid'"},
                      Mistake{"negative pid", "9743", "-9743", "'init_process_pid'"},
                      Mistake{"huge pid", "9743", "99999999999999999999", "'init_process_pid'"},
                      Mistake{"the host's init", "9743", "1", "'init_process_pid'"},
                      Mistake{"start as text", "1611543", "\"1611543\"", "'init_process_start'"},
                      Mistake{"labels that are no list", R"("labels":[)",
                              R"("labels":{"x":[]},"y":[)", "'config.labels'"},
                      Mistake{"a label that is no text", R"("org.example.team=storage")", "7",
                              "'config.labels[0]'"},
                      Mistake{"config that is no object", R"("config":{)", R"("config":[],"x":{)",
                              "'config.labels'"},
                      Mistake{"a cgroup that is no text", R"("/sys/fs/cgroup/upcall-records/db")",
                              "{}", "'cgroup_paths.'"}));

TEST(ParseRunc, TakesNoCgroupThatIsElsewhere) {
  const auto text =
      replaced(record_file("runc/state.json"), "\"/sys/fs/cgroup/upcall", "\"/upcall");
  const auto record = parse_runc("db", text);
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->cgroup, "");
}

class CrunMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(CrunMistake, IsRefusedByName) {
  const auto status = replaced(record_file("crun/status"), GetParam().from, GetParam().to);
  const auto record = parse_crun("web", status, "{}");
  ASSERT_FALSE(record) << GetParam().what;
  EXPECT_THAT(describe(record.error()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Each, CrunMistake,
    ::testing::Values(Mistake{"no pid", "\"pid\"", "\"p\"", "'pid' in status of container 'web'"},
                      Mistake{"pid 0", "10050", "0", "'pid'"},
                      Mistake{"negative start", "1614780", "-1", "'process-start-time'"},
                      Mistake{"a cgroup that is no text", "\"/upcall-records/web\"", "[]",
                              "'cgroup-path'"}));

TEST(ParseCrun, RefusesABrokenConfiguration) {
  const auto status = record_file("crun/status");
  const auto cut = parse_crun("web", status, "");
  ASSERT_FALSE(cut);
  EXPECT_THAT(describe(cut.error()), HasSubstr("config.json of container 'web'"));
  EXPECT_FALSE(parse_crun("web", status, R"({"annotations": ["a"]})"));
  EXPECT_FALSE(parse_crun("web", status, R"({"annotations": {"a": 1}})"));
}

TEST(ParseCrun, ShowsAHostileIdSafely) {
  const auto record = parse_crun("a\nlevel=error", "", "");
  ASSERT_FALSE(record);
  EXPECT_THAT(describe(record.error()), HasSubstr("container 'a\\x0alevel=error'"));
}

TEST(Managers, PodmanSignsAndKnowsThePodById) {
  const auto record =
      parse_crun("web", record_file("crun/status"), record_file("podman/config.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "podman");
  EXPECT_EQ(record->container.pod, "c9e69ccc929c");
  EXPECT_EQ(record->container.labels.size(), 3U);
}

TEST(Managers, CriOGivesEveryNameAndItsBookkeepingIsLeftOut) {
  const auto record =
      parse_crun("4f0e5b", record_file("cri-o/status"), record_file("cri-o/config.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "cri-o");
  EXPECT_EQ(record->container.name, "shop");
  EXPECT_EQ(record->container.image, "registry.example/shop:1.4");
  EXPECT_EQ(record->container.pod, "shop-7d9c5b-x2x7k");
  EXPECT_EQ(record->container.pod_namespace, "retail");
  EXPECT_EQ(record->container.labels.size(), 7U);
  EXPECT_EQ(record->labels_left_out, 0U);
}

TEST(Managers, ContainerdGivesEveryName) {
  const auto record = parse_runc(kPodId, record_file("containerd/state.json"));
  ASSERT_TRUE(record) << describe(record.error());
  EXPECT_EQ(record->container.runtime, "containerd");
  EXPECT_EQ(record->container.name, "shop");
  EXPECT_EQ(record->container.image, "registry.example/shop:1.4");
  EXPECT_EQ(record->container.pod, "shop-7d9c5b-x2x7k");
  EXPECT_EQ(record->container.pod_namespace, "retail");
  EXPECT_EQ(record->cgroup, std::string{"/kubepods/burstable/pod0b5a-42/"} + kPodId);
}

TEST(Managers, ASandboxHasTheImageOfItsOwn) {
  const auto record =
      with_annotations({}, {{"io.kubernetes.cri.container-type", "sandbox"},
                            {"io.kubernetes.cri.podsandbox.image-name", "pause:3.9"},
                            {"io.kubernetes.cri.sandbox-name", "shop"}});
  EXPECT_EQ(record.container.name, "");
  EXPECT_EQ(record.container.image, "pause:3.9");
  EXPECT_EQ(record.container.pod, "shop");
  EXPECT_EQ(record.container.labels.at("io.kubernetes.cri.container-type"), "sandbox");
}

TEST(Managers, NerdctlIsContainerd) {
  const auto record =
      with_annotations({}, {{"nerdctl/name", "web"}, {"nerdctl/namespace", "default"}});
  EXPECT_EQ(record.container.runtime, "containerd");
  EXPECT_EQ(record.container.name, "web");
}

TEST(Managers, NobodyIsRecognisedByAnotherSignature) {
  const Record own{.container = {.runtime = "crun"}};
  EXPECT_EQ(with_annotations(own, {{"io.container.manager", "somebody"}}).container.runtime,
            "crun");
  EXPECT_EQ(with_annotations(own, {{"libpod", "io.container.manager"}}).container.runtime, "crun");
}

TEST(Managers, NoNameIsLongerThanANameCanBe) {
  const auto record = with_annotations({}, {{"io.container.manager", "cri-o"},
                                            {"io.kubernetes.container.name", std::string(513, 'x')},
                                            {"io.kubernetes.pod.name", std::string(513, 'x')},
                                            {"io.kubernetes.cri-o.KubeName", "shop"}});
  EXPECT_EQ(record.container.name, "");
  EXPECT_EQ(record.container.pod, "shop");
}

}  // namespace
}  // namespace upcall::origin
