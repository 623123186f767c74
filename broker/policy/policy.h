// SPDX-License-Identifier: Apache-2.0
// What the policy file says, as values. Nothing here knows YAML, the kernel or the clock.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/uevent_rules.h"

namespace upcall::policy {

// The name of a container that stands for any that the policy names.
inline constexpr const char* kAnyContainer = "*";

// What a decision names as its rule when none matched; no rule may be called so.
inline constexpr const char* kDefaults = "defaults";

enum class UserNamespace : std::uint8_t { any, host, child };

// What the runtime's record of a container must say; globs, of which an empty one is no condition.
struct RecordMatch {
  std::vector<std::string> runtime;  // one of these; an empty list is no condition
  std::string name;
  std::string image;
  std::string pod;
  std::string pod_namespace;
  std::map<std::string, std::string> labels;  // name to glob over the value; all must match
  bool operator==(const RecordMatch&) const = default;
};

// A container by what its processes look like and what its runtime says of it; every given key must
// match. Only an origin whose verdict is in_container is ever in one.
struct ContainerSelector {
  std::string name;
  std::string cgroup;  // glob over the path from the root of the unified hierarchy; empty: any
  UserNamespace user_namespace{UserNamespace::any};
  std::optional<RecordMatch> record;  // it has one, and it says this
  bool anonymous{};                   // it has none
};

enum class ActionKind : std::uint8_t {
  pass,    // what this host did before upcalld was installed
  reject,  // no dump at all; no key, as `negative` says; no module
  run,     // the handlers
  load,    // another module than was asked for
};

struct Action {
  ActionKind kind{ActionKind::pass};
  std::vector<std::uint32_t> handlers;  // rows of the handler table, in order
  std::string module;                   // to load
};

// Conditions of a rule on core dumps; an empty list is no condition, a list is "one of".
struct CoreDumpMatch {
  std::vector<std::string> container;  // names of selectors, or kAnyContainer
  std::vector<int> signal;
  std::vector<std::string> exe;  // globs over the path that the process sees
  std::vector<std::string> tag;  // globs over what root marked the process or its container with
  std::vector<uid_t> uid;        // real uid, as the container sees it; the host's for the host
};

enum class KeySource : std::uint8_t { any, user, kernel };

// Conditions of a rule on key requests. All texts but `container` are globs.
struct KeyRequestMatch {
  std::vector<std::string> container;
  std::vector<uid_t> uid;  // real ids, as the container sees them; the host's for the host
  std::vector<gid_t> gid;
  std::vector<uid_t> host_uid;  // and as the host sees them, wherever the requester is
  std::vector<gid_t> host_gid;
  std::vector<std::string> tag;
  KeySource source{KeySource::any};
  std::vector<std::string> type;
  std::vector<std::string> description;
  std::vector<std::string> callout;
  std::vector<std::string> destination;
};

// Who must have made the kernel ask for a module or another helper. An unknown one is in no rule
// that does not name it, as it could be anybody.
enum class AskedBy : std::uint8_t { any, user, kernel, unknown };

// Conditions of a rule on module requests. `alias`, `module`, `exe` and `tag` are globs. Here a
// process is in the container whose PID namespace it is in, whatever its verdict: what may leave a
// container and who may have modules loaded are two questions.
struct ModuleMatch {
  std::vector<std::string> container;
  std::vector<uid_t> uid;
  UserNamespace user_namespace{UserNamespace::any};
  AskedBy asker{AskedBy::any};
  std::vector<std::string> alias;
  std::vector<std::string> module;
  std::vector<std::string> exe;
  std::vector<std::string> tag;
};

// Conditions of a rule on other helpers, all texts globs. Containers are those of ModuleMatch; of a
// release agent, the one that had the cgroup.
struct HelperMatch {
  std::vector<std::string> container;
  std::vector<uid_t> uid;
  UserNamespace user_namespace{UserNamespace::any};
  AskedBy asker{AskedBy::any};
  std::vector<std::string> path;
  std::vector<std::string> argument;  // one of its arguments
  std::vector<std::string> cgroup;    // that is empty now; holds for release agents alone
  std::vector<std::string> exe;
  std::vector<std::string> tag;
};

struct Rule {
  std::string name;
  CoreDumpMatch when;
  Action action;
  std::optional<std::uint32_t>
      on_failure;  // row of the handler that runs when one of `action` fails
};

// How a key is refused, and for how long the kernel remembers that: never 0 seconds, for which it
// would forget the error, too.
struct Negative {
  int error{ENOKEY};
  std::uint32_t seconds{5};
  bool operator==(const Negative&) const = default;
};

struct KeyRule {
  std::string name;
  KeyRequestMatch when;
  Action action;                            // one handler at most: a key has one answer
  std::optional<std::uint32_t> on_failure;  // row of the handler that is asked instead
  Negative negative;                        // when rejected, and when no handler answers
};

struct ModuleRule {
  std::string name;
  ModuleMatch when;
  Action action;                            // one handler at most, who says yes or no
  std::optional<std::uint32_t> on_failure;  // row of the handler that is asked when one says no
};

struct HelperRule {
  std::string name;
  HelperMatch when;
  Action action;                            // one handler at most, in the helper's place
  std::optional<std::uint32_t> on_failure;  // row of the handler that runs when that one fails
};

// Where a handler runs, and so to whom its event is described.
enum class Place : std::uint8_t { container, host };

// What a key of the type `user` holds at most (include/keys/user-type.h).
inline constexpr std::uint32_t kMaxReply = 32767;

struct Handler {
  std::string name;
  Place place{};
  // Of an answer to a key request.
  bool authority{};         // the handler gives it itself; else its standard output is the payload
  bool nul_terminated{};    // the payload gets a NUL at its end
  std::uint32_t seconds{};  // that the key lives; 0: until somebody takes it away
  std::uint32_t max_reply{kMaxReply};  // bytes; a longer one is none
  // Reads the event on descriptor 3, and wants to know all of why a process died. builtin:core does
  // not: what takes time is not made for it.
  bool briefed{true};
  std::string program;  // for people: its path, or the name of one of ours
  bool operator==(const Handler&) const = default;
};

// What to do when another program has overwritten kernel.core_pattern.
enum class OnTakeover : std::uint8_t { report, restore };

struct Policy {
  std::vector<ContainerSelector> containers;
  std::vector<Handler> handlers;         // row by row, as in the handler table
  std::vector<Rule> rules;               // first match wins
  std::vector<KeyRule> key_rules;        // likewise
  std::vector<UeventRule> uevent_rules;  // likewise
  std::vector<ModuleRule> module_rules;  // likewise
  std::vector<HelperRule> helper_rules;  // likewise
  Action coredump_default{};
  Action request_key_default{};
  // Of those that want a handler, for each container and each user of the host.
  std::uint32_t key_requests_per_second{200};
  Action modprobe_default{};
  bool modprobe_absent_denies{};  // what upcall-shim does with modules while there is no broker
  Action helper_default{};
  bool helper_absent_denies{};  // and with other helpers
  OnTakeover core_pattern_taken{OnTakeover::report};
};

[[nodiscard]] std::vector<std::byte> pack_policy(const Policy& policy);
// EBADMSG unless the bytes are a whole policy of this build.
[[nodiscard]] Result<Policy> unpack_policy(std::span<const std::byte> bytes);

}  // namespace upcall::policy
