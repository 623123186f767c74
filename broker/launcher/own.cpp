// SPDX-License-Identifier: Apache-2.0
#include "launcher/own.h"

#include "kernel/cgroup.h"

namespace upcall::launcher {

Result<Own> look_at_ourselves() {
  const std::string directory = "/proc/self";
  Own own;
  auto namespaces = kernel::open_namespaces({}, directory);
  if (!namespaces) return namespaces.error();
  own.namespaces = *std::move(namespaces);
  const auto limits = kernel::read_limits(directory);
  if (!limits) return limits.error();
  own.limits = *limits;
  const auto status = kernel::read_status(directory);
  if (!status) return status.error();
  own.capabilities = status->permitted;
  const auto score = read_oom_score_adj(directory);
  if (!score) return score.error();
  own.oom_score_adj = *score;
  auto label = read_label(directory);
  if (!label) return label.error();
  own.label = *std::move(label);
  own.tasks = kernel::TaskReader::make();
  if (auto root = kernel::open_cgroup_root()) own.cgroup_root = *std::move(root);
  return own;
}

}  // namespace upcall::launcher
