// SPDX-License-Identifier: Apache-2.0
#include "kernel/trace_instance.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "base/text.h"
#include "kernel/detached_mount.h"
#include "kernel/directory.h"
#include "kernel/read_file.h"

namespace upcall::kernel {
namespace {

constexpr unsigned kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
constexpr const char* kFunction = "call_usermodehelper_exec_work";
constexpr const char* kQueueWork = "events/workqueue/workqueue_queue_work";
constexpr const char* kExecuteStart = "events/workqueue/workqueue_execute_start";
constexpr const char* kFork = "events/sched/sched_process_fork";
constexpr const char* kModuleRequest = "events/module/module_request";

std::string instance_path() { return std::string{"instances/"} + kTraceInstance; }

Result<Ok> remove_instance(int tracefs) {
  if (::unlinkat(tracefs, instance_path().c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
    return Ok{};
  return from_errno(std::string{"remove the trace instance '"} + kTraceInstance + "'");
}

Result<UniqueFd> open_at(int directory, const std::string& path, int flags) {
  UniqueFd fd{::openat(directory, path.c_str(), flags | O_CLOEXEC)};
  if (!fd) return from_errno("open '" + path + "' in tracefs");
  return fd;
}

Result<std::string> read_at(int directory, const std::string& path) {
  const auto fd = open_at(directory, path, O_RDONLY);
  if (!fd) return fd.error();
  return read_all(fd->get(), path);
}

Result<Ok> write_at(int directory, const std::string& path, const std::string& text) {
  const auto fd = open_at(directory, path, O_WRONLY | O_TRUNC);
  if (!fd) return fd.error();
  if (::write(fd->get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    return Ok{};
  return from_errno("write '" + path + "' in tracefs");
}

// The names of functions in filters came with Linux 6.5.
Result<std::string> filter_by_address() {
  const std::unique_ptr<FILE, decltype(&::fclose)> lines{::fopen("/proc/kallsyms", "re"),
                                                         &::fclose};
  if (!lines) return from_errno("open /proc/kallsyms");
  std::array<char, 512> line{};
  while (::fgets(line.data(), line.size(), lines.get()) != nullptr) {
    std::string_view rest{line.data()};
    const auto address = take_word(rest);
    (void)take_word(rest);
    if (take_word(rest) != kFunction) continue;
    if (address.find_first_not_of('0') == std::string_view::npos) break;
    return "function == 0x" + std::string{address};
  }
  return from_errno("find a function in /proc/kallsyms: see kernel.kptr_restrict", ENOENT);
}

Result<Ok> filter_function(int instance, const std::string& event) {
  const auto file = event + "/filter";
  if (write_at(instance, file, std::string{"function.function == "} + kFunction)) return Ok{};
  const auto filter = filter_by_address();
  if (!filter) return filter.error();
  return write_at(instance, file, *filter);
}

Result<TraceLayout> read_layout(int tracefs, int instance, bool modules) {
  std::array<Result<std::string>, 5> texts{
      read_at(tracefs, "events/header_page"),
      read_at(instance, std::string{kQueueWork} + "/format"),
      read_at(instance, std::string{kExecuteStart} + "/format"),
      read_at(instance, std::string{kFork} + "/format"),
      modules ? read_at(instance, std::string{kModuleRequest} + "/format") : std::string{}};
  for (const auto& text : texts) {
    if (!text) return text.error();
  }
  return parse_trace_layout({.header_page = *texts[0],
                             .queue_work = *texts[1],
                             .execute_start = *texts[2],
                             .fork = *texts[3],
                             .module_request = *texts[4]});
}

Result<Ok> set_up(int instance, bool modules) {
  struct Setting {
    std::string file;
    const char* value;
  };
  std::vector<Setting> settings{{"trace_clock", "boot"},  // as the start times of processes
                                {"buffer_size_kb", "256"},
                                {"buffer_percent", "25"},
                                // Anybody may be called so, but has then executed no work.
                                {std::string{kFork} + "/filter", "parent_comm ~ \"kworker*\""}};
  for (const char* event : {kQueueWork, kExecuteStart}) {
    if (auto filtered = filter_function(instance, event); !filtered) return filtered;
    settings.push_back({std::string{event} + "/enable", "1"});
  }
  settings.push_back({std::string{kFork} + "/enable", "1"});
  if (modules) settings.push_back({std::string{kModuleRequest} + "/enable", "1"});
  for (const auto& setting : settings) {
    if (auto set = write_at(instance, setting.file, setting.value); !set) return set;
  }
  return Ok{};
}

Result<std::vector<UniqueFd>> open_buffers(int instance) {
  auto directory = open_at(instance, "per_cpu", O_RDONLY | O_DIRECTORY);
  if (!directory) return directory.error();
  const auto entries = list_entries(directory->get());
  if (!entries) return entries.error();
  std::vector<UniqueFd> buffers;
  for (const auto& name : *entries) {
    if (!name.starts_with("cpu")) continue;
    auto buffer = open_at(instance, "per_cpu/" + name + "/trace_pipe_raw", O_RDONLY | O_NONBLOCK);
    if (!buffer) return buffer.error();
    buffers.push_back(*std::move(buffer));
  }
  return buffers;
}

Result<TraceInstance> fill_instance(int tracefs) {
  const auto instance = open_at(tracefs, instance_path(), O_PATH | O_DIRECTORY);
  if (!instance) return instance.error();
  const bool modules = ::faccessat(instance->get(), kModuleRequest, F_OK, 0) == 0;
  const auto layout = read_layout(tracefs, instance->get(), modules);
  if (!layout) return layout.error();
  if (const auto set = set_up(instance->get(), modules); !set) return set.error();
  auto buffers = open_buffers(instance->get());
  if (!buffers) return buffers.error();
  return TraceInstance{.layout = *layout, .buffers = *std::move(buffers)};
}

}  // namespace

Result<TraceInstance> make_trace_instance() {
  const auto tracefs = mount_detached("tracefs", kAttributes);
  if (!tracefs) return tracefs.error();
  if (const auto removed = remove_instance(tracefs->get()); !removed) return removed.error();
  if (::mkdirat(tracefs->get(), instance_path().c_str(), 0700) != 0)
    return from_errno("make a trace instance");
  auto instance = fill_instance(tracefs->get());
  if (!instance) (void)remove_instance(tracefs->get());
  return instance;
}

Result<Ok> remove_trace_instance() {
  const auto tracefs = mount_detached("tracefs", kAttributes);
  if (!tracefs) return tracefs.error();
  return remove_instance(tracefs->get());
}

}  // namespace upcall::kernel
