// SPDX-License-Identifier: Apache-2.0
#include "shims/report.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "shims/system_call.h"
#include "shims/text.h"

namespace upcall::shim {
namespace {

constexpr std::string_view kErrorLevel = "<3>";  // KERN_ERR

}  // namespace

void write_text(int fd, std::string_view text) {
  system_call(SYS_write, fd, address_of(text.data()), static_cast<long>(text.size()));
}

int report_failure(std::string_view doing, long negated_errno, std::string_view remedy) {
  Line line;
  line << kErrorLevel << "upcall-shim: cannot " << doing << ": errno " << -negated_errno << "; "
       << remedy << "\n";
  const long log = system_call(SYS_openat, AT_FDCWD, address_of("/dev/kmsg"), O_WRONLY | O_CLOEXEC);
  // Each write is one record.
  if (log >= 0) write_text(static_cast<int>(log), line.text());
  return 1;
}

}  // namespace upcall::shim
