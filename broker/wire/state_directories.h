// SPDX-License-Identifier: Apache-2.0
// Where container runtimes keep a record of each container that runs: what the launcher opens for
// the broker, and no other file. upcalld hands the table to both in a sealed memfd.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace upcall::wire {

// The form of the records in a directory: what is in DIRECTORY/ID/, or the entry itself.
enum class RecordForm : std::uint32_t {
  crun,    // status, config.json
  runc,    // state.json
  docker,  // config.v2.json: names and labels of what runc has a state of
  podman,  // containers.json, one for all: names and images of what crun or runc have a state of
  nspawn,  // systemd-machined: the entry itself
};
inline constexpr std::size_t kRecordForms = 5;

struct StateDirectory {
  RecordForm form{};
  std::string path;  // absolute
  bool operator==(const StateDirectory&) const = default;
};

using StateDirectories = std::vector<StateDirectory>;

// The names of a record's files below DIRECTORY/ENTRY; "" is the entry itself.
[[nodiscard]] std::span<const char* const> record_files(RecordForm form);

// Where the runtimes of today's distributions keep them, as root.
[[nodiscard]] const StateDirectories& default_state_directories();

[[nodiscard]] std::vector<std::byte> pack_state_directories(const StateDirectories& directories);
// EBADMSG unless the bytes are a whole table of this build.
[[nodiscard]] Result<StateDirectories> unpack_state_directories(std::span<const std::byte> bytes);

}  // namespace upcall::wire
