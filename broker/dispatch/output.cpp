// SPDX-License-Identifier: Apache-2.0
#include "dispatch/output.h"

#include "base/limits.h"

namespace upcall::dispatch {

void LineCollector::take(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
    } else if (lines_.size() < limits::kOutputLines && line_.size() < limits::kOutputLineBytes) {
      line_ += c;
    } else {
      ++dropped_;
    }
  }
}

void LineCollector::finish() {
  if (!line_.empty()) end_line();
}

void LineCollector::end_line() {
  if (lines_.size() < limits::kOutputLines) lines_.push_back(std::move(line_));
  line_.clear();
}

}  // namespace upcall::dispatch
