// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upcall::origin::json {
namespace {

using ::testing::HasSubstr;

std::string mistake_in(const Document& document) {
  const auto read = document.check();
  return read ? "none" : describe(read.error());
}

std::string mistake_in_text(std::string_view text) {
  return mistake_in(Document{"the text", text});
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Document, GivesWhatIsThere) {
  Document document{"the text", R"({"a": {"b": ["x", 7]}, "n": 18446744073709551615, "": "e"})"};
  const auto list = document["a"]["b"].optional_list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].text(), "x");
  EXPECT_EQ(list[1].number(7, 7), 7U);
  EXPECT_EQ(document["n"].optional_number(), UINT64_MAX);
  EXPECT_EQ(document[""].text(), "e");
  EXPECT_EQ(mistake_in(document), "none");
}

TEST(Document, TakesNullForAbsent) {
  Document document{"the text", R"({"a": null})"};
  for (const auto* key : {"a", "b"}) {
    EXPECT_EQ(document[key].optional_text(), "");
    EXPECT_EQ(document[key].optional_number(), std::nullopt);
    EXPECT_TRUE(document[key]["deeper"].optional_list().empty());
    EXPECT_TRUE(document[key].optional_labels().empty());
  }
  EXPECT_EQ(mistake_in(document), "none");
}

TEST(Document, KeepsTheFirstMistakeAndReadsWhatIsWrongAsEmpty) {
  Document document{"status of container 'web'", R"({"pid": "7", "list": [1]})"};
  EXPECT_EQ(document["pid"].number(2, 9), 0U);
  EXPECT_EQ(document["list"].optional_list()[0].text(), "");
  EXPECT_EQ(mistake_in(document),
            "cannot read 'pid' in status of container 'web' (expected a whole number from 2 to 9): "
            "Bad message");
}

TEST(Document, NamesThePlaceOfAMistake) {
  Document document{"the text", R"({"config": {"labels": ["a=b", 7]}})"};
  EXPECT_EQ(document["config"]["labels"].optional_list()[1].text(), "");
  EXPECT_THAT(mistake_in(document), HasSubstr("'config.labels[1]' in the text (expected a text"));
}

TEST(Document, RefusesMembersOfWhatIsNoObject) {
  Document document{"the text", R"({"config": []})"};
  EXPECT_TRUE(document["config"]["labels"]["more"].optional_list().empty());
  EXPECT_THAT(mistake_in(document), HasSubstr("'config.labels.more'"));
}

TEST(Document, TakesTheLastOfTwoMembersLikeTheRuntimes) {
  Document document{"the text", R"({"pid": 2, "pid": 3, "l": {"k": "1", "k": "2"}})"};
  EXPECT_EQ(document["pid"].number(2, 9), 3U);
  EXPECT_EQ(find_label(document["l"].optional_labels(), "k"), "2");
}

TEST(Document, RefusesWhatIsNotJson) {
  EXPECT_THAT(mistake_in_text(""), HasSubstr("read the text (expected JSON"));
  EXPECT_THAT(mistake_in_text("{\"a\": 1} more"), HasSubstr("expected JSON"));
  EXPECT_THAT(mistake_in_text("{\"a\": \"\xff\"}"), HasSubstr("expected JSON"));
  EXPECT_THAT(mistake_in_text("{\"a\": 1e999}"), HasSubstr("expected JSON"));
  EXPECT_THAT(mistake_in_text("{\"a\": \"cut"), HasSubstr("from byte"));
}

TEST(Document, RefusesWhatIsTooLargeTooDeepOrTooMuch) {
  EXPECT_EQ(mistake_in_text(nested(limits::kRecordDepth)), "none");
  EXPECT_THAT(mistake_in_text(nested(limits::kRecordDepth + 1)), HasSubstr("less nesting"));
  EXPECT_THAT(mistake_in_text(nested(limits::kRecordFile / 2)), HasSubstr("less nesting"));
  EXPECT_THAT(mistake_in_text(std::string(limits::kRecordFile + 1, ' ')),
              HasSubstr("4 MiB at most): File too large"));
  std::string many = "[0";
  for (std::size_t i = 0; i < limits::kRecordValues; ++i) many += ",0";
  EXPECT_THAT(mistake_in_text(many + "]"), HasSubstr("fewer values"));
}

struct Wrong {
  const char* value;
  const char* why;
};

class WrongNumber : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongNumber, IsRefused) {
  Document document{"the text", std::string{"{\"n\": "} + GetParam().value + "}"};
  EXPECT_EQ(document["n"].number(2, 4194304), 0U) << GetParam().why;
  EXPECT_THAT(mistake_in(document), HasSubstr("'n' in the text (expected a whole number"));
}

INSTANTIATE_TEST_SUITE_P(Each, WrongNumber,
                         ::testing::Values(Wrong{"-7", "negative"}, Wrong{"1", "below"},
                                           Wrong{"4194305", "above"}, Wrong{"7.5", "a fraction"},
                                           Wrong{"18446744073709551616", "beyond 64 bits"},
                                           Wrong{"\"7\"", "a text"}, Wrong{"true", "a truth"},
                                           Wrong{"null", "absent"}, Wrong{"[7]", "a list"}));

TEST(Field, RefusesATextThatIsTooLong) {
  Document document{"the text", "\"" + std::string(513, 'x') + "\""};
  EXPECT_EQ(document.root().text(), "");
  EXPECT_THAT(mistake_in(document), HasSubstr("a text of 512 bytes at most"));
}

TEST(Field, RefusesLabelsThatAreNoTexts) {
  Document document{"the text", R"({"annotations": {"a": "b", "c": {}}})"};
  EXPECT_EQ(document["annotations"].optional_labels().size(), 1U);
  EXPECT_THAT(mistake_in(document), HasSubstr("'annotations' in the text (expected an object of"));
}

}  // namespace
}  // namespace upcall::origin::json
