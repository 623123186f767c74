// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "settings/load.h"

namespace upcall::settings {
namespace {

using namespace std::chrono_literals;
using policy::ActionKind;
using Texts = std::vector<std::string>;

Settings decoded(const std::string& text) {
  auto loaded = decode("p.yaml", text);
  if (auto* settings = std::get_if<Settings>(&loaded)) return std::move(*settings);
  for (const auto& one : std::get<std::vector<Diagnostic>>(loaded)) ADD_FAILURE() << render(one);
  return {};
}

wire::HandlerRow decoded_handler(const std::string& keys) {
  auto settings = decoded("version: 1\nhandlers: {h: {" + keys + "}}\n");
  return settings.handlers.empty() ? wire::HandlerRow{} : settings.handlers.front();
}

TEST(Decode, OfAVersionAloneGivesThePolicyThatChangesNothing) {
  const auto settings = decoded("version: 1\n");
  EXPECT_TRUE(settings.policy.rules.empty());
  EXPECT_EQ(settings.policy.coredump_default.kind, ActionKind::pass);
  EXPECT_EQ(settings.policy.core_pattern_taken, policy::OnTakeover::report);
}

TEST(Decode, ReadsContainers) {
  const auto settings = decoded(
      "version: 1\ncontainers:\n  web: {cgroup: /web/*, user_namespace: child}\n"
      "  all: {anonymous: true}\n  b.1: {user_namespace: any}\n  h: {user_namespace: host}\n");
  const auto& containers = settings.policy.containers;
  ASSERT_EQ(containers.size(), 4U);
  EXPECT_EQ(containers[0].name, "web");
  EXPECT_EQ(containers[0].cgroup, "/web/*");
  EXPECT_EQ(containers[0].user_namespace, policy::UserNamespace::child);
  EXPECT_FALSE(containers[0].anonymous);
  EXPECT_TRUE(containers[1].anonymous);
  EXPECT_EQ(containers[3].user_namespace, policy::UserNamespace::host);
}

TEST(Decode, ReadsWhatARecordMustSay) {
  const auto settings = decoded(
      "version: 1\ncontainers:\n  a: {runtime: [podman, crun], name: web-*, image: '*', pod: p, "
      "namespace: n, labels: {tenant: a, x.y/z: '*'}}\n  b: {runtime: '*'}\n  c: {cgroup: /c}\n");
  const auto& containers = settings.policy.containers;
  ASSERT_EQ(containers.size(), 3U);
  EXPECT_EQ(containers[0].record,
            (policy::RecordMatch{.runtime = {"podman", "crun"},
                                 .name = "web-*",
                                 .image = "*",
                                 .pod = "p",
                                 .pod_namespace = "n",
                                 .labels = {{"tenant", "a"}, {"x.y/z", "*"}}}));
  EXPECT_EQ(containers[1].record, policy::RecordMatch{.runtime = {"*"}});
  EXPECT_FALSE(containers[2].record);
}

TEST(Decode, ReadsWhereRuntimesKeepTheirRecords) {
  using wire::RecordKind;
  EXPECT_EQ(decoded("version: 1\n").state_directories, wire::default_state_directories());
  const auto directories = decoded(
                               "version: 1\nruntimes: {crun: /a, runc: [/b, /c], containerd: [], "
                               "docker: [], podman: [], "
                               "nspawn: []}\n")
                               .state_directories;
  EXPECT_EQ(directories,
            (wire::StateDirectories{
                {RecordKind::crun, "/a"}, {RecordKind::runc, "/b"}, {RecordKind::runc, "/c"}}));
}

TEST(Decode, ReadsAProgramInTheContainerWithItsDefaults) {
  const auto row = decoded_handler("run: [/bin/a, '', '{signal}', '{\"a\": 1}', '{}', 'x{pid}']");
  EXPECT_EQ(row.name, "h");
  EXPECT_EQ(row.program, wire::Program::container);
  EXPECT_EQ(row.path, "/bin/a");
  EXPECT_EQ(row.arguments, (Texts{"/bin/a", "", "{signal}", "{\"a\": 1}", "{}", "x{pid}"}));
  EXPECT_EQ(row.place, wire::Place::container);
  EXPECT_EQ(row.user, wire::User::root);
  EXPECT_EQ(row.timeout, 30s);
  EXPECT_TRUE(row.environment.empty());
}

TEST(Decode, ReadsAProgramOnTheHost) {
  const auto row = decoded_handler("run: /bin/a, in: host, user: '33:34', timeout: 500ms");
  EXPECT_EQ(row.program, wire::Program::host);
  EXPECT_EQ(row.arguments, Texts{"/bin/a"});
  EXPECT_EQ(row.place, wire::Place::host);
  EXPECT_EQ(row.user, wire::User::fixed);
  EXPECT_EQ(row.uid, 33U);
  EXPECT_EQ(row.gid, 34U);
  EXPECT_EQ(row.timeout, 500ms);
  EXPECT_EQ(decoded_handler("run: [/bin/a, '{cgroup}'], in: host, user: origin").user,
            wire::User::origin);
}

TEST(Decode, BriefsEveryHandlerButTheOneThatDoesNotListen) {
  const auto settings = decoded(
      "version: 1\nhandlers: {a: {run: builtin:core}, b: {run: /core}, c: {run: "
      "builtin:forward}}\n");
  ASSERT_EQ(settings.policy.handlers.size(), 3U);
  EXPECT_FALSE(settings.policy.handlers[0].briefed);
  EXPECT_TRUE(settings.policy.handlers[1].briefed);
  EXPECT_TRUE(settings.policy.handlers[2].briefed);
}

TEST(Decode, ReadsTimesInEveryUnit) {
  EXPECT_EQ(decoded_handler("run: /bin/a, timeout: 1ms").timeout, 1ms);
  EXPECT_EQ(decoded_handler("run: /bin/a, timeout: 5min").timeout, 5min);
  EXPECT_EQ(decoded_handler("run: /bin/a, timeout: 1h").timeout, 1h);
}

TEST(Decode, RequiresSeccompFiltersUnlessToldOtherwise) {
  EXPECT_EQ(decoded_handler("run: /bin/a").seccomp, wire::Seccomp::required);
  EXPECT_EQ(decoded_handler("run: builtin:core, seccomp: best-effort").seccomp,
            wire::Seccomp::best_effort);
}

TEST(Decode, MakesTheBuiltinARowOfTheVault) {
  const auto row = decoded_handler("run: builtin:core");
  EXPECT_EQ(row.program, wire::Program::vault);
  EXPECT_EQ(row.path, "core");
  EXPECT_EQ(row.arguments, Texts{"core"});
  EXPECT_EQ(row.environment, (Texts{"UPCALL_WITH_COMPRESS=zstd", "UPCALL_WITH_DIRECTORY=/var/crash",
                                    "UPCALL_WITH_MODE=full"}));
  EXPECT_EQ(row.timeout, 5min);
  EXPECT_EQ(decoded_handler("run: builtin:core, timeout: 10s").timeout, 10s);
}

TEST(Decode, PassesTheBuiltinItsKeysWithSizesInBytes) {
  const auto row = decoded_handler(
      "run: builtin:core, with: {mode: full, directory: /d, compress: none, level: 19, max_size: "
      "1GiB, "
      "keep_free: 10%}");
  EXPECT_EQ(row.environment, (Texts{"UPCALL_WITH_COMPRESS=none", "UPCALL_WITH_DIRECTORY=/d",
                                    "UPCALL_WITH_KEEP_FREE=10%", "UPCALL_WITH_LEVEL=19",
                                    "UPCALL_WITH_MAX_SIZE=1073741824", "UPCALL_WITH_MODE=full"}));
  EXPECT_EQ(decoded_handler("run: builtin:core, with: {keep_free: 64KiB}").environment[2],
            "UPCALL_WITH_KEEP_FREE=65536");
  EXPECT_EQ(decoded_handler("run: builtin:core, with: {sync: true}").environment[3],
            "UPCALL_WITH_SYNC=true");
}

TEST(Decode, BindsRulesToRows) {
  const auto settings = decoded(
      "version: 1\ncontainers: {web: {anonymous: true}}\n"
      "handlers: {a: {run: /a}, b: {run: builtin:core}, c: {run: /c, in: host}}\n"
      "rules:\n"
      "- {name: r, on: coredump, when: {container: web, signal: [SEGV, SIGABRT, 7], exe: /bin/*, "
      "uid: [0, 33], tag: gold},\n"
      "   do: [b, a], on_failure: c}\n"
      "- {name: s, on: coredump, when: {container: ['*']}, do: [reject]}\n"
      "defaults: {coredump: [c], core_pattern_taken: restore}\n");
  ASSERT_EQ(settings.policy.rules.size(), 2U);
  const auto& rule = settings.policy.rules[0];
  EXPECT_EQ(rule.name, "r");
  EXPECT_EQ(rule.when.container, Texts{"web"});
  EXPECT_EQ(rule.when.signal, (std::vector<int>{11, 6, 7}));
  EXPECT_EQ(rule.when.exe, Texts{"/bin/*"});
  EXPECT_EQ(rule.when.tag, std::vector<std::string>{"gold"});
  EXPECT_EQ(rule.when.uid, (std::vector<uid_t>{0, 33}));
  EXPECT_EQ(rule.action.kind, ActionKind::run);
  EXPECT_EQ(rule.action.handlers, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(rule.on_failure, 2U);
  EXPECT_EQ(settings.policy.rules[1].action.kind, ActionKind::reject);
  EXPECT_EQ(settings.policy.coredump_default.handlers, std::vector<std::uint32_t>{2});
  EXPECT_EQ(settings.policy.core_pattern_taken, policy::OnTakeover::restore);
  using policy::Place;
  EXPECT_EQ(settings.policy.handlers,
            (std::vector<policy::Handler>{
                {.name = "a", .place = Place::container, .program = "/a"},
                {.name = "b", .place = Place::container, .briefed = false, .program = "core"},
                {.name = "c", .place = Place::host, .program = "/c"}}));
  EXPECT_EQ(settings.handlers.size(), 3U);
}

TEST(Decode, FollowsAliases) {
  const auto settings = decoded(
      "version: 1\nhandlers:\n  a: {run: builtin:core, with: &w {directory: /d}}\n"
      "  b: {run: builtin:core, with: *w}\n");
  EXPECT_EQ(settings.handlers[0].environment, settings.handlers[1].environment);
}

}  // namespace
}  // namespace upcall::settings
