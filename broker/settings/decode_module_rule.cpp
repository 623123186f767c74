// SPDX-License-Identifier: Apache-2.0
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

void read_conditions(Reader& reader, const Value& value, RuleDraft<policy::ModuleRule>& out) {
  auto& when = out.rule.when;
  const std::map<std::string, policy::ModuleAsker> askers{
      {"user", policy::ModuleAsker::user},
      {"kernel", policy::ModuleAsker::kernel},
      {"unknown", policy::ModuleAsker::unknown}};
  const std::map<std::string, policy::UserNamespace> user_namespaces{
      {"host", policy::UserNamespace::host}, {"child", policy::UserNamespace::child}};
  reader.read_map(
      value,
      {{"container", container_condition(reader, out.container)},
       {"uid", id_condition(reader, when.uid)},
       {"user_namespace",
        [&](const Value& held) {
          assign(when.user_namespace, reader.choice(held, user_namespaces));
        }},
       {"origin", [&](const Value& held) { assign(when.asker, reader.choice(held, askers)); }},
       {"alias", text_condition(reader, when.alias)},
       {"module", text_condition(reader, when.module)},
       {"exe", condition(reader, when.exe,
                         [&](const Value& item) { return read_path_glob(reader, item); })},
       {"tag", text_condition(reader, when.tag)}});
}

}  // namespace

RuleDraft<policy::ModuleRule> decode_module_rule(Reader& reader, RuleKeys keys) {
  const Value* const conditions = keys.when;
  const Value* const load = keys.load;
  auto out = draft_of<policy::ModuleRule>(std::move(keys));
  if (load != nullptr)
    out.rule.action = {.kind = policy::ActionKind::load, .module = read_module(reader, *load)};
  if (conditions != nullptr) read_conditions(reader, *conditions, out);
  return out;
}

}  // namespace upcall::settings
