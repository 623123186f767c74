// SPDX-License-Identifier: Apache-2.0
// What one process can read of another under /proc.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace upcall::testing {

[[nodiscard]] std::string link_of(const std::string& path);  // empty when it cannot be read
[[nodiscard]] std::string read_text(const std::string& path);

// The lines "Name:\tvalue" of `directory`/status, as a JSON object.
[[nodiscard]] std::string status_of(const std::string& directory);

// The number of every process that can be seen.
[[nodiscard]] std::vector<pid_t> processes();

// The descriptors that are listed; of the lister's own list, without the one that lists.
[[nodiscard]] std::vector<int> descriptors_of(const std::string& directory);

// What looking for a key "user" of this name in the session's keyring gives: an errno's name or
// SUCCESS.
[[nodiscard]] std::string search_key(const char* name);

}  // namespace upcall::testing
