// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "settings/load.h"

namespace upcall::settings {
namespace {

using policy::ActionKind;
using Texts = std::vector<std::string>;

constexpr const char* kPolicy = R"(version: 1
containers: {web: {anonymous: true}}
handlers:
  judge: {run: [/usr/sbin/judge, "{module_alias}", "{modules}"], in: host}
  other: {run: /usr/sbin/other, in: host}
rules:
  - name: nets
    on: modprobe
    when:
      {container: web, uid: 0, user_namespace: child, origin: user, alias: ["net-*", "fs-*"],
       module: ip_vs*, exe: "/bin/*", tag: gold}
    do: judge
    on_failure: other
  - {name: other driver, on: modprobe, when: {alias: fs-ext3}, do: {load: ext4}}
  - {name: none else, on: modprobe, do: deny}
defaults: {modprobe: deny, modprobe_absent: deny}
)";

std::string mistakes_in(const std::string& rules) {
  const std::string head =
      "version: 1\n"
      "handlers:\n"
      "  one: {run: /bin/one, in: host}\n"
      "  core: {run: 'builtin:core'}\n"
      "  keys: {run: /bin/keys, in: host, authority: true}\n";
  const auto loaded = decode("p.yaml", head + rules);
  std::string all;
  if (const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded)) {
    for (const auto& one : *found) all += one.message + "\n";
  }
  return all;
}

TEST(DecodeModule, ReadsTheConditionsAndActionsOfRules) {
  auto loaded = decode("p.yaml", kPolicy);
  const auto* settings = std::get_if<Settings>(&loaded);
  ASSERT_NE(settings, nullptr) << render(std::get<std::vector<Diagnostic>>(loaded).front());
  const auto& policy = settings->policy;
  ASSERT_EQ(policy.module_rules.size(), 3U);
  const auto& when = policy.module_rules[0].when;
  EXPECT_EQ(when.container, Texts{"web"});
  EXPECT_EQ(when.uid, std::vector<uid_t>{0});
  EXPECT_EQ(when.user_namespace, policy::UserNamespace::child);
  EXPECT_EQ(when.asker, policy::AskedBy::user);
  EXPECT_EQ(when.alias, (Texts{"net-*", "fs-*"}));
  EXPECT_EQ(when.module, Texts{"ip_vs*"});
  EXPECT_EQ(when.exe, Texts{"/bin/*"});
  EXPECT_EQ(when.tag, Texts{"gold"});
  EXPECT_EQ(policy.module_rules[0].action.handlers, std::vector<std::uint32_t>{0});
  EXPECT_EQ(policy.module_rules[0].on_failure, 1U);
  EXPECT_EQ(policy.module_rules[1].action.kind, ActionKind::load);
  EXPECT_EQ(policy.module_rules[1].action.module, "ext4");
  EXPECT_EQ(policy.module_rules[2].action.kind, ActionKind::reject);
  EXPECT_EQ(policy.modprobe_default.kind, ActionKind::reject);
  EXPECT_TRUE(policy.modprobe_absent_denies);
}

TEST(DecodeModule, ComplainsOfWhatBelongsToOtherKinds) {
  EXPECT_EQ(mistakes_in("rules: [{name: r, on: coredump, do: {load: x}}]\n"),
            "'load' is for rules on modprobe\n");
  EXPECT_EQ(mistakes_in("rules: [{name: r, on: modprobe, do: deny, negative: {for: 1s}}]\n"),
            "'negative' is for rules on request-key\n");
  EXPECT_NE(mistakes_in("rules: [{name: r, on: modprobe, when: {signal: SEGV}, do: deny}]\n")
                .find("unknown key 'signal'"),
            std::string::npos);
  EXPECT_NE(
      mistakes_in("rules: [{name: r, on: modprobe, do: reject}]\n").find("no handler 'reject'"),
      std::string::npos);
  EXPECT_NE(mistakes_in("rules: [{name: r, on: modprobe, do: keys}]\n")
                .find("has 'authority' over keys, and this is a module request"),
            std::string::npos);
  EXPECT_NE(mistakes_in("rules: [{name: r, on: modprobe, do: core}]\n")
                .find("reads core dumps, and this is a module request"),
            std::string::npos);
}

TEST(DecodeModule, ComplainsOfNamesThatCanBeNoModules) {
  for (const char* name : {"-rf", "a/b", "'a b'"}) {
    const auto mistakes =
        mistakes_in(std::string{"rules: [{name: r, on: modprobe, do: {load: "} + name + "}}]\n");
    EXPECT_NE(mistakes.find("is no name of a module"), std::string::npos) << name << mistakes;
  }
}

TEST(DecodeModule, ComplainsOfMoreThanOneAnswer) {
  EXPECT_NE(mistakes_in("rules: [{name: r, on: modprobe, do: [one, one]}]\n")
                .find("a module request has one answer"),
            std::string::npos);
}

}  // namespace
}  // namespace upcall::settings
