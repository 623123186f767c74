// SPDX-License-Identifier: Apache-2.0
// Runs a fuzzer's body over its corpus where there is no libFuzzer: every file, its every prefix of
// up to kPrefixes bytes, and nothing at all.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.h"

namespace {

// Cut input is the mistake that parsers make most; longer prefixes are for the fuzzer itself to
// find.
constexpr std::size_t kPrefixes = 256;

void run_body(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

int replay(const std::filesystem::path& corpus) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{corpus}) {
    const std::string input = read_file(entry.path());
    run_body(input);
    const std::size_t prefixes = std::min(input.size(), kPrefixes);
    for (std::size_t size = 0; size < prefixes; ++size) run_body(input.substr(0, size));
    ++files;
  }
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;  // an empty corpus proves nothing
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return argc == 2 ? replay(argv[1]) : 2;
  } catch (const std::exception& failure) {
    (void)std::fprintf(stderr, "replay: %s\n", failure.what());
    return 1;
  }
}
