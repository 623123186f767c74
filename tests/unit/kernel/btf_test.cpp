// SPDX-License-Identifier: Apache-2.0
#include "kernel/btf.h"

#include <gtest/gtest.h>
#include <linux/btf.h>

#include <cstring>

namespace upcall::kernel {
namespace {

using namespace std::literals;

// Grows a section of BTF, word by word.
class Words {
 public:
  Words& add(std::initializer_list<std::uint32_t> words) {
    words_.insert(words_.end(), words);
    return *this;
  }
  [[nodiscard]] std::uint32_t size() const {
    return static_cast<std::uint32_t>(words_.size() * sizeof(std::uint32_t));
  }
  [[nodiscard]] const std::vector<std::uint32_t>& words() const { return words_; }

 private:
  std::vector<std::uint32_t> words_;
};

constexpr std::uint32_t info(std::uint32_t kind, std::uint32_t count, bool bit_fields = false) {
  return kind << 24U | count | (bit_fields ? 1U << 31U : 0U);
}

constexpr auto kNames = "\0outer\0plain\0inside\0visit\0"sv;
constexpr std::uint32_t kOuter = 1;
constexpr std::uint32_t kPlain = 7;
constexpr std::uint32_t kInside = 13;
constexpr std::uint32_t kVisit = 20;

// 1: int. 2: an anonymous union of int `inside`. 3: struct outer {int plain; <2>}. 4: visit().
Words types() {
  return Words{}
      .add({0, info(BTF_KIND_INT, 0), 4, 32})
      .add({0, info(BTF_KIND_UNION, 1), 4, kInside, 1, 0})
      .add({kOuter, info(BTF_KIND_STRUCT, 2, true), 16, kPlain, 1, 32, 0, 2, 96})
      .add({kVisit, info(BTF_KIND_FUNC, 0), 0});
}

std::vector<std::byte> bytes_of(const Words& types) {
  btf_header head{};
  head.magic = BTF_MAGIC;
  head.version = BTF_VERSION;
  head.hdr_len = sizeof head;
  head.type_len = types.size();
  head.str_off = types.size();
  head.str_len = kNames.size();
  std::vector<std::byte> bytes(sizeof head + types.size() + kNames.size());
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, types.words().data(), types.size());
  std::memcpy(bytes.data() + sizeof head + types.size(), kNames.data(), kNames.size());
  return bytes;
}

TEST(BtfTypes, TellWhereAMemberIs) {
  const auto btf = Btf::parse(bytes_of(types()));
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->offset_of("outer", "plain"), 4U);
  EXPECT_EQ(btf->offset_of("outer", "absent"), std::nullopt);
  EXPECT_EQ(btf->offset_of("absent", "plain"), std::nullopt);
}

TEST(BtfTypes, CountMembersOfAnonymousOnesAsTheStructsOwn) {
  const auto btf = Btf::parse(bytes_of(types()));
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->offset_of("outer", "inside"), 12U);
}

TEST(BtfTypes, NumberFunctions) {
  const auto btf = Btf::parse(bytes_of(types()));
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->find_function("visit"), 4U);
  EXPECT_EQ(btf->find_function("outer"), std::nullopt);
}

TEST(BtfTypes, MayHoldAnAnonymousStructWithinItself) {
  const auto btf =
      Btf::parse(bytes_of(Words{}.add({kOuter, info(BTF_KIND_STRUCT, 1), 4, 0, 1, 0})));
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->offset_of("outer", "plain"), std::nullopt);
}

TEST(BtfBytes, AreRefusedAtEveryCut) {
  const auto whole = bytes_of(types());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = Btf::parse({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, std::errc::bad_message);
  }
}

TEST(BtfBytes, AreRefusedWithAKindThatNobodyKnows) {
  EXPECT_FALSE(Btf::parse(bytes_of(Words{}.add({kOuter, info(31, 0), 0}))));
}

TEST(BtfOfThisKernel, KnowsItsTasks) {
  const auto btf = Btf::read_kernel();
  if (!btf) GTEST_SKIP() << describe(btf.error());
  EXPECT_TRUE(btf->offset_of("task_struct", "seccomp"));
  EXPECT_TRUE(btf->find_function("bpf_iter_task"));
}

}  // namespace
}  // namespace upcall::kernel
