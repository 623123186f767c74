// SPDX-License-Identifier: Apache-2.0
#include "core/report.h"

#include <sysexits.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace upcall::core {
namespace {

std::string_view name_of(Cut cut) {
  switch (cut) {
    case Cut::none:
      break;
    case Cut::stream_ended:
      return "stream-ended";
    case Cut::read_error:
      return "read-error";
    case Cut::max_size:
      return "max-size";
    case Cut::disk_full:
      return "disk-full";
  }
  return "none";
}

std::string_view completeness(const Copied& copied) {
  if (copied.cut != Cut::none) return "no";
  return copied.expected ? "yes" : "unknown";
}

std::string_view remedy(int cause) {
  switch (cause) {
    case ENOSPC:
    case EDQUOT:
      return "free some space there or lower keep_free";
    case ELOOP:
      return "give a path without symbolic links";
    case ENOENT:
    case ENOTDIR:
      return "make the directory or name another one";
    case EACCES:
    case EPERM:
    case EROFS:
      return "set its sticky bit, take the right to write from the others, or name another "
             "directory";
    case EINVAL:
      return "core --help lists what can be set";
    case ENOMEM:
      return "give the handler more memory or lower the level";
    default:
      return "nothing was stored";
  }
}

// Paths may be longer than what log lines usually quote.
constexpr std::size_t kLongestPath = 4096;

}  // namespace

std::string result_line(const std::string& path, const Copied& copied,
                        std::chrono::milliseconds took) {
  std::string line = "core path=\"" + printable(path, kLongestPath) + "\" complete=";
  line += completeness(copied);
  line += " bytes=" + std::to_string(copied.totals.core);
  if (copied.expected) line += " expected=" + std::to_string(*copied.expected);
  line += " stored=" + std::to_string(copied.totals.file);
  line += " holes=" + std::to_string(copied.totals.holes);
  if (copied.cut != Cut::none) line.append(" reason=").append(name_of(copied.cut));
  return line + " ms=" + std::to_string(took.count()) + '\n';
}

std::string failure_line(const Error& error) {
  return describe(error).append("; ").append(remedy(error.code.value())) + '\n';
}

int exit_status(const Error& error) {
  switch (error.code.value()) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return EX_TEMPFAIL;
    default:
      return EXIT_FAILURE;
  }
}

}  // namespace upcall::core
