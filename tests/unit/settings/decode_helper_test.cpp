// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "settings/load.h"

namespace upcall::settings {
namespace {

using policy::ActionKind;
using Texts = std::vector<std::string>;

constexpr const char* kPolicy = R"(version: 1
containers: {web: {cgroup: "/pods/web-*"}}
release_agents: [/sys/fs/cgroup/systemd, /sys/fs/cgroup/jobs]
handlers:
  clean: {run: [/usr/sbin/clean, "{cgroup}", "{helper_path}", "{helper_arguments}"], in: host}
  other: {run: /usr/sbin/other, in: host}
rules:
  - name: jobs
    on: usermode-helper
    when:
      {container: web, uid: 0, user_namespace: child, origin: kernel, path: ["/sbin/*", "**/agent"],
       argument: "start*", cgroup: "/pods/**", exe: "/bin/*", tag: gold}
    do: clean
    on_failure: other
  - {name: none else, on: usermode-helper, do: deny}
defaults: {usermode-helper: deny, usermode_helper_absent: deny}
)";

std::string mistakes_in(const std::string& rest) {
  const std::string head =
      "version: 1\n"
      "handlers:\n"
      "  one: {run: /bin/one, in: host}\n"
      "  two: {run: /bin/two, in: host}\n"
      "  inside: {run: /bin/inside}\n"
      "  as-origin: {run: /bin/one, in: host, user: origin}\n"
      "containers: {web: {anonymous: true}}\n";
  const auto loaded = decode("p.yaml", head + rest);
  std::string all;
  if (const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded)) {
    for (const auto& one : *found) all += one.message + "\n";
  }
  return all;
}

TEST(DecodeHelper, ReadsTheConditionsAndActionsOfRules) {
  auto loaded = decode("p.yaml", kPolicy);
  const auto* settings = std::get_if<Settings>(&loaded);
  ASSERT_NE(settings, nullptr) << render(std::get<std::vector<Diagnostic>>(loaded).front());
  const auto& policy = settings->policy;
  ASSERT_EQ(policy.helper_rules.size(), 2U);
  const auto& when = policy.helper_rules[0].when;
  EXPECT_EQ(when.container, Texts{"web"});
  EXPECT_EQ(when.uid, std::vector<uid_t>{0});
  EXPECT_EQ(when.user_namespace, policy::UserNamespace::child);
  EXPECT_EQ(when.asker, policy::AskedBy::kernel);
  EXPECT_EQ(when.path, (Texts{"/sbin/*", "**/agent"}));
  EXPECT_EQ(when.argument, Texts{"start*"});
  EXPECT_EQ(when.cgroup, Texts{"/pods/**"});
  EXPECT_EQ(when.exe, Texts{"/bin/*"});
  EXPECT_EQ(when.tag, Texts{"gold"});
  EXPECT_EQ(policy.helper_rules[0].action.handlers, std::vector<std::uint32_t>{0});
  EXPECT_EQ(policy.helper_rules[0].on_failure, 1U);
  EXPECT_EQ(policy.helper_rules[1].action.kind, ActionKind::reject);
  EXPECT_EQ(policy.helper_default.kind, ActionKind::reject);
  EXPECT_TRUE(policy.helper_absent_denies);
  EXPECT_EQ(settings->release_agents, (Texts{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/jobs"}));
  EXPECT_TRUE(settings->handlers[0].helpers);
  EXPECT_TRUE(settings->handlers[1].helpers);
}

TEST(DecodeHelper, HandlersAreOnTheHostAndOneOfThemAnswers) {
  const std::string start = "rules: [{name: r, on: usermode-helper, ";
  EXPECT_NE(mistakes_in(start + "do: [one, two]}]\n").find("has one answer: name one handler"),
            std::string::npos);
  EXPECT_NE(
      mistakes_in(start + "when: {container: web}, do: inside}]\n").find("must be 'in: host'"),
      std::string::npos);
  EXPECT_NE(mistakes_in(start + "do: as-origin}]\n").find("not 'user: origin'"), std::string::npos);
  EXPECT_NE(mistakes_in(start + "do: reject}]\n").find("no handler 'reject'"), std::string::npos);
  EXPECT_EQ(mistakes_in(start + "do: {load: x}}]\n"), "'load' is for rules on modprobe\n");
  EXPECT_EQ(mistakes_in(start + "do: one, on_failure: two}]\n"), "");
}

TEST(DecodeHelper, ConditionsOfOtherKindsAreNone) {
  const std::string start = "rules: [{name: r, on: usermode-helper, do: deny, when: ";
  EXPECT_NE(mistakes_in(start + "{alias: x}}]\n").find("unknown key 'alias'"), std::string::npos);
  EXPECT_NE(mistakes_in(start + "{path: agent}}]\n").find("matches no path"), std::string::npos);
}

TEST(DecodeHelper, ReleaseAgentsAreMountPointsAndNotTooMany) {
  EXPECT_NE(mistakes_in("release_agents: relative\n").find("an absolute path"), std::string::npos);
  EXPECT_NE(mistakes_in("release_agents: [/a, /a]\n").find("is given twice"), std::string::npos);
  EXPECT_NE(mistakes_in("release_agents: [/" + std::string(127, 'a') + "]\n").find("127 bytes"),
            std::string::npos);
  EXPECT_EQ(mistakes_in("release_agents: [/1, /2, /3, /4, /5, /6, /7, /8]\n"), "");
  EXPECT_NE(mistakes_in("release_agents: [/1, /2, /3, /4, /5, /6, /7, /8, /9]\n").find("than 8"),
            std::string::npos);
}

}  // namespace
}  // namespace upcall::settings
