// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include <cap-ng.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace upcall::cli {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t kIdLength = 12;     // as container runtimes shorten them
constexpr std::size_t kLabelColumn = 12;  // of whois
constexpr int kNumberBase = 16;

// A value as text, empty for one that is not there, "unknown" for one that nobody knows.
std::string text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_null()) return "unknown";
  return found->is_string() ? printable(found->get<std::string>()) : found->dump();
}

std::string padded(std::string field, std::size_t width) {
  field.resize(std::max(field.size(), width), ' ');
  return field;
}

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string all;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += padded(row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    all += line + "\n";
  }
  return all;
}

std::string line(const char* label, const std::string& value) {
  return padded(label, kLabelColumn) + value + "\n";
}

std::string line_if(const char* label, const std::string& value) {
  return value.empty() ? "" : line(label, value);
}

std::string show_process(const Json& process) {
  auto out = line("process", text(process, "pid") + " \"" + text(process, "comm") + "\", uid " +
                                 text(process, "uid") + ", gid " + text(process, "gid"));
  if (process.contains("inner_pid")) {
    auto inside = text(process, "inner_pid");
    if (process.contains("inner_uid")) inside += ", uid " + text(process, "inner_uid");
    if (process.contains("inner_gid")) inside += ", gid " + text(process, "inner_gid");
    out += line("  inside", inside);
  }
  return out + line_if("exe", text(process, "exe")) + line_if("cgroup", text(process, "cgroup")) +
         line_if("tag", text(process, "tag"));
}

std::string show_container(const Json& document) {
  const auto found = document.find("container");
  if (found == document.end()) {
    const bool inside = text(document, "verdict") == "in-container";
    return inside ? line("container", "on no runtime's record") : "";
  }
  auto names = text(*found, "runtime") + " " + text(*found, "id");
  for (const char* key : {"name", "image", "pod", "pod_namespace"}) {
    if (found->contains(key)) names += std::string{", "} + key + " " + text(*found, key);
  }
  return line("container", names);
}

std::string show_verdict(const Json& document) {
  const auto verdict = text(document, "verdict");
  auto out = line("verdict", verdict == "in-container" ? verdict + ": the container's policy holds"
                                                       : verdict + ": the host's policy holds");
  for (const auto& rule : document.value("rules", Json::array())) {
    const bool holds = rule.value("holds", false);
    out += line("", text(rule, "rule") + (holds ? "  yes  " : "  NO   ") + text(rule, "says"));
  }
  return out;
}

std::string show_selector(const Json& document) {
  const auto selector = text(document, "selector");
  return line("policy", selector.empty() ? "in none of its containers" : selector);
}

std::string show_namespaces(const Json& namespaces, bool has_container) {
  std::vector<Row> rows{{"namespaces", "process"}};
  if (has_container) rows.front().emplace_back("container");
  rows.front().emplace_back("host");
  for (const auto& [kind, ids] : namespaces.items()) {
    const auto own = text(ids, "process");
    Row row{"  " + kind, own};
    for (const char* whose : {"container", "host"}) {
      if (!ids.contains(whose)) continue;
      const auto id = text(ids, whose);
      row.push_back(id == own && !ids.at(whose).is_null() ? "the same" : id);
    }
    rows.push_back(std::move(row));
  }
  return table(rows);
}

std::string capability_names(const std::string& hexadecimal) {
  const auto set = parse_integer<std::uint64_t>(hexadecimal, kNumberBase).value_or(0);
  std::string names;
  constexpr unsigned kMost = 64;
  for (unsigned number = 0; number < kMost; ++number) {
    if ((set >> number & 1U) == 0) continue;
    const char* name = ::capng_capability_to_name(number);
    names += (names.empty() ? "" : " ") + (name != nullptr ? name : std::to_string(number));
  }
  return names.empty() ? "none" : names;
}

std::string show_template(const Json& document) {
  const auto found = document.find("template");
  if (found == document.end()) return {};
  auto out = line("template", "process " + text(*found, "pid") + ", the container's init: uid " +
                                  text(*found, "uid") + ", gid " + text(*found, "gid"));
  out += line("", "capabilities " + capability_names(text(*found, "capabilities")));
  out += line("", "no_new_privs " + text(*found, "no_new_privileges") + ", seccomp filters " +
                      text(*found, "seccomp_filters"));
  return out;
}

}  // namespace

std::string show_containers(const Json& document) {
  std::vector<Row> rows{{"RUNTIME", "ID", "NAME", "IMAGE", "POD", "INIT", "CGROUP"}};
  for (const auto& one : document.value("containers", Json::array())) {
    auto pod = text(one, "pod");
    if (one.contains("pod_namespace")) pod.insert(0, text(one, "pod_namespace") + "/");
    const auto id = text(one, "id");
    // Only what is a checksum is as good when it is cut.
    const bool checksum =
        id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
    rows.push_back({text(one, "runtime"), checksum ? id.substr(0, kIdLength) : id,
                    text(one, "name"), text(one, "image"), pod, text(one, "init"),
                    text(one, "cgroup")});
  }
  return table(rows);
}

std::string show_whois(const Json& document) {
  const bool has_container = document.contains("template");
  return show_process(document.value("process", Json::object())) + show_container(document) +
         show_selector(document) + show_verdict(document) +
         show_namespaces(document.value("namespaces", Json::object()), has_container) +
         show_template(document);
}

std::string show_uevent(const Json& document) {
  constexpr std::size_t kClassColumn = 10;
  constexpr std::size_t kActionColumn = 8;
  if (document.contains("lost")) {
    return text(document, "lost") + " lost by the " + text(document, "by") + "\n";
  }
  auto line = padded(text(document, "class"), kClassColumn) +
              padded(text(document, "action"), kActionColumn) + text(document, "devpath") + " (" +
              text(document, "subsystem") + ")";
  if (document.contains("sender")) line += " sender=" + text(document, "sender");
  if (document.contains("selector")) line += " container=" + text(document, "selector");
  const auto rule = document.find("rule");
  if (rule != document.end() && rule->is_string())
    line += " rule=\"" + text(document, "rule") + "\" " + text(document, "do");
  return line + "\n";
}

}  // namespace upcall::cli
