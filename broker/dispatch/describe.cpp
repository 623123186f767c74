// SPDX-License-Identifier: Apache-2.0
#include "dispatch/describe.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "event/signal_name.h"

namespace upcall::dispatch {
namespace {

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 24> text{};
  (void)std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

class Description {
 public:
  explicit Description(Fields fields) : fields_{std::move(fields)} {}
  void add(const char* name, std::string value) { fields_.emplace_back(name, std::move(value)); }
  template <class T>
  void add_known(const char* name, const std::optional<T>& value) {
    if (value) add(name, std::to_string(*value));
  }
  Fields& fields() { return fields_; }

 private:
  Fields fields_;
};

void add_ids(Description& out, const event::Origin& origin, policy::Place place) {
  if (origin.is_init) out.add("init", "1");
  if (place == policy::Place::container) {
    out.add_known("pid", origin.inner_pid);
    out.add_known("tid", origin.inner_tid);
    out.add_known("uid", origin.inner_uid);
    out.add_known("gid", origin.inner_gid);
    return;
  }
  out.add("pid", std::to_string(origin.pid));
  out.add("tid", std::to_string(origin.tid));
  out.add("uid", std::to_string(origin.uid));
  out.add("gid", std::to_string(origin.gid));
  out.add_known("inner_pid", origin.inner_pid);
  out.add_known("inner_tid", origin.inner_tid);
  out.add("cgroup", origin.cgroup);
  out.add("verdict", event::name_of(origin.verdict));
  if (!origin.tag.empty()) out.add("tag", origin.tag);
}

void add_core_dump(Description& out, const event::CoreDump& dump) {
  if (dump.signal) out.add("signal", event::signal_name(*dump.signal));
  out.add_known("signal_number", dump.signal);
  out.add_known("signal_code", dump.code);
  if (dump.address) out.add("address", hexadecimal(*dump.address));
  out.add("dumpable", std::to_string(static_cast<int>(dump.dumpable)));
  out.add("core_limit", dump.core_limit == UINT64_MAX ? std::string{"unlimited"}
                                                      : std::to_string(dump.core_limit));
}

// A callout with a NUL in it, or one of the kernel's own that is longer than a page, is only on the
// handler's standard input.
void add_key_request(Description& out, const event::KeyRequest& key) {
  constexpr std::size_t kPage = 4096;
  out.add("key", std::to_string(key.key));
  out.add("key_type", key.type);
  out.add("key_description", key.description);
  if (key.callout.size() <= kPage && key.callout.find('\0') == std::string::npos)
    out.add("key_callout", key.callout);
  out.add("key_destination", key.destination);
  out.add("key_origin", key.by_kernel ? "kernel" : "user");
  out.add("thread_keyring", std::to_string(key.thread_keyring));
  out.add("process_keyring", std::to_string(key.process_keyring));
  out.add("session_keyring", std::to_string(key.session_keyring));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void add_module_request(Description& out, const event::ModuleRequest& request) {
  out.add("module_alias", request.alias);
  if (!request.modules.empty()) out.add("modules", joined(request.modules));
  out.add("module_origin", event::name_of(request.asker));
}

void add_helper_request(Description& out, const event::HelperRequest& request) {
  out.add("helper_path", request.path);
  out.add("helper_arguments", joined(request.arguments));
  out.add("helper_origin", event::name_of(request.asker));
}

}  // namespace

void add_known(Fields& fields, const char* name, std::string_view value) {
  if (!value.empty()) fields.emplace_back(name, value);
}

void add_record(Fields& fields, const event::Container& container) {
  add_known(fields, "runtime", container.runtime);
  add_known(fields, "container_id", container.id);
  add_known(fields, "container_name", container.name);
  add_known(fields, "image", container.image);
  add_known(fields, "pod", container.pod);
  add_known(fields, "pod_namespace", container.pod_namespace);
}

std::string decimal_seconds(std::chrono::system_clock::time_point time) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%lld.%06lld",
                      static_cast<long long>(micros / 1'000'000),
                      static_cast<long long>(micros % 1'000'000));
  return text.data();
}

Fields describe(const Head& head) {
  return {{"version", "1"},
          {"event", head.kind},
          {"id", std::to_string(static_cast<std::uint64_t>(head.id))},
          {"time", decimal_seconds(head.time)},
          {"rule", head.rule},
          {"handler", head.handler}};
}

Fields describe(const event::Event& event, const policy::Decision& decision,
                const std::string& handler, policy::Place place) {
  Description out{describe(Head{.kind = event::kind_of(event),
                                .id = event.id,
                                .time = event.time,
                                .rule = decision.rule,
                                .handler = handler})};
  if (!decision.container.empty()) out.add("container", decision.container);
  if (event.origin.container) add_record(out.fields(), *event.origin.container);
  add_ids(out, event.origin, place);
  out.add("comm", event.origin.comm);
  out.add("exe", event.origin.exe);
  out.add("host_name", event.origin.host_name);
  if (const auto* dump = std::get_if<event::CoreDump>(&event.detail)) add_core_dump(out, *dump);
  if (const auto* key = std::get_if<event::KeyRequest>(&event.detail)) add_key_request(out, *key);
  if (const auto* module = std::get_if<event::ModuleRequest>(&event.detail))
    add_module_request(out, *module);
  if (const auto* helper = std::get_if<event::HelperRequest>(&event.detail))
    add_helper_request(out, *helper);
  return std::move(out.fields());
}

std::vector<std::string> to_environment(const Fields& fields) {
  std::vector<std::string> environment;
  environment.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    std::string variable = "UPCALL_";
    for (const char c : name)
      variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    variable.append("=").append(value);
    environment.push_back(std::move(variable));
  }
  return environment;
}

std::string to_json(const Fields& fields, const event::Event& event) {
  nlohmann::ordered_json document;
  for (const auto& [name, value] : fields) document[name] = value;
  auto& namespaces = document["namespaces"];
  for (std::size_t i = 0; i < event::kNamespaces; ++i) {
    namespaces[event::kNamespaceNames[i]] = event.origin.namespaces[i];
  }
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  return document.dump(-1, ' ', false, kReplace) + "\n";
}

Briefing brief(const event::Event& event, const policy::Decision& decision,
               const policy::Handler& handler) {
  Briefing out{.fields = describe(event, decision, handler.name, handler.place)};
  if (handler.briefed) out.document = to_json(out.fields, event);
  return out;
}

}  // namespace upcall::dispatch
