// SPDX-License-Identifier: Apache-2.0
// A row of the handler table and a capture made into one confinement: who the handler will be,
// where, with what. Here the launcher refuses what its rules of disclosure do not allow.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/capture.h"
#include "launcher/confine.h"
#include "wire/handler_table.h"

namespace upcall::launcher {

struct Row {
  wire::HandlerRow handler;
  UniqueFd executable;  // O_PATH, in the vault; empty for a path that is looked up at exec
};

// Opens the vault's programs, and refuses a table with a row that cannot be run as it says.
[[nodiscard]] Result<std::vector<Row>> open_rows(wire::HandlerTable table, int vault);

// What no process that could be held has caused.
[[nodiscard]] bool is_for_nobody(const Row& row);

// Whether the row may run on the capture at all.
[[nodiscard]] bool may_run(const Row& row, const Capture& capture);

// Whether it may for all that is known of the container's seccomp filters.
[[nodiscard]] bool may_run_unfiltered(const Row& row, const Capture& capture);

// "NAME=value\0" after each other: only UPCALL_ names, so that a variable from the broker can mean
// nothing to any loader or interpreter. Nothing for any other form.
[[nodiscard]] std::optional<std::vector<std::string>> parse_environment(std::string_view bytes);

// Whether the broker may say that of the event. A row of two kinds of rules that runs for no
// process leaves to the broker which of them it is, but nothing else: a handler on the host
// believes what it is told of a process by its UPCALL_EVENT.
[[nodiscard]] bool may_say(const std::vector<std::string>& environment, const Row& row,
                           const Capture& capture);

// The row's arguments with "{name}" replaced by the value of UPCALL_NAME.
[[nodiscard]] std::vector<std::string> fill_arguments(const std::vector<std::string>& arguments,
                                                      const std::vector<std::string>& environment);

class Plan {
 public:
  // `fds` are {stdin, stdout, stderr, event}, borrowed like the row and the capture.
  Plan(const Own& own, const Row& row, const Capture& capture, std::vector<std::string> environment,
       std::span<const int, 4> fds);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  Plan(Plan&&) = delete;
  Plan& operator=(Plan&&) = delete;
  ~Plan() = default;

  [[nodiscard]] const Confinement& confinement() const { return confinement_; }
  [[nodiscard]] int cgroup() const { return cgroup_; }

 private:
  void take_place(const Own& own, const Subject& subject);
  void take_host(const Own& own, const Row& row, const Capture& capture);
  void take_container(const Own& own, const Row& row, const Capture& capture);
  void take_origin(const Own& own, const Capture& capture);
  void limit_resources(const Own& own, const kernel::ResourceLimits& limits);
  void take_program(const Row& row);
  void take_cgroups_v1(const Container& container);
  void take_filters(const Container& container);

  Confinement confinement_;
  int cgroup_{-1};
  std::vector<int> cgroups_v1_;
  std::vector<sock_fprog> filters_;
  std::vector<LimitChange> limits_;
  std::string oom_score_adj_;
  std::string label_;
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

}  // namespace upcall::launcher
