// SPDX-License-Identifier: Apache-2.0
// Which arguments of a handler are fields that the launcher fills in: exactly "{name}". All else in
// braces is meant as it stands, as JSON and find(1) need it.
#pragma once

#include <optional>
#include <string_view>

namespace upcall::wire {

// The name between the braces: a view into `argument`. Nothing where it is no field.
[[nodiscard]] std::optional<std::string_view> field_of(std::string_view argument);

}  // namespace upcall::wire
