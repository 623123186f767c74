// SPDX-License-Identifier: Apache-2.0
// Files of the source tree that say something of the language, and whether they are right.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "settings/load.h"

namespace upcall::settings {

inline std::filesystem::path in_source_tree(const std::string& name) {
  return std::filesystem::path{UPCALL_SOURCE_DIR} / name;
}

inline std::string contents(const std::string& name) {
  const std::ifstream file{in_source_tree(name)};
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the text says; every mistake in it is a failure of the test.
inline Settings expect_loads(const std::string& name, const std::string& text) {
  auto loaded = decode(name, text);
  if (auto* settings = std::get_if<Settings>(&loaded)) return std::move(*settings);
  for (const auto& one : std::get<std::vector<Diagnostic>>(loaded)) ADD_FAILURE() << render(one);
  return {};
}

}  // namespace upcall::settings
