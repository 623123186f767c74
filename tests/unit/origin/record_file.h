// SPDX-License-Identifier: Apache-2.0
// The files of records/. Those of crun 1.8.1 and runc 1.1.5 were written by them (shortened paths
// apart); the other ones have the shape of real ones.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace upcall::origin {

inline std::string record_file(const std::string& path) {
  std::ifstream file{UPCALL_SOURCE_DIR "/tests/unit/origin/records/" + path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot open " + path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// The text with its first `from` replaced: how a test makes one mistake in a real file.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error{"no '" + from + "' in the text"};
  return text.replace(at, from.size(), to);
}

}  // namespace upcall::origin
