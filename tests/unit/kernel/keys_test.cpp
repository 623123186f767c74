// SPDX-License-Identifier: Apache-2.0
#include "kernel/keys.h"

#include <gtest/gtest.h>

#include <array>

namespace upcall::kernel {
namespace {

constexpr KeySerial kAuthority = 0x39530b0c;
constexpr const char* kLine =
    "39530b0c I------     2 perm 1b010000 101000 101000 .request_ key:1b7a9aec pid:15992 ci:9\n";
constexpr const char* kOthers =
    "07a8c1f2 I--Q---     4 perm 3f030000 101000 101000 keyring   _ses: 1\n"
    "3a63feed I--Q---     4 perm 3f030000 101000 101000 keyring   _req.461019884: 1\n";

std::optional<pid_t> requester_in(const std::string& keys) {
  RequesterSearch search{std::array{kAuthority}};
  search.take(keys);
  return search.found(kAuthority);
}

TEST(RequesterSearch, FindsTheThreadOfTheAuthority) {
  EXPECT_EQ(requester_in(std::string{kOthers} + kLine), 15992);
}

TEST(RequesterSearch, TakesTheFileInPieces) {
  RequesterSearch search{std::array{kAuthority}};
  for (const char c : std::string{kOthers} + kLine) search.take({&c, 1});
  EXPECT_EQ(search.found(kAuthority), 15992);
}

TEST(RequesterSearch, FindsEachOfMany) {
  constexpr KeySerial kOther = 0x0a;
  constexpr KeySerial kForged = 0x0b;
  constexpr KeySerial kNone = 0x0c;
  RequesterSearch search{std::array{kOther, kAuthority, kForged, kNone}};
  search.take(std::string{kOthers} + kLine);
  search.take("0000000a I------     2 perm 1b010000 0 0 .request_ key:1b7a9aeb pid:7 ci:9\n");
  search.take("0000000b I------     2 perm 1b010000 0 0 .request_ key:1b7a9aed pid:8 ci:9\n");
  search.take("0000000b I------     2 perm 1b010000 0 0 .request_ key:1b7a9aed pid:9 ci:9\n");
  EXPECT_EQ(search.found(kOther), 7);
  EXPECT_EQ(search.found(kAuthority), 15992);
  EXPECT_FALSE(search.found(kForged));
  EXPECT_FALSE(search.found(kNone));
}

TEST(RequesterSearch, FindsNothingWhereTheAuthorityIsNot) {
  EXPECT_FALSE(requester_in(kOthers));
  EXPECT_FALSE(requester_in(""));
}

TEST(RequesterSearch, BelievesNobodyWhenTheAuthorityIsThereTwice) {
  const std::string forged =
      "1111aaaa I--Q---     1 perm 3f3f3f3f 101000 101000 user      x\n"
      "39530b0c I------     2 perm 1b010000 101000 101000 .request_ key:1b7a9aec pid:1 ci:9: 5\n";
  EXPECT_FALSE(requester_in(forged + kLine));
  EXPECT_FALSE(requester_in(kLine + forged));
}

TEST(RequesterSearch, FindsNothingInWhatHasBeenAnswered) {
  EXPECT_FALSE(requester_in("39530b0c IR----i  expd 1b010000 0 0 .request_ \n"));
}

TEST(RequesterSearch, DoesNotSeeOtherPidNamespaces) {
  EXPECT_FALSE(
      requester_in("39530b0c I------     2 perm 1b010000 0 0 .request_ key:1b7a9aec pid:0 ci:9\n"));
}

TEST(KeyDescription, KeepsWhateverTheDescriptionHolds) {
  const auto key = parse_key_description("user;101000;65534;3f010000;a;b\nc d");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->type, "user");
  EXPECT_EQ(key->uid, 101000U);
  EXPECT_EQ(key->gid, 65534U);
  EXPECT_EQ(key->permissions, 0x3f010000U);
  EXPECT_EQ(key->description, "a;b\nc d");
}

TEST(KeyDescription, IsNothingWithoutItsNumbers) {
  EXPECT_FALSE(parse_key_description(""));
  EXPECT_FALSE(parse_key_description("user;x;0;0;d"));
  EXPECT_FALSE(parse_key_description("user;0;0"));
}

}  // namespace
}  // namespace upcall::kernel
