// SPDX-License-Identifier: Apache-2.0
// upcalld's answers for the eyes of a person. What containers chose, their names and paths, is
// escaped: it must not drive a terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace upcall::cli {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string show_containers(const Json& document);
[[nodiscard]] std::string show_whois(const Json& document);
[[nodiscard]] std::string show_uevent(const Json& document);

}  // namespace upcall::cli
