// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/labels.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace upcall::origin {
namespace {

std::size_t bytes_of(const Record& record) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : record.container.labels) bytes += key.size() + value.size();
  return bytes;
}

Labels many(std::size_t count, std::size_t value_size) {
  Labels labels;
  for (std::size_t i = 0; i < count; ++i) {
    labels.emplace_back("label." + std::to_string(i), std::string(value_size, 'x'));
  }
  return labels;
}

TEST(WithLabels, KeepsAnyBytesAsTheyAre) {
  const std::string hostile{"a\n\0level=error \x1b[2J\xff", 19};
  const auto record = with_labels({}, {{hostile, hostile}, {"", ""}});
  EXPECT_EQ(record.container.labels.at(hostile), hostile);
  EXPECT_EQ(record.container.labels.at(""), "");
  EXPECT_EQ(record.labels_left_out, 0U);
}

TEST(WithLabels, KeepsTheFirstOfTwo) {
  auto record = with_labels({}, {{"a", "1"}, {"a", "2"}});
  record = with_labels(std::move(record), {{"a", "3"}, {"b", "4"}});
  EXPECT_EQ(record.container.labels, (std::map<std::string, std::string>{{"a", "1"}, {"b", "4"}}));
  EXPECT_EQ(record.labels_left_out, 0U);
}

TEST(WithLabels, CountsThoseThatAreTooMany) {
  const auto record = with_labels({}, many(limits::kLabels + 10, 1));
  EXPECT_EQ(record.container.labels.size(), limits::kLabels);
  EXPECT_EQ(record.labels_left_out, 10U);
}

TEST(WithLabels, LeavesOutWhatDoesNotFitAndKeepsWhatDoes) {
  auto labels = many(1, limits::kLabelBytes);
  labels.emplace_back("small", "label");
  const auto record = with_labels({}, std::move(labels));
  EXPECT_EQ(record.container.labels, (std::map<std::string, std::string>{{"small", "label"}}));
  EXPECT_EQ(record.labels_left_out, 1U);
}

TEST(WithLabels, HoldsTheLimitOverTwoCalls) {
  auto record = with_labels({}, many(10, 300));
  Labels more{{"more", std::string(2000, 'x')}, {"fits", std::string(100, 'x')}};
  record = with_labels(std::move(record), std::move(more));
  EXPECT_LE(bytes_of(record), limits::kLabelBytes);
  EXPECT_TRUE(record.container.labels.contains("fits"));
  EXPECT_EQ(record.labels_left_out, 1U);
}

}  // namespace
}  // namespace upcall::origin
