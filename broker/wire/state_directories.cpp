// SPDX-License-Identifier: Apache-2.0
#include "wire/state_directories.h"

#include <array>

#include "base/pack.h"

namespace upcall::wire {
namespace {

constexpr std::uint64_t kMagic = 0x3130525453555055;  // "UPUSTR01"

constexpr std::array kCrunFiles = {RecordFile{.name = "status", .head = InitHead::crun},
                                   RecordFile{.name = "config.json"}};
constexpr std::array kRuncFiles = {RecordFile{.name = "state.json", .head = InitHead::runc}};
constexpr std::array kManagedFiles = {
    RecordFile{.name = "state.json", .presence = Presence::optional, .head = InitHead::runc},
    RecordFile{.name = "status", .presence = Presence::optional, .head = InitHead::crun},
    RecordFile{.name = "config.json", .presence = Presence::optional}};
constexpr std::array kDockerFiles = {kManagedFiles[0], kManagedFiles[1], kManagedFiles[2],
                                     RecordFile{.directory = "/var/lib/docker/containers",
                                                .name = "config.v2.json",
                                                .presence = Presence::optional}};
constexpr std::array kEntryItself = {RecordFile{}};

struct Kind {
  std::string_view name;
  std::span<const RecordFile> files;
};

constexpr std::array<Kind, kRecordKinds> kKinds = {{{"crun", kCrunFiles},
                                                    {"runc", kRuncFiles},
                                                    {"containerd", kManagedFiles},
                                                    {"docker", kDockerFiles},
                                                    {"nspawn", kEntryItself},
                                                    {"podman", kEntryItself}}};

}  // namespace

std::string_view name_of(RecordKind kind) { return kKinds.at(static_cast<std::size_t>(kind)).name; }

std::span<const RecordFile> record_files(RecordKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind)).files;
}

const StateDirectories& default_state_directories() {
  static const StateDirectories kDirectories = {
      // Of root's podman and CRI-O too, which call crun or runc with their default directories.
      {RecordKind::crun, "/run/crun"},
      {RecordKind::runc, "/run/runc"},
      // One for each namespace of containerd's: Kubernetes, and ctr and nerdctl.
      {RecordKind::containerd, "/run/containerd/runc/k8s.io"},
      {RecordKind::containerd, "/run/containerd/runc/default"},
      // Docker since 20.10, and a Docker that leaves the choice to containerd.
      {RecordKind::docker, "/run/docker/runtime-runc/moby"},
      {RecordKind::docker, "/run/containerd/runc/moby"},
      {RecordKind::nspawn, "/run/systemd/machines"},
      // Names and images; the second is for a storage that is gone with the boot.
      {RecordKind::podman, "/var/lib/containers/storage/overlay-containers"},
      {RecordKind::podman, "/run/containers/storage/overlay-containers"},
  };
  return kDirectories;
}

std::vector<std::byte> pack_state_directories(const StateDirectories& directories) {
  Packer out;
  out.put(kMagic);
  out.put_list(directories, [&](const StateDirectory& directory) {
    out.put(directory.kind);
    out.put_text(directory.path);
  });
  return {out.bytes().begin(), out.bytes().end()};
}

Result<StateDirectories> unpack_state_directories(std::span<const std::byte> bytes) {
  Unpacker in{bytes};
  if (in.get<std::uint64_t>() != kMagic) return from_errno("read the state directories", EBADMSG);
  bool known = true;
  auto directories = in.get_list([&] {
    const auto kind = in.get<RecordKind>();
    known = known && static_cast<std::size_t>(kind) < kRecordKinds;
    return StateDirectory{.kind = kind, .path = in.get_text()};
  });
  if (!in.finished() || !known) return from_errno("read the state directories", EBADMSG);
  return directories;
}

}  // namespace upcall::wire
