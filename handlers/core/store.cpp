// SPDX-License-Identifier: Apache-2.0
#include "core/store.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "base/text.h"
#include "core/core_file.h"
#include "core/directory.h"
#include "core/sink_file.h"
#include "core/sink_zstd.h"

namespace upcall::core {
namespace {

// With less than this a core is not worth beginning.
constexpr std::uint64_t kLeastRoom = 1 << 20;
constexpr unsigned kMostWorkers = 4;

std::unique_ptr<Sink> make_sink(int fd, const Space& space, const Options& options) {
  if (options.compression == Compression::none) return std::make_unique<FileSink>(fd, space);
  const auto workers = std::clamp(std::thread::hardware_concurrency(), 1U, kMostWorkers);
  return std::make_unique<ZstdSink>(fd, space, options.level, workers);
}

// A container may end with the process, if only because its init waits for that one, and we with
// it. Then it is the broker's to let the process go: when we have ended, or the last handler.
bool may_take_us_along(const Identity& identity) {
  return identity.in_container || identity.is_init;
}

}  // namespace

Result<StoredCore> store_core(UniqueFd stream, const Identity& identity, const Options& options) {
  const auto directory = open_directory(options.directory);
  if (!directory) return directory.error();
  const Space space{directory->get(), options.keep_free};
  if (!space.allows(kLeastRoom)) {
    return from_errno("store a core in \"" + printable(options.directory) + '"', ENOSPC);
  }
  auto file = CoreFile::create(directory->get());
  if (!file) return file.error();
  const auto sink = make_sink(file->fd(), space, options);
  StreamSource source{stream.get(), may_take_us_along(identity)};
  const auto copied = copy_core(source, *sink, options.max_size);
  if (!copied) return copied.error();

  file->give_to_owner(identity);
  if (options.sync && ::fsync(file->fd()) != 0) return from_errno("write the core to the disk");
  const auto name = file->publish(file_name(identity, copied->cut != Cut::none, sink->extension()));
  if (!name) return name.error();
  return StoredCore{.path = options.directory + '/' + *name, .copied = *copied};
}

}  // namespace upcall::core
