// SPDX-License-Identifier: Apache-2.0
#include "cli/request_key_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/key_policy.h"

namespace upcall::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Conf conf_of(std::string_view text) {
  Conf conf;
  read_conf("c", text, conf);
  return conf;
}

// The program of the line that is the best match; "none" for none.
std::string best(std::string_view text, const std::array<const char*, kColumns>& request) {
  const auto conf = conf_of(text);
  for (const auto& match : best_first(conf.lines)) {
    const auto& asked = match.patterns;
    if (asked[type].matches(request[0]) && asked[description].matches(request[1]) &&
        asked[callout].matches(request[2])) {
      return match.line->command.front();
    }
  }
  return "none";
}

std::string mistake(std::string_view text) {
  const auto conf = conf_of(text);
  return conf.mistakes.empty() ? "none" : conf.mistakes[0].place + " " + conf.mistakes[0].text;
}

TEST(RequestKeyConf, TheFirstAsteriskIsTheOnlyWildcard) {
  EXPECT_EQ(Pattern{"a*b*[?c"}.glob(), "a**b\\*\\[\\?c");
  EXPECT_TRUE(Pattern{"a*c"}.matches("a/b\nc"));
  EXPECT_TRUE(Pattern{"a*c"}.matches("ac"));
  EXPECT_FALSE(Pattern{"ab*bc"}.matches("abc"));
  EXPECT_TRUE(Pattern{"*"}.matches(""));
  EXPECT_FALSE(Pattern{"a"}.matches("ab"));
}

TEST(RequestKeyConf, WhatSkipsLeastIsBestColumnByColumn) {
  constexpr const char* kConf =
      "create user debug:* * /wild\n"
      "create user debug:loop:* * /longer\n"
      "create user debug:* negate /exact-callout\n"
      "create * debug:loop:x negate /any-type\n";
  EXPECT_EQ(best(kConf, {"user", "debug:a", "c"}), "/wild");
  EXPECT_EQ(best(kConf, {"user", "debug:a", "negate"}), "/exact-callout");
  EXPECT_EQ(best(kConf, {"user", "debug:loop:x", "negate"}), "/longer")
      << "description comes first";
  EXPECT_EQ(best(kConf, {"logon", "debug:loop:x", "negate"}), "/any-type");
  EXPECT_EQ(best(kConf, {"user", "other", "c"}), "none");
}

TEST(RequestKeyConf, OfTwoAsGoodTheFirstIsTaken) {
  EXPECT_EQ(best("create user ab* * /1\ncreate user *cd * /2\n", {"user", "abcd", ""}), "/1");
  EXPECT_EQ(best("create user *cd * /2\ncreate user ab* * /1\n", {"user", "abcd", ""}), "/2");
}

TEST(RequestKeyConf, AnAsteriskThatSkipsNothingIsAsGoodAsNone) {
  constexpr const char* kConf = "create user debug* x /wild\ncreate user debug * /exact\n";
  EXPECT_EQ(best(kConf, {"user", "debug", "x"}), "/wild") << "the callout decides";
  EXPECT_EQ(best(kConf, {"user", "debug", "y"}), "/exact");
  EXPECT_EQ(best(kConf, {"user", "debug2", "x"}), "/wild");
}

TEST(RequestKeyConf, TheOperationCountsFirst) {
  EXPECT_EQ(best("* user x y /any\ncreate * * * /create\n", {"user", "x", "y"}), "/create");
}

TEST(RequestKeyConf, CommentsAndIndentedLinesSayNothing) {
  const auto conf = conf_of("# c\n\n  create user a b /x\ncreate\tuser  a b /y  1 2\n");
  ASSERT_EQ(conf.lines.size(), 1U);
  EXPECT_EQ(conf.lines[0].place, "c:4");
  EXPECT_EQ(conf.lines[0].command, (std::vector<std::string>{"/y", "1", "2"}));
  EXPECT_TRUE(conf.mistakes.empty());
}

TEST(RequestKeyConf, WhatRequestKeyCannotUseIsAMistake) {
  EXPECT_EQ(mistake("\ncreate user a b\n"),
            "c:2 expected OPERATION TYPE DESCRIPTION CALLOUT PROGRAM");
  EXPECT_EQ(mistake("create user a b prog\n"), "c:1 'prog' is not an absolute path");
  EXPECT_EQ(mistake("create user a b |prog\n"), "c:1 '|prog' is not an absolute path");
  EXPECT_EQ(mistake("create user \xc3\xa9 b /x\n"), "c:1 only printable ASCII can be taken over");
  EXPECT_EQ(mistake("create user a b /x y"),
            "c:1 no end of line: request-key cuts off the last character");
  EXPECT_EQ(mistake("create user a b /" + std::string(5000, 'x') + "\n"),
            "c:1 the line is too long for request-key");
}

TEST(RequestKeyConf, AnAsteriskInTheMiddleIsNoted) {
  EXPECT_TRUE(conf_of("create user *b a* /x\n").notes.empty());
  EXPECT_EQ(conf_of("create user a*b c /x\n").notes.size(), 1U);
}

std::string policy_of(std::string_view text) {
  auto conf = conf_of(text);
  return key_policy(conf);
}

TEST(KeyPolicy, ALineIsAHandlerOnTheHostAndARule) {
  EXPECT_THAT(policy_of("create user \"x\\* * /bin/keyctl negate %k 30 %S\n"),
              HasSubstr("handlers:\n  # c:1\n"
                        "  request-key-1: {run: [\"/bin/keyctl\", \"negate\", \"{key}\", \"30\", "
                        "\"{session_keyring}\"], in: host, timeout: 100s, authority: true}\n"
                        "\nrules:\n"
                        "  - {name: \"c:1\", on: request-key, when: {type: \"user\", description: "
                        "\"\\\"x\\\\\\\\**\"}, do: request-key-1, negative: {errno: ENOKEY, for: "
                        "60s}}\n"));
}

TEST(KeyPolicy, EveryMacroIsAField) {
  EXPECT_THAT(policy_of("create * * * /p %o %k %t %d %c %u %g %T %P %S %%k %kk k\n"),
              HasSubstr(R"(["/p", "create", "{key}", "{key_type}", "{key_description}", )"
                        R"("{key_callout}", "{uid}", "{gid}", "{thread_keyring}", )"
                        R"("{process_keyring}", "{session_keyring}", "%k", "%kk", "k"])"));
}

TEST(KeyPolicy, APipeReplies) {
  const auto policy = policy_of("create user * * |/bin/cat\n");
  EXPECT_THAT(policy, HasSubstr(R"({run: ["/bin/cat"], in: host, timeout: 100s})"));
  EXPECT_THAT(policy, Not(HasSubstr("authority")));
}

TEST(KeyPolicy, WhatCannotBeSaidIsPassedOnAndNoted) {
  for (const char* argument : {"%{user:secret}", "{uid}", "%x", "%"}) {
    auto conf = conf_of("create user a * /bin/x " + std::string{argument} + "\n");
    EXPECT_THAT(key_policy(conf), HasSubstr("description: \"a\"}, do: pass}\n"));
    ASSERT_EQ(conf.notes.size(), 1U);
    EXPECT_THAT(conf.notes[0].text, HasSubstr("; left to the stock helper"));
  }
}

TEST(KeyPolicy, LinesThatTheKernelNeverAsksForAreNoted) {
  auto conf = conf_of("negate * * * /bin/keyctl negate %k 30 %S\nupdate * * * /bin/x\n");
  EXPECT_THAT(key_policy(conf), Not(HasSubstr("rules:")));
  ASSERT_EQ(conf.notes.size(), 2U);
  EXPECT_THAT(conf.notes[0].text, HasSubstr("'negate'"));
}

TEST(KeyPolicy, ARuleThatStandsTwiceHasTwoNames) {
  const auto policy = policy_of("create user a* * /w\ncreate user a * /e\n");
  EXPECT_THAT(policy, HasSubstr("name: \"c:1\""));
  EXPECT_THAT(policy, HasSubstr("name: \"c:1 (2)\""));
}

}  // namespace
}  // namespace upcall::cli
