// SPDX-License-Identifier: Apache-2.0
#include "wire/state_directories.h"

#include <array>

#include "base/pack.h"

namespace upcall::wire {
namespace {

constexpr std::uint64_t kMagic = 0x3130525453555055;  // "UPUSTR01"

constexpr std::array kCrunFiles = {"status", "config.json"};
constexpr std::array kRuncFiles = {"state.json"};
constexpr std::array kDockerFiles = {"config.v2.json"};
constexpr std::array kEntryItself = {""};

}  // namespace

std::span<const char* const> record_files(RecordForm form) {
  switch (form) {
    case RecordForm::crun:
      return kCrunFiles;
    case RecordForm::runc:
      return kRuncFiles;
    case RecordForm::docker:
      return kDockerFiles;
    case RecordForm::podman:
    case RecordForm::nspawn:
      return kEntryItself;
  }
  return {};
}

const StateDirectories& default_state_directories() {
  static const StateDirectories kDirectories = {
      {RecordForm::crun, "/run/crun"},
      {RecordForm::runc, "/run/runc"},
      {RecordForm::runc, "/run/containerd/runc/k8s.io"},
      {RecordForm::runc, "/run/containerd/runc/default"},
      {RecordForm::runc, "/run/docker/runtime-runc/moby"},
      {RecordForm::docker, "/var/lib/docker/containers"},
      {RecordForm::podman, "/var/lib/containers/storage/overlay-containers"},
      {RecordForm::nspawn, "/run/systemd/machines"},
  };
  return kDirectories;
}

std::vector<std::byte> pack_state_directories(const StateDirectories& directories) {
  Packer out;
  out.put(kMagic);
  out.put_list(directories, [&](const StateDirectory& directory) {
    out.put(directory.form);
    out.put_text(directory.path);
  });
  return {out.bytes().begin(), out.bytes().end()};
}

Result<StateDirectories> unpack_state_directories(std::span<const std::byte> bytes) {
  Unpacker in{bytes};
  if (in.get<std::uint64_t>() != kMagic) return from_errno("read the state directories", EBADMSG);
  auto directories = in.get_list([&] {
    const auto form = in.get<RecordForm>();
    return StateDirectory{.form = form, .path = in.get_text()};
  });
  if (!in.finished()) return from_errno("read the state directories", EBADMSG);
  return directories;
}

}  // namespace upcall::wire
