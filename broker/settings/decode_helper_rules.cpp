// SPDX-License-Identifier: Apache-2.0
// Rules on what the kernel starts by itself: on modules and on other helpers.
#include <concepts>

#include "settings/rule_keys.h"

namespace upcall::settings {
namespace {

// The kernel asks for names of at most so many bytes, and takes no longer ones (MODULE_NAME_LEN).
constexpr std::size_t kModuleName = 55;

bool is_module_name(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return name.size() <= kModuleName && !name.starts_with('-') && std::ranges::all_of(name, is_part);
}

std::string read_module(Reader& reader, const Value& value) {
  std::string module;
  reader.read_map(value, {{"load", [&](const Value& held) {
                             const auto name = reader.name(held);
                             if (!name) return;
                             if (!is_module_name(name->text))
                               reader.complain(name->place,
                                               quoted(name->text) + " is no name of a module");
                             module = name->text;
                           }}});
  return module;
}

Take asker_condition(Reader& reader, policy::AskedBy& out) {
  return [&reader, &out](const Value& held) {
    assign(out, reader.choice(held, std::map<std::string, policy::AskedBy>{
                                        {"user", policy::AskedBy::user},
                                        {"kernel", policy::AskedBy::kernel},
                                        {"unknown", policy::AskedBy::unknown}}));
  };
}

Take user_namespace_condition(Reader& reader, policy::UserNamespace& out) {
  return [&reader, &out](const Value& held) {
    assign(out, reader.choice(held, std::map<std::string, policy::UserNamespace>{
                                        {"host", policy::UserNamespace::host},
                                        {"child", policy::UserNamespace::child}}));
  };
}

// Who had the kernel start it, and what more there is.
template <class Rule, std::same_as<Key>... More>
void read_conditions(Reader& reader, const Value& when, RuleDraft<Rule>& out, More... more) {
  auto& match = out.rule.when;
  reader.read_map(when, {{"container", container_condition(reader, out.container)},
                         {"uid", id_condition(reader, match.uid)},
                         {"user_namespace", user_namespace_condition(reader, match.user_namespace)},
                         {"origin", asker_condition(reader, match.asker)},
                         {"exe", path_condition(reader, match.exe)},
                         {"tag", text_condition(reader, match.tag)},
                         std::move(more)...});
}

}  // namespace

RuleDraft<policy::ModuleRule> decode_module_rule(Reader& reader, RuleKeys keys) {
  const Value* const when = keys.when;
  const Value* const load = keys.load;
  auto out = draft_of<policy::ModuleRule>(std::move(keys));
  if (load != nullptr)
    out.rule.action = {.kind = policy::ActionKind::load, .module = read_module(reader, *load)};
  if (when == nullptr) return out;
  auto& match = out.rule.when;
  read_conditions(reader, *when, out, Key{"alias", text_condition(reader, match.alias)},
                  Key{"module", text_condition(reader, match.module)});
  return out;
}

RuleDraft<policy::HelperRule> decode_helper_rule(Reader& reader, RuleKeys keys) {
  const Value* const when = keys.when;
  auto out = draft_of<policy::HelperRule>(std::move(keys));
  if (when == nullptr) return out;
  auto& match = out.rule.when;
  read_conditions(reader, *when, out, Key{"path", path_condition(reader, match.path)},
                  Key{"argument", text_condition(reader, match.argument)},
                  Key{"cgroup", path_condition(reader, match.cgroup)});
  return out;
}

void decode_release_agents(Reader& reader, const Value& value, Draft& draft) {
  reader.read_one_or_more(value, [&](const Value& item) {
    const auto name = reader.name(item);
    if (!name || !declare(reader, draft.release_agent_places, *name)) return;
    const bool absolute = name->text.starts_with('/') && !name->text.ends_with('/');
    if (!absolute || name->text.size() > kMaxReleaseAgent) {
      reader.complain(name->place,
                      "expected where a cgroup hierarchy of version 1 is mounted, or a cgroup of "
                      "version 2, an absolute path of at most " +
                          std::to_string(kMaxReleaseAgent) + " bytes");
    } else if (draft.release_agents.size() == kMaxReleaseAgents) {
      reader.complain(name->place, "no more than " + std::to_string(kMaxReleaseAgents) +
                                       " places can be listed here");
    } else {
      draft.release_agents.push_back(name->text);
    }
  });
}

}  // namespace upcall::settings
