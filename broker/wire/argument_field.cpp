// SPDX-License-Identifier: Apache-2.0
#include "wire/argument_field.h"

namespace upcall::wire {

std::optional<std::string_view> field_of(std::string_view argument) {
  constexpr std::string_view kWord =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  if (argument.size() < 3 || !argument.starts_with('{') || !argument.ends_with('}')) return {};
  const auto name = argument.substr(1, argument.size() - 2);
  if (name.find_first_not_of(kWord) != std::string_view::npos) return {};
  return name;
}

}  // namespace upcall::wire
