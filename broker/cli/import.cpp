// SPDX-License-Identifier: Apache-2.0
#include "cli/import.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "cli/key_policy.h"
#include "kernel/directory.h"
#include "kernel/read_file.h"

namespace upcall::cli {
namespace {

constexpr const char* kFile = "/etc/request-key.conf";
constexpr const char* kDirectory = "/etc/request-key.d";

// Those of the directory come first. request-key takes them as they lie there, which is no order.
Result<std::vector<std::string>> usual_files() {
  std::vector<std::string> files;
  const UniqueFd directory{::open(kDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory && errno != ENOENT) return from_errno("open '" + std::string{kDirectory} + "'");
  if (directory) {
    const auto entries = kernel::list_entries(directory.get());
    if (!entries) return entries.error();
    for (const auto& entry : *entries) {
      if (entry.ends_with(".conf") && !entry.starts_with('.'))
        files.push_back(std::string{kDirectory} + '/' + entry);
    }
  }
  std::ranges::sort(files);
  files.emplace_back(kFile);
  return files;
}

Result<Conf> read_files(const std::vector<std::string>& files) {
  Conf conf;
  for (const auto& file : files) {
    const auto text = kernel::read_file(file == "-" ? "/dev/stdin" : file);
    if (!text) return text.error();
    read_conf(printable(file), *text, conf);
  }
  return conf;
}

void show(const std::vector<Remark>& remarks) {
  for (const auto& remark : remarks) {
    (void)std::fprintf(stderr, "upcallctl: %s: %s\n", remark.place.c_str(), remark.text.c_str());
  }
}

}  // namespace

int import_request_key_conf(const std::optional<std::string>& file) {
  const auto files = file ? Result{std::vector{*file}} : usual_files();
  auto conf = files ? read_files(*files) : Result<Conf>{files.error()};
  if (!conf) {
    (void)std::fprintf(stderr, "upcallctl: %s\n", describe(conf.error()).c_str());
    return 1;
  }
  const auto policy = key_policy(*conf);
  show(conf->mistakes);
  show(conf->notes);
  if (!conf->mistakes.empty()) return 1;
  (void)std::fputs(policy.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace upcall::cli
