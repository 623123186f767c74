// SPDX-License-Identifier: Apache-2.0
// What the records of all OCI runtimes have in common: an init, and annotations, in which the
// manager that called the runtime says whose container it is.
#pragma once

#include "origin/record.h"
#include "origin/runtimes/json.h"
#include "origin/runtimes/labels.h"

namespace upcall::origin {

[[nodiscard]] Record with_init(Record record, const json::Field& pid, const json::Field& start);

// The names that a manager of the table in oci.cpp gave, and the annotations as labels.
[[nodiscard]] Record with_annotations(Record record, Labels annotations);

}  // namespace upcall::origin
