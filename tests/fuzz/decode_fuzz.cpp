// SPDX-License-Identifier: Apache-2.0
// Any text is a policy or a list of mistakes, and all of these can be shown.
#include <cstdint>
#include <cstdlib>

#include "settings/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  const auto loaded = upcall::settings::decode("fuzz.yaml", text);
  const auto* mistakes = std::get_if<std::vector<upcall::settings::Diagnostic>>(&loaded);
  if (mistakes == nullptr) return 0;
  if (mistakes->empty()) std::abort();
  for (const auto& mistake : *mistakes) (void)upcall::settings::render(mistake);
  return 0;
}
