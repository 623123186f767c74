// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/oci.h"

#include <algorithm>
#include <array>

namespace upcall::origin {
namespace {

using Keys = std::array<std::string_view, 2>;  // the first that is there counts

// How a manager signs, and where it writes the names.
struct Manager {
  std::string_view runtime;
  std::string_view mark;
  std::string_view signature;  // empty: any value
  Keys name;
  Keys image;
  Keys pod;
  Keys pod_namespace;
};

// The keys are those of the managers' sources and of files that they wrote.
// podman (4.3): a pod is known by its id alone; the container's name and image: podman.h.
// CRI-O (1.20 and later): its own annotations can be overridden by those of the pod, which a user
// of the cluster writes, but not the labels io.kubernetes.*, which the kubelet writes last.
// containerd (1.5 to 2.x): the first image is a container's, the second its sandbox's.
// nerdctl (0.13 and later) is a client of containerd's.
constexpr std::array kManagers = {
    Manager{.runtime = "podman",
            .mark = "io.container.manager",
            .signature = "libpod",
            .pod = {"io.kubernetes.cri-o.SandboxID"}},
    Manager{.runtime = "cri-o",
            .mark = "io.container.manager",
            .signature = "cri-o",
            .name = {"io.kubernetes.container.name"},
            .image = {"io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image"},
            .pod = {"io.kubernetes.pod.name", "io.kubernetes.cri-o.KubeName"},
            .pod_namespace = {"io.kubernetes.pod.namespace", "io.kubernetes.cri-o.Namespace"}},
    Manager{.runtime = "containerd",
            .mark = "io.kubernetes.cri.container-type",
            .name = {"io.kubernetes.cri.container-name"},
            .image = {"io.kubernetes.cri.image-name", "io.kubernetes.cri.podsandbox.image-name"},
            .pod = {"io.kubernetes.cri.sandbox-name"},
            .pod_namespace = {"io.kubernetes.cri.sandbox-namespace"}},
    Manager{.runtime = "containerd", .mark = "nerdctl/namespace", .name = {"nerdctl/name"}},
};

// CRI-O writes the whole life of a container into some 30 annotations of 4 KiB, in part as JSON.
// What of it is a name is in a field of its own; the rest would crowd out the labels of the
// container.
constexpr std::string_view kBookkeeping = "io.kubernetes.cri-o.";

const Manager* find_manager(const Labels& annotations) {
  const auto signed_by = [&](const Manager& manager) {
    const auto signature = find_label(annotations, manager.mark);
    return !signature.empty() && (manager.signature.empty() || signature == manager.signature);
  };
  const auto* const found = std::ranges::find_if(kManagers, signed_by);
  return found == kManagers.end() ? nullptr : &*found;
}

// A name that is too long to be one is none: what is cut could be another container's.
std::string first_of(const Labels& annotations, const Keys& keys) {
  for (const auto key : keys) {
    const auto value = key.empty() ? std::string_view{} : find_label(annotations, key);
    if (!value.empty() && value.size() <= limits::kRecordText) return std::string{value};
  }
  return {};
}

}  // namespace

Record with_init(Record record, const json::Field& pid, const json::Field& start) {
  record.init = static_cast<pid_t>(pid.number(kLeastInit, kMostInit));
  record.start_time = start.optional_number();
  if (record.start_time == 0U) record.start_time = {};  // an init that was gone when it was asked
  return record;
}

Record with_annotations(Record record, Labels annotations) {
  if (const auto* manager = find_manager(annotations)) {
    record.container.runtime = manager->runtime;
    record.container.name = first_of(annotations, manager->name);
    record.container.image = first_of(annotations, manager->image);
    record.container.pod = first_of(annotations, manager->pod);
    record.container.pod_namespace = first_of(annotations, manager->pod_namespace);
  }
  std::erase_if(annotations,
                [](const auto& label) { return label.first.starts_with(kBookkeeping); });
  return with_labels(std::move(record), std::move(annotations));
}

}  // namespace upcall::origin
