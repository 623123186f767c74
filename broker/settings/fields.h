// SPDX-License-Identifier: Apache-2.0
// The fields that an argument `{field}` of a handler may name: docs/handler-protocol.md.
#pragma once

#include <array>
#include <string_view>

namespace upcall::settings {

enum class ToldTo : std::uint8_t { every_handler, host_handlers };

struct Field {
  std::string_view name;
  ToldTo told_to{ToldTo::every_handler};
};

// Each variable of a uevent is a field as well: "uevent_ifindex" for IFINDEX.
inline constexpr std::string_view kUeventVariable = "uevent_";

inline constexpr std::array kFields{Field{"event"},
                                    Field{"id"},
                                    Field{"time"},
                                    Field{"rule"},
                                    Field{"handler"},
                                    Field{"container"},
                                    Field{"runtime"},
                                    Field{"container_id"},
                                    Field{"container_name"},
                                    Field{"image"},
                                    Field{"pod"},
                                    Field{"pod_namespace"},
                                    Field{"init"},
                                    Field{"pid"},
                                    Field{"tid"},
                                    Field{"uid"},
                                    Field{"gid"},
                                    Field{"comm"},
                                    Field{"exe"},
                                    Field{"host_name"},
                                    Field{"signal"},
                                    Field{"signal_number"},
                                    Field{"signal_code"},
                                    Field{"address"},
                                    Field{"dumpable"},
                                    Field{"core_limit"},
                                    Field{"key"},
                                    Field{"key_type"},
                                    Field{"key_description"},
                                    Field{"key_callout"},
                                    Field{"key_destination"},
                                    Field{"key_origin"},
                                    Field{"thread_keyring"},
                                    Field{"process_keyring"},
                                    Field{"session_keyring"},
                                    Field{"action"},
                                    Field{"class"},
                                    Field{"devpath"},
                                    Field{"devpath_old"},
                                    Field{"devtype"},
                                    Field{"driver"},
                                    Field{"subsystem"},
                                    Field{"module_alias"},
                                    Field{"modules"},
                                    Field{"module_origin"},
                                    Field{"helper_path"},
                                    Field{"helper_arguments"},
                                    Field{"helper_origin"},
                                    Field{"inner_pid", ToldTo::host_handlers},
                                    Field{"inner_tid", ToldTo::host_handlers},
                                    Field{"cgroup", ToldTo::host_handlers},
                                    Field{"tag", ToldTo::host_handlers},
                                    Field{"verdict", ToldTo::host_handlers}};

}  // namespace upcall::settings
