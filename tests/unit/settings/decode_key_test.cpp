// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>

#include "settings/load.h"

namespace upcall::settings {
namespace {

using policy::ActionKind;
using policy::KeySource;
using Texts = std::vector<std::string>;

constexpr const char* kPolicy = R"(version: 1
containers: {web: {anonymous: true}}
handlers:
  resolve: {run: [/bin/resolve, "{key}", "{key_description}"], ttl: 10min, nul_terminated: true, max_reply: 4KiB}
  keyctl: {run: /bin/keyctl, authority: true, kernel_requests: true}
rules:
  - name: vault
    on: request-key
    when:
      {container: web, type: user, description: ["a:**", "b"], callout: c, destination: _ses,
       origin: kernel, uid: 7, gid: [8, 9], host_uid: 100007, host_gid: 100008, tag: gold}
    do: resolve
    on_failure: keyctl
    negative: {errno: EACCES, for: 1min}
  - {name: no others, on: request-key, do: reject}
  - {name: crashes, on: coredump, do: reject}
defaults: {request-key: reject, key_requests_per_second: 50}
)";

Settings decoded() {
  auto loaded = decode("p.yaml", kPolicy);
  if (auto* settings = std::get_if<Settings>(&loaded)) return std::move(*settings);
  for (const auto& one : std::get<std::vector<Diagnostic>>(loaded)) ADD_FAILURE() << render(one);
  return {};
}

TEST(DecodeKey, ReadsTheConditionsOfARule) {
  const auto settings = decoded();
  ASSERT_EQ(settings.policy.key_rules.size(), 2U);
  const auto& when = settings.policy.key_rules[0].when;
  EXPECT_EQ(when.container, Texts{"web"});
  EXPECT_EQ(when.type, Texts{"user"});
  EXPECT_EQ(when.description, (Texts{"a:**", "b"}));
  EXPECT_EQ(when.callout, Texts{"c"});
  EXPECT_EQ(when.destination, Texts{"_ses"});
  EXPECT_EQ(when.source, KeySource::kernel);
  EXPECT_EQ(when.uid, std::vector<uid_t>{7});
  EXPECT_EQ(when.gid, (std::vector<gid_t>{8, 9}));
  EXPECT_EQ(when.host_uid, std::vector<uid_t>{100007});
  EXPECT_EQ(when.host_gid, std::vector<gid_t>{100008});
  EXPECT_EQ(when.tag, Texts{"gold"});
}

TEST(DecodeKey, ReadsWhatARuleDoes) {
  const auto settings = decoded();
  ASSERT_EQ(settings.policy.key_rules.size(), 2U);
  const auto& rule = settings.policy.key_rules[0];
  EXPECT_EQ(rule.name, "vault");
  EXPECT_EQ(rule.action.handlers, std::vector<std::uint32_t>{0});
  EXPECT_EQ(rule.on_failure, 1U);
  EXPECT_EQ(rule.negative, (policy::Negative{.error = EACCES, .seconds = 60}));
  const auto& other = settings.policy.key_rules[1];
  EXPECT_EQ(other.action.kind, ActionKind::reject);
  EXPECT_EQ(other.negative, (policy::Negative{.error = ENOKEY, .seconds = 5}));
  EXPECT_EQ(settings.policy.request_key_default.kind, ActionKind::reject);
  EXPECT_EQ(settings.policy.rules.size(), 1U);
}

TEST(DecodeKey, ReadsWhatAHandlerMay) {
  const auto settings = decoded();
  ASSERT_EQ(settings.handlers.size(), 2U);
  EXPECT_FALSE(settings.handlers[0].authority);
  EXPECT_TRUE(settings.handlers[1].authority);
  EXPECT_TRUE(settings.handlers[1].kernel_requests);
  ASSERT_EQ(settings.policy.handlers.size(), 2U);
  EXPECT_EQ(settings.policy.handlers[0].seconds, 600U);
  EXPECT_TRUE(settings.policy.handlers[0].nul_terminated);
  EXPECT_EQ(settings.policy.handlers[0].max_reply, 4096U);
  EXPECT_EQ(settings.policy.handlers[1].max_reply, policy::kMaxReply);
  EXPECT_TRUE(settings.policy.handlers[1].authority);
}

std::string first_mistake(const std::string& rest) {
  const auto loaded = decode("p", "version: 1\n" + rest);
  const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded);
  return found == nullptr ? "none" : found->front().message;
}

TEST(DecodeKey, RefusesWhatBelongsToTheOtherKind) {
  EXPECT_EQ(first_mistake("rules: [{name: r, on: coredump, do: reject, negative: {for: 1s}}]\n"),
            "'negative' is for rules on request-key");
  EXPECT_TRUE(first_mistake("rules: [{name: r, on: request-key, do: pass, when: {signal: 11}}]\n")
                  .starts_with("unknown key 'signal'"));
  EXPECT_EQ(first_mistake("handlers: {c: {run: builtin:core, in: host}}\n"
                          "rules: [{name: r, on: request-key, do: c}]\n"),
            "handler 'c' reads core dumps, and this is a key request");
  EXPECT_EQ(first_mistake("handlers: {k: {run: /k, in: host, authority: true}}\n"
                          "rules: [{name: r, on: coredump, do: k}]\n"),
            "handler 'k' has 'authority' over keys, and this is a core dump");
}

TEST(DecodeKey, RefusesToShapeAReplyThatIsNotThere) {
  for (const char* key : {"ttl: 1min", "nul_terminated: true", "max_reply: 1KiB"}) {
    EXPECT_EQ(first_mistake("handlers: {k: {run: /k, in: host, authority: true, " +
                            std::string{key} + "}}\n"),
              "a handler with 'authority' makes the key itself; this is for replies");
  }
  EXPECT_EQ(first_mistake("handlers: {k: {run: /k, in: host, max_reply: 33KiB}}\n"),
            "expected a size from 1 to 32767 bytes, such as 4KiB");
}

TEST(DecodeKey, RefusesTwoAnswersToOneKey) {
  EXPECT_EQ(first_mistake("handlers: {a: {run: /a, in: host}, b: {run: /b, in: host}}\n"
                          "rules: [{name: r, on: request-key, do: [a, b]}]\n"),
            "a key request has one answer: name one handler; another may be 'on_failure'");
}

TEST(DecodeKey, ReadsHowOftenAnOriginMayAsk) {
  EXPECT_EQ(decoded().policy.key_requests_per_second, 50U);
  EXPECT_EQ(first_mistake("defaults: {key_requests_per_second: 0}\n"),
            "expected a whole number from 1 to 100000");
}

TEST(DecodeKey, RefusesErrorsAndTimesThatTheKernelDoesNotKnow) {
  EXPECT_EQ(first_mistake("rules: [{name: r, on: request-key, do: reject, negative: {errno: "
                          "ENOSUCH}}]\n"),
            "'ENOSUCH' is no error, such as ENOKEY (errno(3))");
  for (const char* time : {"500ms", "0s", "25h", "5"}) {
    EXPECT_EQ(first_mistake(std::string{"rules: [{name: r, on: request-key, do: reject, "
                                        "negative: {for: "} +
                            time + "}}]\n"),
              "expected whole seconds from 1s to 24h, such as 5s (s, min, h)");
  }
}

}  // namespace
}  // namespace upcall::settings
