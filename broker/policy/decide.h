// SPDX-License-Identifier: Apache-2.0
// The one question that the policy answers, as a pure function.
#pragma once

#include <string>

#include "event/event.h"
#include "policy/policy.h"

namespace upcall::policy {

struct Decision {
  std::string rule;       // its name; kDefaults when none matched
  std::string container;  // the name of the selector that the origin matched; empty for none
  Action action;
  std::optional<std::uint32_t> on_failure;
  Negative negative;  // of a key request
};

// A signal that the kernel did not tell matches no condition on it.
[[nodiscard]] Decision decide(const Policy& policy, const event::Event& event);

// Whether every key request is passed, whoever asks: then nobody need find out who.
[[nodiscard]] bool passes_all_key_requests(const Policy& policy);

// Whether modules are any business of ours: else the kernel's setting stays as it is.
[[nodiscard]] bool rules_on_modules(const Policy& policy);
// The same of the other helpers that the kernel starts.
[[nodiscard]] bool rules_on_helpers(const Policy& policy);
// Whether a rule asks for the names of the modules that an alias stands for.
[[nodiscard]] bool needs_module_names(const Policy& policy);

// The first selector, in the policy's order, that the origin is in; nullptr for none.
[[nodiscard]] const ContainerSelector* container_of(const Policy& policy,
                                                    const event::Origin& origin);

// Whether the name of a selector, empty for none, is among those listed.
[[nodiscard]] bool is_among(const std::vector<std::string>& listed, const std::string& container);
// The same of a container of which only the record is known: false is final, true is not.
[[nodiscard]] bool may_be_among(const Policy& policy, const std::vector<std::string>& listed,
                                const event::Container& record);

}  // namespace upcall::policy
