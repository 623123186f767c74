// SPDX-License-Identifier: Apache-2.0
// upcalld after its start: it sleeps, and sees to it that whatever was changed is put back, whoever
// dies and however. It reads nothing from outside but the broker's fixed words.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/child.h"
#include "daemon/helper_registration.h"
#include "daemon/listeners.h"
#include "daemon/options.h"
#include "daemon/registration.h"
#include "policy/policy.h"
#include "wire/supervisor.h"

namespace upcall::daemon {

class Supervisor {
 public:
  struct Parts {
    Listeners listeners;
    Registration registration;
    HelperRegistration modules;
    std::vector<HelperRegistration> release_agents;
    Child launcher;
    Child broker;
    UniqueFd launcher_socket;
    UniqueFd broker_socket;
    UniqueFd signals;  // signalfd with SIGTERM, SIGINT, SIGHUP
    policy::OnTakeover core_pattern_taken{};
    CoreMode core_mode{};
    std::string shim;  // path of upcall-shim
    bool traces{};     // there is a trace instance
    bool rules_on_modules{};
    bool modprobe_absent_denies{};
    bool helper_absent_denies{};
  };
  explicit Supervisor(Parts parts) : parts_{std::move(parts)} {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() { stop(); }

  // Waits for the broker, registers, and proves by a crash of its own that dumps arrive. Throws
  // with the cause; nothing is registered then.
  void start();
  // Until it is told to stop, or something dies. The process's exit status.
  [[nodiscard]] int run();

 private:
  // Puts the kernel's settings back and ends the children.
  void stop();
  enum class Wake : std::uint8_t { signal, launcher_died, broker_died, message, time };
  [[nodiscard]] Wake wait(std::optional<int> milliseconds) const;
  void expect(wire::SupervisorMessageType type, int milliseconds);
  void tell_broker(wire::SupervisorMessageType type, pid_t pid = 0) const;
  // `ours`: what we write, or have written, to kernel.core_pattern; empty for nothing.
  void tell_launcher(const std::string& ours);
  [[nodiscard]] bool try_mode(CoreMode mode);
  [[nodiscard]] bool self_test();
  void register_for_helpers();
  void register_for_modules();
  void restore_helpers();
  void remove_trace();
  void watch();
  void watch_helpers();
  [[nodiscard]] std::vector<HelperRegistration*> helpers();

  Parts parts_;
  bool takeover_known_{false};
  std::set<std::string> taken_helpers_;  // settings that are known to be another program's now
  bool helpers_registered_{false};
};

}  // namespace upcall::daemon
