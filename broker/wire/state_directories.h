// SPDX-License-Identifier: Apache-2.0
// Where container runtimes keep a record of each container that runs: what the launcher copies for
// the broker, and no other file. upcalld hands the table of directories to both in a sealed memfd;
// which files one record has is the same for all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace upcall::wire {

// A directory says who manages the containers, the files in it which runtime runs them: containerd
// and Docker have runc's as a rule, and crun's where they are configured so.
enum class RecordKind : std::uint32_t { crun, runc, containerd, docker, nspawn, podman };
inline constexpr std::size_t kRecordKinds = 6;

enum class Presence : std::uint8_t { required, optional };

// How the runtime begins the file, before anything in it that is not its own choice: with the pid
// and the start time of the container's init.
enum class InitHead : std::uint8_t { none, crun, runc };

struct RecordFile {
  std::string_view directory;  // empty: the one in which the record was found
  std::string_view name;       // DIRECTORY/ID/NAME; empty: DIRECTORY/ID is the file
  Presence presence{Presence::required};
  InitHead head{InitHead::none};
};

// "crun", ..., and what one record of the kind consists of.
[[nodiscard]] std::string_view name_of(RecordKind kind);
[[nodiscard]] std::span<const RecordFile> record_files(RecordKind kind);

struct StateDirectory {
  RecordKind kind{};
  std::string path;  // absolute
  bool operator==(const StateDirectory&) const = default;
};

using StateDirectories = std::vector<StateDirectory>;

// Where the runtimes of today's distributions keep them, as root.
[[nodiscard]] const StateDirectories& default_state_directories();

[[nodiscard]] std::vector<std::byte> pack_state_directories(const StateDirectories& directories);
// EBADMSG unless the bytes are a whole table of this build.
[[nodiscard]] Result<StateDirectories> unpack_state_directories(std::span<const std::byte> bytes);

}  // namespace upcall::wire
