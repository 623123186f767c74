// SPDX-License-Identifier: Apache-2.0
#include "control/documents.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/launcher.h"

namespace upcall::control {
namespace {

using Json = nlohmann::json;

Whose somebody() {
  Whose whose{.selector = "web", .init = 70};
  whose.origin = {.pid = 80,
                  .uid = 100000,
                  .comm = "a\"\n\xff",
                  .verdict = event::Verdict::mixed,
                  .failed_rules = wire::cgroup_outside | wire::not_confinable,
                  .container = event::Container{.runtime = "crun", .id = "c1"},
                  .inner_pid = 7};
  whose.init_status = kernel::ProcessStatus{.permitted = 0b111, .bounding = 0b101};
  return whose;
}

TEST(WhoisDocument, SaysWhichRulesFail) {
  const auto document = Json::parse(whois_document(somebody()));
  ASSERT_EQ(document["rules"].size(), 8U);
  for (const auto& rule : document["rules"]) {
    EXPECT_EQ(rule["holds"], rule["rule"] != "D5" && rule["rule"] != "D8") << rule;
  }
}

TEST(WhoisDocument, LeavesOutWhatIsNotKnown) {
  const auto document = Json::parse(whois_document(somebody()));
  EXPECT_EQ(document["process"]["inner_pid"], 7);
  EXPECT_FALSE(document["process"].contains("inner_uid"));
  EXPECT_FALSE(document["process"].contains("tag"));
  EXPECT_FALSE(document["container"].contains("name"));
}

TEST(WhoisDocument, HasNullForANamespaceThatTheKernelDoesNotShow) {
  auto whose = somebody();
  whose.origin.namespaces.fill(0);
  whose.origin.host_namespaces.fill(5);
  const auto document = Json::parse(whois_document(whose));
  EXPECT_TRUE(document["namespaces"]["net"]["process"].is_null());
  EXPECT_EQ(document["namespaces"]["net"]["host"], 5);
}

TEST(WhoisDocument, BearsAnyBytes) {
  EXPECT_EQ(Json::parse(whois_document(somebody()))["process"]["comm"], "a\"\n\xef\xbf\xbd");
}

TEST(WhoisDocument, TellsTheMostThatAHandlerMay) {
  EXPECT_EQ(Json::parse(whois_document(somebody()))["template"]["capabilities"],
            "0000000000000005");
}

TEST(WhoisDocument, HasNothingOfAContainerForTheHost) {
  Whose whose;
  whose.origin.pid = 80;
  const auto document = Json::parse(whois_document(whose));
  EXPECT_EQ(document["verdict"], "host");
  for (const char* absent : {"rules", "container", "template", "selector"})
    EXPECT_FALSE(document.contains(absent)) << absent;
  EXPECT_FALSE(document["namespaces"]["mnt"].contains("container"));
}

TEST(ContainersDocument, NamesTheRecord) {
  const origin::Record record{
      .container = {.runtime = "crun", .id = "c1", .labels = {{"tenant", "a"}}},
      .init = 70,
      .start_time = 5,
      .cgroup = "/c1"};
  const auto document = Json::parse(containers_document({{"/run/crun/c1", record}}));
  ASSERT_EQ(document["containers"].size(), 1U);
  const auto& one = document["containers"][0];
  EXPECT_EQ(one["record"], "/run/crun/c1");
  EXPECT_EQ(one["cgroup"], "/c1");
  EXPECT_EQ(one["labels"]["tenant"], "a");
}

TEST(ContainersDocument, IsAnEmptyListWithoutAny) {
  EXPECT_EQ(Json::parse(containers_document({}))["containers"], Json::array());
}

}  // namespace
}  // namespace upcall::control
