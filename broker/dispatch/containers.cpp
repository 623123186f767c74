// SPDX-License-Identifier: Apache-2.0
#include "dispatch/containers.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/memfd.h"
#include "base/text.h"
#include "kernel/directory.h"
#include "kernel/proc.h"
#include "kernel/stat.h"
#include "origin/runtimes/cgroup_path.h"
#include "origin/runtimes/sources.h"

namespace upcall::dispatch {
namespace {

using boost::system::error_code;
using std::chrono::steady_clock;

// What is registered and runs nowhere that we know of, such as a virtual machine.
bool of_no_container(const Error& error) { return error.code == std::errc::not_supported; }

bool missing(const Error& error) { return error.code == std::errc::no_such_file_or_directory; }

bool unfinished(const Error& error) {
  return missing(error) || error.code == std::errc::bad_message;
}

std::string record_name(const wire::StateDirectories& directories, const origin::SourceId& source) {
  return '"' + printable(directories[source.directory].path + "/" + source.id) + '"';
}

// Of its PID namespace.
bool is_process_one(int proc, const std::string& number) {
  const auto status = kernel::read_proc(proc, number + "/status");
  if (!status) return true;
  const auto pids = kernel::parse_namespace_pids(*status);
  return pids.empty() || pids.back() == 1;
}

// The first that the record has; parse() takes that one, too.
std::uint32_t file_with_init(wire::RecordKind kind, const std::vector<std::string>& texts) {
  const auto files = wire::record_files(kind);
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    if (files[i].head != wire::InitHead::none && !texts[i].empty()) return i;
  }
  return 0;
}

Error about(const wire::RecordFile& file, Error error) {
  if (!file.name.empty()) error.doing += ", its file '" + std::string{file.name} + "'";
  return error;
}

bool bears_out(const std::string& of_init, const std::string& claimed) {
  return claimed.size() > 1 && (of_init == claimed || of_init.starts_with(claimed + "/"));
}

// A container's own service manager, or its runtime, may have put its init below the container's
// cgroup; the record says where that is, and only the init's real place can bear it out.
std::string container_cgroup(const std::string& claimed, const std::string& of_init) {
  if (bears_out(of_init, claimed)) return claimed;
  constexpr std::string_view kInitScope = "/init.scope";
  return of_init.ends_with(kInitScope) ? of_init.substr(0, of_init.size() - kInitScope.size())
                                       : of_init;
}

}  // namespace

Containers::Containers(asio::io_context& io, launcher::Client& launcher, int proc,
                       wire::StateDirectories directories)
    : io_{io},
      launcher_{launcher},
      proc_{proc},
      directories_{std::move(directories)},
      reading_{io, 1},
      unread_came_{io, steady_clock::time_point::max()},
      all_seen_{io, steady_clock::time_point::max()},
      change_came_{io, steady_clock::time_point::max()} {
  for (std::uint32_t i = 0; i < directories_.size(); ++i) unseen_.insert(i);
}

void Containers::start() {
  for (std::uint32_t i = 0; i < directories_.size(); ++i) start_loop(io_, watch(i));
  start_loop(io_, read_late_ones());
}

asio::awaitable<void> Containers::name(event::Origin& origin, pid_t init) {
  // Of others the container is only that of their PID namespace, which may be another one's.
  if (origin.verdict == event::Verdict::in_container) co_await name_by_init(origin, init);
}

asio::awaitable<void> Containers::name_by_init(event::Origin& origin, pid_t init) {
  const auto* record = known(init);
  // Podman's names are in a file of its own.
  const bool complete = record != nullptr && !record->container.name.empty();
  if (!complete && !caught_up()) {
    co_await catch_up();
    record = known(init);
  }
  if (record != nullptr) {
    origin.container = record->container;
    co_return;
  }
  // As long as a process of its PID namespace is held, its number is its own.
  origin.container =
      origin::container_of_cgroup(kernel::read_unified_cgroup(proc_, std::to_string(init)));
}

asio::awaitable<void> Containers::name_by_cgroup(event::Origin& origin) {
  co_await catch_up();
  const auto* record = registry_.find_by_cgroup(origin.cgroup);
  const auto outer = record != nullptr ? record->cgroup.size() : 0;
  if (const auto* gone = departed_.find(origin.cgroup, steady_clock::now(), outer)) {
    origin.container = *gone;
  } else if (record != nullptr) {
    origin.container = record->container;
  } else {
    origin.container = origin::container_of_cgroup(origin.cgroup);
  }
}

asio::awaitable<std::map<std::string, origin::Record>> Containers::running() {
  co_await catch_up();
  std::map<std::string, origin::Record> living;
  for (const auto& [source, record] : registry_.records()) {
    if (known(record.init) == &record)
      living.emplace(directories_[source.directory].path + "/" + source.id, record);
  }
  co_return living;
}

asio::awaitable<void> Containers::changed(std::uint64_t seen, std::chrono::milliseconds most) {
  if (seen != changes_) co_return;
  change_came_.expires_after(most);
  error_code ec;
  co_await change_came_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
}

void Containers::note_change() {
  ++changes_;
  change_came_.cancel();
}

const origin::Record* Containers::known(pid_t init) const {
  const auto stat = kernel::read_stat(proc_, std::to_string(init));
  return stat ? registry_.find_by_init(init, stat->start_time) : nullptr;
}

// What happens right after the start must not be told that there are no containers.
asio::awaitable<void> Containers::catch_up() {
  if (caught_up()) co_return;
  error_code ec;
  while (!unseen_.empty()) {
    co_await all_seen_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  co_await read_unread(true);
}

void Containers::looked_at(std::uint32_t directory) {
  unseen_.erase(directory);
  if (unseen_.empty()) all_seen_.cancel();
}

// A runtime that is not there yet may come, and one that was removed may come again.
asio::awaitable<void> Containers::watch(std::uint32_t directory) {
  asio::steady_timer timer{io_};
  std::string last_problem;
  for (;;) {
    auto opened = co_await launcher_.open_directory(directory);
    if (opened) {
      last_problem.clear();
      co_await follow(directory, *std::move(opened));
      forget(directory);
    } else if (!missing(opened.error()) && describe(opened.error()) != last_problem) {
      last_problem = describe(opened.error());
      log::warning("no containers from " + printable(directories_[directory].path) + ": " +
                   last_problem);
    }
    looked_at(directory);
    timer.expires_after(limits::kLookForDirectory);
    error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

// Until the directory is gone.
asio::awaitable<void> Containers::follow(std::uint32_t directory,
                                         launcher::OpenedDirectory opened) {
  asio::posix::stream_descriptor entries{io_, opened.changes.release()};
  list(directory, opened.entries.get());
  looked_at(directory);
  error_code ec;
  for (;;) {
    const auto changes = kernel::read_changes(entries.native_handle());
    if (!changes || (*changes && (*changes)->gone)) co_return;
    if (!*changes) {
      co_await entries.async_wait(asio::posix::descriptor_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    for (const auto& change : (*changes)->changes) {
      if (change.came) {
        came(directory, change.entry);
      } else {
        went(directory, change.entry);
      }
    }
    if ((*changes)->overrun) co_return;  // to begin anew
  }
}

void Containers::list(std::uint32_t directory, int entries) {
  const auto names = read_sealed_memfd(entries);
  if (!names) {
    log::warning(describe(names.error()));
    return;
  }
  for (std::string_view rest = *names; !rest.empty();)
    came(directory, std::string{take_until(rest, '\0')});
}

void Containers::came(std::uint32_t directory, std::string entry) {
  if (!origin::is_record(directories_[directory].kind, entry)) return;
  unread_[{.directory = directory, .id = std::move(entry)}] = {.next = steady_clock::now()};
  unread_came_.cancel();
}

void Containers::went(std::uint32_t directory, const std::string& entry) {
  const origin::SourceId source{.directory = directory, .id = entry};
  unread_.erase(source);
  remove(source);
  stored_.erase(source);
  note_change();
}

void Containers::forget(std::uint32_t directory) {
  const auto is_of_it = [directory](const auto& one) { return one.first.directory == directory; };
  std::erase_if(unread_, is_of_it);
  std::erase_if(stored_, is_of_it);
  std::vector<origin::SourceId> gone;
  for (const auto& [source, record] : registry_.records()) {
    if (source.directory == directory) gone.push_back(source);
  }
  for (const auto& source : gone) remove(source);
  note_change();
}

void Containers::remove(const origin::SourceId& source) {
  const auto found = registry_.records().find(source);
  if (found == registry_.records().end()) return;
  departed_.add(found->second.cgroup, found->second.container, steady_clock::now());
  registry_.remove(source);
}

// What nobody has asked for; a runtime that is still writing gets its time.
asio::awaitable<void> Containers::read_late_ones() {
  asio::steady_timer timer{io_};
  error_code ec;
  for (;;) {
    if (unread_.empty()) {
      co_await unread_came_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
    timer.expires_after(limits::kReadRecordsEvery);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_await read_unread(false);
  }
}

// All of them, or those whose time has come.
asio::awaitable<void> Containers::read_unread(bool all) {
  const auto turn = co_await reading_.acquire();
  const auto now = steady_clock::now();
  std::vector<origin::SourceId> due;
  for (const auto& [source, unread] : unread_) {
    if (all || unread.next <= now) due.push_back(source);
  }
  for (const auto& source : due) {
    const auto taken = co_await read(source);
    const auto unread = unread_.find(source);
    if (unread != unread_.end()) settle(unread, taken);
  }
}

// A runtime that is still writing gets its time. One that has removed the record by then is not
// heard of here: its entry went().
void Containers::settle(std::map<origin::SourceId, Unread>::iterator unread,
                        const Result<Ok>& taken) {
  auto& [attempts, next] = unread->second;
  // Somebody could not wait for it: that is none of its attempts.
  if (!taken && unfinished(taken.error()) && steady_clock::now() < next) return;
  if (!taken && unfinished(taken.error()) && ++attempts < limits::kRecordAttempts) {
    next = steady_clock::now() + limits::kReadRecordsEvery * (1 << attempts);
    return;
  }
  if (!taken && !of_no_container(taken.error())) {
    log::warning("container record " + record_name(directories_, unread->first) + ": " +
                 describe(taken.error()));
  }
  unread_.erase(unread);
}

asio::awaitable<Result<Ok>> Containers::read(origin::SourceId source) {
  const auto texts = co_await read_files(source);
  if (!texts) co_return texts.error();
  const auto taken = take(source, *texts);
  if (!taken) co_return taken;
  const auto kept = registry_.records().find(source);
  if (kept == registry_.records().end() || !kept->second.shares_processes) co_return taken;
  const auto file = file_with_init(directories_[source.directory].kind, *texts);
  co_return co_await introduce(source, file);
}

// The launcher, which can climb from a process to the init of its PID namespace, cannot know by
// itself of those that are beside it.
asio::awaitable<Result<Ok>> Containers::introduce(origin::SourceId source, std::uint32_t file) {
  const auto& record = registry_.records().at(source);
  const wire::InitRequest request{.directory = source.directory,
                                  .file = file,
                                  .pid = record.init,
                                  .start_time = record.start_time.value_or(0)};
  co_return co_await launcher_.introduce(request, source.id);
}

asio::awaitable<Result<std::vector<std::string>>> Containers::read_files(
    const origin::SourceId& source) {
  const auto files = wire::record_files(directories_[source.directory].kind);
  std::vector<std::string> texts(files.size());
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    const auto file = co_await launcher_.open_record(source.directory, i, source.id);
    const bool optional = files[i].presence == wire::Presence::optional;
    if (!file && optional && missing(file.error())) continue;
    if (!file) co_return about(files[i], file.error());
    auto text = read_sealed_memfd(file->get());
    if (!text) co_return text.error();
    texts[i] = *std::move(text);
  }
  co_return texts;
}

Result<Ok> Containers::take(const origin::SourceId& source, const std::vector<std::string>& texts) {
  const auto kind = directories_[source.directory].kind;
  if (kind == wire::RecordKind::podman) {
    auto stored = origin::parse_podman_storage(texts.front());
    if (!stored) return stored.error();
    stored_[source] = *std::move(stored);
    return name_again();
  }
  auto record = origin::parse(kind, source.id, texts);
  if (!record) return record.error();
  return adopt(source, with_names(*std::move(record)));
}

origin::Record Containers::with_names(origin::Record record) const {
  for (const auto& [file, stored] : stored_)
    record = origin::with_podman_names(std::move(record), stored);
  return record;
}

// Podman writes its list of names after the runtime has written its record.
Result<Ok> Containers::name_again() {
  const auto before = registry_.records();
  for (const auto& [source, record] : before) {
    auto named = with_names(record);
    if (named.container.name == record.container.name &&
        named.container.image == record.container.image) {
      continue;
    }
    if (auto put = registry_.put(source, std::move(named), record.cgroup); !put) return put;
    note_change();
  }
  return Ok{};
}

// Only what the kernel bears out is believed: that the init lives, since when, and where.
Result<Ok> Containers::adopt(const origin::SourceId& source, origin::Record record) {
  const auto number = std::to_string(record.init);
  const auto before = kernel::read_stat(proc_, number);
  if (!before) return from_errno("find its init " + number, ESRCH);
  if (record.start_time && *record.start_time != before->start_time)
    return from_errno("find its init: another process has number " + number, ESRCH);
  const auto of_init = kernel::read_unified_cgroup(proc_, number);
  const bool shares_processes = !is_process_one(proc_, number);
  const auto after = kernel::read_stat(proc_, number);
  if (!after || after->start_time != before->start_time)
    return from_errno("hold its init " + number, ESRCH);
  record.start_time = before->start_time;
  record.shares_processes = shares_processes && bears_out(of_init, record.cgroup);
  const auto cgroup = container_cgroup(record.cgroup, of_init);
  note_change();
  return registry_.put(source, std::move(record), cgroup);
}

}  // namespace upcall::dispatch
