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

void decode_labels(Reader& reader, const Value& value, policy::RecordMatch& out) {
  reader.read_entries(value, [&](const Name& name, const Value& held) {
    if (auto glob = reader.text(held)) out.labels.emplace(name.text, *std::move(glob));
  });
}

class ContainerDecoder {
 public:
  ContainerDecoder(Reader& reader, std::string name)
      : reader_{reader}, out_{.name = std::move(name)} {}

  void decode(const Value& value) {
    selects_ = value.kind != Value::Kind::map;  // which is a mistake already
    const auto take_text = [this](std::string policy::RecordMatch::*field) {
      return [this, field](const Value& held) { assign(record().*field, reader_.text(held)); };
    };
    reader_.read_map(
        value, {{"cgroup", [this](const Value& held) { take_cgroup(held); }},
                {"user_namespace", [this](const Value& held) { take_user_namespace(held); }},
                {"anonymous", [this](const Value& held) { take_anonymous(held); }},
                {"runtime", [this](const Value& held) { take_runtime(held); }},
                {"name", take_text(&policy::RecordMatch::name)},
                {"image", take_text(&policy::RecordMatch::image)},
                {"pod", take_text(&policy::RecordMatch::pod)},
                {"namespace", take_text(&policy::RecordMatch::pod_namespace)},
                {"labels", [this](const Value& held) { decode_labels(reader_, held, record()); }}});
  }

  // Complains of a selector that could mean anything or nothing.
  [[nodiscard]] ContainerSelector finish(const Place& place) {
    if (!selects_) {
      reader_.complain(place, "container " + quoted(out_.name) +
                                  " says nothing of its processes: give 'cgroup', "
                                  "'user_namespace', 'runtime', 'name', 'image', 'pod', "
                                  "'namespace', 'labels' or 'anonymous: true'");
    }
    if (out_.anonymous && out_.record) {
      reader_.complain(place, "container " + quoted(out_.name) +
                                  " can never be: 'anonymous: true' is for those without the "
                                  "record that its other keys ask for");
    }
    return std::move(out_);
  }

 private:
  void take_cgroup(const Value& held) {
    assign(out_.cgroup, read_path_glob(reader_, held));
    selects_ = true;
  }
  void take_user_namespace(const Value& held) {
    assign(out_.user_namespace, reader_.choice(held, user_namespaces()));
    selects_ = true;
  }
  void take_anonymous(const Value& held) {
    const auto anonymous = reader_.boolean(held);
    assign(out_.anonymous, anonymous);
    selects_ = selects_ || anonymous.value_or(true);
  }
  void take_runtime(const Value& held) {
    auto& runtimes = record().runtime;
    reader_.read_one_or_more(held, [&](const Value& one) {
      if (auto glob = reader_.text(one)) runtimes.push_back(*std::move(glob));
    });
  }
  policy::RecordMatch& record() {
    selects_ = true;
    return out_.record ? *out_.record : out_.record.emplace();
  }

  Reader& reader_;
  ContainerSelector out_;
  bool selects_{};
};

}  // namespace

void decode_containers(Reader& reader, const Value& value, Draft& draft) {
  reader.read_entries(value, [&](const Name& name, const Value& held) {
    check_name(reader, name, {"host"});
    declare(reader, draft.container_places, name);
    ContainerDecoder decoder{reader, name.text};
    decoder.decode(held);
    draft.containers.push_back(decoder.finish(name.place));
  });
}

}  // namespace upcall::settings
