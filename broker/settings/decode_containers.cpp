// SPDX-License-Identifier: Apache-2.0
#include "settings/draft.h"

namespace upcall::settings {
namespace {

using policy::ContainerSelector;
using policy::UserNamespace;

const std::map<std::string, UserNamespace>& user_namespaces() {
  static const std::map<std::string, UserNamespace> kChoices{
      {"host", UserNamespace::host}, {"child", UserNamespace::child}, {"any", UserNamespace::any}};
  return kChoices;
}

ContainerSelector decode_container(Reader& reader, const Name& name, const Value& value) {
  ContainerSelector out{.name = name.text};
  bool selects = value.kind != Value::Kind::map;  // which is a mistake already
  const auto keep_cgroup = [&](const Value& held) {
    assign(out.cgroup, read_path_glob(reader, held));
    selects = true;
  };
  const auto keep_user_namespace = [&](const Value& held) {
    assign(out.user_namespace, reader.choice(held, user_namespaces()));
    selects = true;
  };
  const auto keep_anonymous = [&](const Value& held) {
    const auto anonymous = reader.boolean(held);
    assign(out.anonymous, anonymous);
    selects = selects || anonymous.value_or(true);
  };
  reader.read_map(value, {{"cgroup", keep_cgroup},
                          {"user_namespace", keep_user_namespace},
                          {"anonymous", keep_anonymous}});
  if (!selects) {
    reader.complain(name.place,
                    "container " + quoted(name.text) +
                        " says nothing of its processes: give 'cgroup', 'user_namespace' "
                        "or 'anonymous: true'");
  }
  return out;
}

}  // namespace

void decode_containers(Reader& reader, const Value& value, Draft& draft) {
  reader.read_entries(value, [&](const Name& name, const Value& held) {
    check_name(reader, name, {"host"});
    declare(reader, draft.container_places, name);
    draft.containers.push_back(decode_container(reader, name, held));
  });
}

}  // namespace upcall::settings
