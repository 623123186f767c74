// SPDX-License-Identifier: Apache-2.0
// From the texts of a record's files to the record. Pure: whoever watches the directories reads the
// files.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "origin/record.h"
#include "wire/state_directories.h"

namespace upcall::origin {

// Whether an entry of such a directory is a record, by its name: they hold other things too.
[[nodiscard]] bool is_record(wire::RecordKind kind, std::string_view entry);

// `texts` are those of wire::record_files(kind), in their order; an optional one that is not there
// is empty. Not for podman's files, which name containers and record none (podman.h).
[[nodiscard]] Result<Record> parse(wire::RecordKind kind, std::string_view id,
                                   std::span<const std::string> texts);

}  // namespace upcall::origin
