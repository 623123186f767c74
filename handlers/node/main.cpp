// SPDX-License-Identifier: Apache-2.0
// node: keeps the /dev of its container up to date with one device, as udevd does a host's. Runs as
// root of the container, with no privileges but the container's own.
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>

#include "base/unique_fd.h"
#include "node/device_node.h"

namespace upcall::node {
namespace {

std::optional<std::string_view> variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return {};
  return value;
}

Result<Ok> run() {
  const auto node = read_device_node(variable);
  if (!node) return node.error();
  if (!*node) return Ok{};
  const UniqueFd dev{::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!dev) return from_errno("open /dev");
  return variable("UPCALL_ACTION") == "remove" ? remove_node(dev.get(), **node)
                                               : make_node(dev.get(), **node);
}

}  // namespace
}  // namespace upcall::node

int main() {
  const auto done = upcall::node::run();
  if (done) return 0;
  (void)std::fprintf(stderr, "error: %s\n", describe(done.error()).c_str());
  return 1;
}
