// SPDX-License-Identifier: Apache-2.0
#include "container_options.h"

#include <getopt.h>

#include <array>

#include "descriptors.h"

namespace upcall::testing {
namespace {

// "HOST:INSIDE[:MODE]"
Placement parse_placement(std::string_view text) {
  Placement placement;
  placement.host = take_until(text, ':');
  placement.inside = take_until(text, ':');
  if (!text.empty()) placement.mode = must_parse<mode_t>(std::string{text}, 8);
  errno = EINVAL;
  must(!placement.host.empty() && placement.inside.starts_with('/'), "place " + placement.host);
  return placement;
}

constexpr auto kOptions = std::to_array<option>({{"control", required_argument, nullptr, 'c'},
                                                 {"name", required_argument, nullptr, 'n'},
                                                 {"no-user", no_argument, nullptr, 'U'},
                                                 {"uid", required_argument, nullptr, 'u'},
                                                 {"capabilities", required_argument, nullptr, 'C'},
                                                 {"nnp", no_argument, nullptr, 'p'},
                                                 {"read-only", no_argument, nullptr, 'r'},
                                                 {"crash-size", required_argument, nullptr, 's'},
                                                 {"bind", required_argument, nullptr, 'b'},
                                                 {"file", required_argument, nullptr, 'f'},
                                                 {nullptr, 0, nullptr, 0}});

}  // namespace

ContainerOptions parse_container_options(int argc, char** argv) {
  ContainerOptions options;
  for (int c = 0; (c = getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1;) {
    switch (c) {
      case 'c':
        options.control = optarg;
        break;
      case 'n':
        options.name = optarg;
        break;
      case 'U':
        options.user_namespace = false;
        break;
      case 'u':
        options.uid = must_parse<uid_t>(optarg);
        break;
      case 'C':
        options.capabilities = must_parse<std::uint64_t>(optarg, 16);
        break;
      case 'p':
        options.no_new_privs = true;
        break;
      case 'r':
        options.read_only = true;
        break;
      case 's':
        options.crash_size = optarg;
        break;
      case 'b':
        options.binds.push_back(parse_placement(optarg));
        break;
      case 'f':
        options.files.push_back(parse_placement(optarg));
        break;
      default:
        errno = EINVAL;
        must(false, "understand the options");
    }
  }
  errno = EINVAL;
  must(!options.control.empty() && optind == argc, "make a container without --control=PATH");
  return options;
}

}  // namespace upcall::testing
