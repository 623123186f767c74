// SPDX-License-Identifier: Apache-2.0
#include "policy/module_name.h"

namespace upcall::policy {

std::string normalized_module_name(std::string_view name) {
  std::string text;
  bool inside = false;
  for (const char c : name) {
    if (c == '[') inside = true;
    if (c == ']') inside = false;
    text += c == '-' && !inside ? '_' : c;
  }
  return text;
}

}  // namespace upcall::policy
