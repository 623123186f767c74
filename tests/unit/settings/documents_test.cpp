// SPDX-License-Identifier: Apache-2.0
// What is written about the language elsewhere, held against the decoder.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <regex>
#include <set>

#include "settings/fields.h"
#include "unit/settings/source_tree.h"

namespace upcall::settings {
namespace {

TEST(Documents, EveryExampleInTheManualLoads) {
  const auto manual = contents("docs/policy.md");
  const std::string open = "\n```yaml\n";
  int examples = 0;
  for (auto at = manual.find(open); at != std::string::npos; at = manual.find(open, at + 1)) {
    const auto begin = at + open.size();
    expect_loads("docs/policy.md", manual.substr(begin, manual.find("```", begin) - begin));
    ++examples;
  }
  EXPECT_GE(examples, 9);  // that they are found at all
}

TEST(Documents, TheShippedPolicyLoadsAndChangesNothing) {
  EXPECT_TRUE(expect_loads("upcalld.yaml", contents("config/upcalld.yaml")).policy.rules.empty());
}

TEST(Documents, TheExampleOfTheManPageLoads) {
  const auto page = contents("docs/man/upcalld.yaml.5.scd");
  const std::string fence = "\n```\n";
  const auto begin = page.find(fence) + fence.size();
  const auto settings =
      expect_loads("man page", page.substr(begin, page.find("```", begin) - begin));
  EXPECT_EQ(settings.policy.rules.size(), 2U);
}

TEST(Documents, TheManPageNamesEveryKey) {
  const auto page = contents("docs/man/upcalld.yaml.5.scd");
  const auto schema = YAML::Load(contents("config/upcalld.schema.json"));
  const auto expect_keys = [&page](const YAML::Node& map) {
    for (const auto& entry : map["properties"]) {
      const auto key = entry.first.as<std::string>();
      EXPECT_NE(page.find("*" + key + "*"), std::string::npos) << key;
    }
  };
  expect_keys(schema);
  for (const auto& definition : schema["$defs"]) expect_keys(definition.second);
}

TEST(Documents, TheHandlerProtocolHasExactlyOurFields) {
  const auto protocol = contents("docs/handler-protocol.md");
  const std::regex cell{R"(`\{([a-z_]+)\}`)"};
  std::set<std::string> documented;
  for (std::sregex_iterator at{protocol.begin(), protocol.end(), cell}, end; at != end; ++at) {
    documented.insert((*at)[1]);
  }
  documented.erase("field");  // the placeholder for any of them
  std::set<std::string> known;
  for (const auto& field : kFields) known.emplace(field.name);
  EXPECT_EQ(documented, known);
}

struct Map {
  const char* schema;  // of the map in the JSON Schema; empty for the top level
  const char* before;
  const char* after;
};

class SchemaKeys : public ::testing::TestWithParam<Map> {};

std::set<std::string> keys_in_schema(const std::string& definition) {
  const auto schema = YAML::Load(contents("config/upcalld.schema.json"));  // JSON is YAML
  const auto map = definition.empty() ? schema : schema["$defs"][definition];
  std::set<std::string> keys;
  for (const auto& entry : map["properties"]) keys.insert(entry.first.as<std::string>());
  return keys;
}

// The keys that the decoder says it would have taken instead of one that is like none of them.
std::set<std::string> keys_of_decoder(const std::string& text) {
  const auto loaded = decode("p", text);
  for (const auto& one : std::get<std::vector<Diagnostic>>(loaded)) {
    const auto at = one.message.find("; expected ");
    if (!one.message.starts_with("unknown key '@@@@@@'") || at == std::string::npos) continue;
    const std::regex word{"'([^']+)'"};
    std::set<std::string> keys;
    for (std::sregex_iterator
             found{one.message.begin() + static_cast<std::ptrdiff_t>(at), one.message.end(), word},
         end;
         found != end; ++found) {
      keys.insert((*found)[1]);
    }
    return keys;
  }
  return {};
}

TEST_P(SchemaKeys, AreThoseOfTheDecoder) {
  const auto keys =
      keys_of_decoder(std::string{GetParam().before} + "'@@@@@@': x" + GetParam().after);
  EXPECT_FALSE(keys.empty());
  EXPECT_EQ(keys_in_schema(GetParam().schema), keys);
}

INSTANTIATE_TEST_SUITE_P(
    EveryMap, SchemaKeys,
    ::testing::Values(Map{"", "", ""}, Map{"container", "containers: {a: {", "}}"},
                      Map{"handler", "handlers: {a: {", "}}"},
                      Map{"with", "handlers: {a: {run: builtin:core, with: {", "}}}"},
                      Map{"with_forward", "handlers: {a: {run: builtin:forward, with: {", "}}}"},
                      Map{"with_node", "handlers: {a: {run: builtin:node, with: {", "}}}"},
                      Map{"rule", "rules: [{", "}]"}, Map{"when", "rules: [{when: {", "}}]"},
                      Map{"when_request_key", "rules: [{on: request-key, when: {", "}}]"},
                      Map{"when_modprobe", "rules: [{on: modprobe, when: {", "}}]"},
                      Map{"when_usermode_helper", "rules: [{on: usermode-helper, when: {", "}}]"},
                      Map{"negative", "rules: [{on: request-key, negative: {", "}}]"},
                      Map{"when_uevent", "rules: [{on: uevent, when: {", "}}]"},
                      Map{"defaults", "defaults: {", "}"}));

}  // namespace
}  // namespace upcall::settings
