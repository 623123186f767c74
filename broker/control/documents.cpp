// SPDX-License-Identifier: Apache-2.0
#include "control/documents.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace upcall::control {
namespace {

using Json = nlohmann::ordered_json;

// By the bits of wire::DisclosureRule; docs/THREAT-MODEL.md has them in full.
constexpr std::array kRules = {
    "its user namespace is the container's or below it",
    "its PID namespace is the container's or below it",
    "its mount namespace is the container's, or was made inside",
    "it holds no more capabilities than the container may",
    "its cgroup is the container's or below it",
    "it is dumpable as usual, not set-uid and not a runtime's own process",
    "its seccomp filters and no_new_privs are no weaker than the container's",
    "the container is confined: it does not share the host's PIDs and users with CAP_SYS_PTRACE",
};

std::string text_of(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string line_of(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

template <class T>
void add_known(Json& out, const char* name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}

void add_known(Json& out, const char* name, const std::string& value) {
  if (!value.empty()) out[name] = value;
}

void add_names(Json& out, const event::Container& container) {
  out["runtime"] = container.runtime;
  out["id"] = container.id;
  add_known(out, "name", container.name);
  add_known(out, "image", container.image);
  add_known(out, "pod", container.pod);
  add_known(out, "pod_namespace", container.pod_namespace);
  if (!container.labels.empty()) out["labels"] = container.labels;
}

Json process_of(const event::Origin& origin) {
  Json out{{"pid", origin.pid}, {"comm", origin.comm}, {"exe", origin.exe},
           {"uid", origin.uid}, {"gid", origin.gid},   {"host_name", origin.host_name}};
  add_known(out, "cgroup", origin.cgroup);
  add_known(out, "tag", origin.tag);
  add_known(out, "inner_pid", origin.inner_pid);
  add_known(out, "inner_uid", origin.inner_uid);
  add_known(out, "inner_gid", origin.inner_gid);
  return out;
}

Json rules_of(const event::Origin& origin) {
  auto out = Json::array();
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    out.push_back({{"rule", "D" + std::to_string(i + 1)},
                   {"holds", (origin.failed_rules >> i & 1U) == 0},
                   {"says", kRules.at(i)}});
  }
  return out;
}

// Of what the kernel shows nobody, as the init of the host to a broker without privileges: null.
Json id_of(std::uint64_t inode) { return inode != 0 ? Json(inode) : Json(nullptr); }

Json namespaces_of(const event::Origin& origin, bool has_container) {
  Json out;
  for (std::size_t i = 0; i < event::kNamespaces; ++i) {
    auto& ids = out[event::kNamespaceNames.at(i)];
    ids["process"] = id_of(origin.namespaces.at(i));
    if (has_container) ids["container"] = id_of(origin.container_namespaces.at(i));
    ids["host"] = id_of(origin.host_namespaces.at(i));
  }
  return out;
}

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 20> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

Json template_of(const Whose& whose) {
  Json out{{"pid", whose.init}};
  if (!whose.init_status) return out;
  const auto& status = *whose.init_status;
  out["uid"] = status.effective_uid;
  out["gid"] = status.effective_gid;
  out["groups"] = status.groups;
  out["capabilities"] = hexadecimal(status.permitted & status.bounding);
  out["no_new_privileges"] = status.no_new_privileges;
  out["seccomp_filters"] = status.seccomp_filters;
  return out;
}

}  // namespace

std::string containers_document(const std::map<std::string, origin::Record>& running) {
  auto list = Json::array();
  for (const auto& [path, record] : running) {
    Json one;
    add_names(one, record.container);
    one["init"] = record.init;
    add_known(one, "start_time", record.start_time);
    add_known(one, "cgroup", record.cgroup);
    one["record"] = path;
    list.push_back(std::move(one));
  }
  return text_of({{"containers", std::move(list)}});
}

std::string whois_document(const Whose& whose) {
  const auto& origin = whose.origin;
  const bool has_container = whose.init != 0;
  Json out;
  out["process"] = process_of(origin);
  out["verdict"] = event::name_of(origin.verdict);
  if (has_container) out["rules"] = rules_of(origin);
  if (origin.container) add_names(out["container"], *origin.container);
  add_known(out, "selector", whose.selector);
  out["namespaces"] = namespaces_of(origin, has_container);
  if (has_container) out["template"] = template_of(whose);
  return text_of(out);
}

std::string uevent_document(const event::Uevent& event, const policy::UeventRule* rule,
                            const dispatch::DeviceOwner* owner) {
  Json out{{"class", event::name_of(event.origin)},
           {"action", event.action},
           {"devpath", event.devpath},
           {"subsystem", event.subsystem}};
  if (event.sender > 0 && owner == nullptr) out["sender"] = event.sender;
  if (owner != nullptr) {
    add_names(out["container"], owner->record.container);
    out["selector"] = owner->selector;
  }
  add_known(out, "seqnum", event.sequence);
  auto& variables = out["variables"] = Json::object();
  event::for_each_variable(event.variables, [&](std::string_view name, std::string_view value) {
    if (!variables.contains(name)) variables[std::string{name}] = value;
  });
  out["rule"] = rule != nullptr ? Json(rule->name) : Json();
  out["do"] = rule != nullptr && !rule->handlers.empty() ? "run" : "ignore";
  return line_of(out);
}

std::string lost_document(std::uint64_t count, const char* by) {
  return line_of({{"lost", count}, {"by", by}});
}

std::string error_document(const std::string& why) { return text_of({{"error", why}}); }

}  // namespace upcall::control
