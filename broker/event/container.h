// SPDX-License-Identifier: Apache-2.0
// A container as its runtime has it on record.
#pragma once

#include <map>
#include <string>

namespace upcall::event {

// Whatever is not known is empty. The texts are the choice of whoever made the container.
struct Container {
  std::string runtime;  // the most telling manager that is known: podman rather than crun
  std::string id;
  std::string name;
  std::string image;
  std::string pod;
  std::string pod_namespace;
  std::map<std::string, std::string> labels;  // annotations, too

  friend bool operator==(const Container&, const Container&) = default;
};

}  // namespace upcall::event
