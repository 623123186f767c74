// SPDX-License-Identifier: Apache-2.0
#include "shims/options.h"

#include <string_view>

namespace upcall::shim {
namespace {

char* next_option(char*& rest) {
  char* option = rest;
  while (*rest != '\0' && *rest != ',') ++rest;
  if (*rest != '\0') *rest++ = '\0';
  return option;
}

}  // namespace

Options parse_options(char* text) {
  constexpr std::string_view kStock = "stock=";
  Options options{.socket = next_option(text)};
  while (*text != '\0') {
    const char* option = next_option(text);
    const std::string_view word{option};
    if (word.starts_with(kStock)) options.stock = option + kStock.size();
    if (word == "absent=reject" || word == "absent=deny") options.may_go_around = false;
  }
  return options;
}

}  // namespace upcall::shim
