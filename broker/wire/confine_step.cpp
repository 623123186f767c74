// SPDX-License-Identifier: Apache-2.0
#include "wire/confine_step.h"

namespace upcall::wire {

const char* name_of(ConfineStep step) {
  switch (step) {
    case ConfineStep::request:
      return "request";
    case ConfineStep::join_cgroup:
      return "join-cgroup";
    case ConfineStep::start_in_time:
      return "start-in-time";
    case ConfineStep::descriptors:
      return "descriptors";
    case ConfineStep::groups:
      return "groups";
    case ConfineStep::limits:
      return "limits";
    case ConfineStep::session:
      return "session";
    case ConfineStep::label:
      return "label";
    case ConfineStep::namespaces:
      return "namespaces";
    case ConfineStep::root:
      return "root";
    case ConfineStep::ids:
      return "ids";
    case ConfineStep::user_namespace:
      return "user-namespace";
    case ConfineStep::inner_ids:
      return "inner-ids";
    case ConfineStep::undumpable:
      return "undumpable";
    case ConfineStep::keyring:
      return "keyring";
    case ConfineStep::capabilities:
      return "capabilities";
    case ConfineStep::no_new_privileges:
      return "no-new-privileges";
    case ConfineStep::close_rest:
      return "close-rest";
    case ConfineStep::filters:
      return "filters";
    case ConfineStep::last_clone:
      return "last-clone";
    case ConfineStep::exec:
      return "exec";
  }
  return "unknown";
}

}  // namespace upcall::wire
