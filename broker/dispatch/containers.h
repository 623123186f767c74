// SPDX-License-Identifier: Apache-2.0
// The containers that run, as their runtimes record them: kept up to date by what comes and goes in
// the runtimes' state directories, never by looking at every process.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/asio.h"
#include "base/semaphore.h"
#include "event/event.h"
#include "launcher/client.h"
#include "origin/departed.h"
#include "origin/registry.h"
#include "origin/runtimes/podman.h"
#include "wire/state_directories.h"

namespace upcall::dispatch {

class Containers {
 public:
  Containers(asio::io_context& io, launcher::Client& launcher, int proc,
             wire::StateDirectories directories);

  // Starts watching the directories, for as long as `io` runs.
  void start();

  // Reads what has come just now. Before each capture, since the launcher has to know by then which
  // containers share a PID namespace.
  [[nodiscard]] asio::awaitable<void> catch_up();

  // Names the container of an origin that is in one, whose init this is, by its record or else by
  // the name of its cgroup. Looks at records that have not been read yet before it finds none.
  [[nodiscard]] asio::awaitable<void> name(event::Origin& origin, pid_t init);
  // The same whatever the verdict: of the container whose PID namespace the origin is in.
  [[nodiscard]] asio::awaitable<void> name_by_init(event::Origin& origin, pid_t init);
  // Of an origin that is nothing but the cgroup that a container had.
  [[nodiscard]] asio::awaitable<void> name_by_cgroup(event::Origin& origin);

  // Those whose init lives, by the paths of their records; what has come just now is read first.
  [[nodiscard]] asio::awaitable<std::map<std::string, origin::Record>> running();

  // How often one has come or gone, and a wait for it to become another number, at most so long.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] asio::awaitable<void> changed(std::uint64_t seen, std::chrono::milliseconds most);

 private:
  // A record that came and has not been read; its runtime may still be writing it.
  struct Unread {
    int attempts{};
    std::chrono::steady_clock::time_point next;
  };

  // Each directory has been looked at once, or is not there, and what came has been read.
  [[nodiscard]] bool caught_up() const { return unseen_.empty() && unread_.empty(); }
  void looked_at(std::uint32_t directory);
  [[nodiscard]] asio::awaitable<void> watch(std::uint32_t directory);
  [[nodiscard]] asio::awaitable<void> follow(std::uint32_t directory,
                                             launcher::OpenedDirectory opened);
  [[nodiscard]] const origin::Record* known(pid_t init) const;
  [[nodiscard]] asio::awaitable<void> read_late_ones();
  [[nodiscard]] asio::awaitable<void> read_unread(bool all);
  void settle(std::map<origin::SourceId, Unread>::iterator unread, const Result<Ok>& taken);
  [[nodiscard]] asio::awaitable<Result<Ok>> read(origin::SourceId source);
  [[nodiscard]] asio::awaitable<Result<std::vector<std::string>>> read_files(
      const origin::SourceId& source);
  [[nodiscard]] Result<Ok> take(const origin::SourceId& source,
                                const std::vector<std::string>& texts);
  [[nodiscard]] origin::Record with_names(origin::Record record) const;
  [[nodiscard]] Result<Ok> name_again();
  [[nodiscard]] Result<Ok> adopt(const origin::SourceId& source, origin::Record record);
  [[nodiscard]] asio::awaitable<Result<Ok>> introduce(origin::SourceId source, std::uint32_t file);
  void list(std::uint32_t directory, int entries);
  void came(std::uint32_t directory, std::string entry);
  void went(std::uint32_t directory, const std::string& entry);
  void forget(std::uint32_t directory);
  void remove(const origin::SourceId& source);
  void note_change();

  asio::io_context& io_;
  launcher::Client& launcher_;
  int proc_;
  wire::StateDirectories directories_;
  origin::Registry registry_;
  origin::Departed departed_;
  std::map<origin::SourceId, origin::StoredContainers> stored_;  // podman's names, by file
  std::map<origin::SourceId, Unread> unread_;
  Semaphore reading_;
  asio::steady_timer unread_came_;
  std::set<std::uint32_t> unseen_;  // directories, at the start
  asio::steady_timer all_seen_;
  std::uint64_t changes_{};
  asio::steady_timer change_came_;
};

}  // namespace upcall::dispatch
