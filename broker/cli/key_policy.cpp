// SPDX-License-Identifier: Apache-2.0
#include "cli/key_policy.h"

#include <map>
#include <optional>

#include "wire/argument_field.h"

namespace upcall::cli {
namespace {

constexpr const char* kHead =
    "# From request-key.conf(5), by 'upcallctl import request-key.conf'. What no line asks for is\n"
    "# left to later rules and to 'defaults'.\n"
    "version: 1\n";
// All that a request has; request-key itself knows no limit.
constexpr const char* kHandlerOptions = "in: host, timeout: 100s";
// What the kernel does with a key that nobody has answered.
constexpr const char* kNegative = "negative: {errno: ENOKEY, for: 60s}";

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// The field of a handler's argument that a macro stands for.
std::optional<std::string> field_of(char macro) {
  static const std::map<char, std::string> kFields = {{'k', "key"},
                                                      {'t', "key_type"},
                                                      {'d', "key_description"},
                                                      {'c', "key_callout"},
                                                      {'u', "uid"},
                                                      {'g', "gid"},
                                                      {'T', "thread_keyring"},
                                                      {'P', "process_keyring"},
                                                      {'S', "session_keyring"}};
  const auto field = kFields.find(macro);
  if (field == kFields.end()) return {};
  return '{' + field->second + '}';
}

// One word of a command: what it is to us, or why it is nothing.
struct Translated {
  std::string text;
  std::string obstacle;
};

Translated translate_argument(const std::string& word) {
  if (wire::field_of(word))
    return {.obstacle = word + " would be a field of ours, and is none of request-key's macros"};
  if (!word.starts_with('%')) return {.text = word};
  if (word.starts_with("%%")) return {.text = word.substr(1)};
  if (word == "%o") return {.text = "create"};
  if (word.starts_with("%{"))
    return {.obstacle = word + " is read from a key of the requester's, which no argument can be"};
  if (word.size() > 2) return {.text = word};
  const auto field = word.size() == 2 ? field_of(word[1]) : std::nullopt;
  if (field) return {.text = *field};
  return {.obstacle = word + " is no macro: request-key fails here"};
}

// The command as a YAML list; the first word, the path, has no macros.
Translated translate_command(const ConfLine& line) {
  std::string list = '[' + quoted(line.command.front());
  for (std::size_t i = 1; i < line.command.size(); ++i) {
    auto argument = translate_argument(line.command[i]);
    if (!argument.obstacle.empty()) return argument;
    list += ", " + quoted(argument.text);
  }
  return {.text = list + ']'};
}

std::string conditions(const Patterns& patterns) {
  static constexpr std::array<const char*, kColumns> kNames = {"type", "description", "callout"};
  std::string out;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (patterns.at(i).matches_all()) continue;
    out += (out.empty() ? "" : ", ") + std::string{kNames.at(i)} + ": " +
           quoted(patterns.at(i).glob());
  }
  return out.empty() ? out : "when: {" + out + "}, ";
}

// The handlers of all lines, each under the name that rules have for it.
class Handlers {
 public:
  explicit Handlers(Conf& conf) {
    for (const auto& line : conf.lines) add(line, conf);
  }

  [[nodiscard]] std::string yaml() const { return yaml_.empty() ? yaml_ : "\nhandlers:\n" + yaml_; }
  // Nothing where the stock helper must do it.
  [[nodiscard]] std::optional<std::string> name_of(const ConfLine& line) const {
    const auto name = names_.find(&line);
    if (name == names_.end()) return {};
    return name->second;
  }

 private:
  void add(const ConfLine& line, Conf& conf) {
    const auto command = translate_command(line);
    if (!command.obstacle.empty()) {
      conf.notes.push_back({line.place, command.obstacle + "; left to the stock helper"});
      return;
    }
    const auto name = "request-key-" + std::to_string(names_.size() + 1);
    names_.emplace(&line, name);
    const std::string authority = line.pipe ? "" : ", authority: true";
    yaml_ += "  # " + line.place + "\n  " + name + ": {run: " + command.text + ", " +
             kHandlerOptions + authority + "}\n";
  }

  std::map<const ConfLine*, std::string> names_;
  std::string yaml_;
};

// A name that no other rule has: a line may have several.
std::string rule_name(const ConfLine& line, std::map<const ConfLine*, int>& uses) {
  const int use = ++uses[&line];
  return use == 1 ? line.place : line.place + " (" + std::to_string(use) + ")";
}

}  // namespace

std::string key_policy(Conf& conf) {
  const Handlers handlers{conf};
  std::string rules;
  std::map<const ConfLine*, int> uses;
  for (const auto& match : best_first(conf.lines)) {
    const auto handler = handlers.name_of(*match.line);
    rules += "  - {name: " + quoted(rule_name(*match.line, uses)) + ", on: request-key, " +
             conditions(match.patterns) +
             "do: " + (handler ? *handler + ", " + kNegative : std::string{"pass"}) + "}\n";
  }
  return kHead + handlers.yaml() + (rules.empty() ? "" : "\nrules:\n" + rules);
}

}  // namespace upcall::cli
