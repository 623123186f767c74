// SPDX-License-Identifier: Apache-2.0
#include "kernel/core_name.h"

#include <algorithm>

namespace upcall::kernel {
namespace {

enum class Target { file, program };

template <class Number>
std::string decimal(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : std::string{};
}

// A text of the process's choice as one component of a path: never empty, "." or "..", and without
// '/'.
std::string component(std::string text) {
  if (text == "." || text == "..") text[0] = '!';
  if (text.empty()) text = "!";
  std::ranges::replace(text, '/', '!');
  return text;
}

enum class ExePart { whole, base_name };

std::string exe(const CoreFacts& facts, ExePart part) {
  if (facts.exe.empty()) return component(facts.comm + " (path unknown)");
  if (part == ExePart::whole) return component(facts.exe);
  return component(facts.exe.substr(facts.exe.rfind('/') + 1));
}

std::string specifier(char letter, const CoreFacts& facts, Target target) {
  switch (letter) {
    case '%':
      return "%";
    case 'p':
      return decimal(facts.pid);
    case 'P':
      return decimal(facts.global_pid);
    case 'i':
      return decimal(facts.tid);
    case 'I':
      return decimal(facts.global_tid);
    case 'u':
      return decimal(facts.uid);
    case 'g':
      return decimal(facts.gid);
    case 'd':
      return decimal(facts.dumpable);
    case 's':
      return decimal(facts.signal);
    case 't':
      return decimal(facts.time);
    case 'c':
      return decimal(facts.core_limit);
    case 'C':
      return decimal(facts.cpu);
    case 'h':
      return component(facts.host_name);
    case 'e':
      return component(facts.comm);
    case 'f':
      return exe(facts, ExePart::base_name);
    case 'E':
      return exe(facts, ExePart::whole);
    case 'F':
      return target == Target::program ? "3" : "";
    default:
      return {};
  }
}

// Takes one element off the front: an ordinary character or a specifier, of which a '%' at the very
// end is none.
std::string take_element(std::string_view& pattern, const CoreFacts& facts, Target target) {
  const char first = pattern.front();
  pattern.remove_prefix(1);
  if (first != '%') return {first};
  if (pattern.empty()) return {};
  const char letter = pattern.front();
  pattern.remove_prefix(1);
  return specifier(letter, facts, target);
}

// isspace() of the kernel, which counts in Latin-1.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0'; }

bool has_specifier(std::string_view pattern, char letter) {
  for (auto at = pattern.find('%'); at < pattern.size(); at = pattern.find('%', at + 2)) {
    if (pattern.substr(at + 1, 1) == std::string_view{&letter, 1}) return true;
  }
  return false;
}

}  // namespace

std::string expand_core_file(std::string_view pattern, const CoreFacts& facts,
                             CoreUsesPid uses_pid) {
  const bool append_pid = uses_pid == CoreUsesPid::yes && !has_specifier(pattern, 'p');
  std::string name;
  while (!pattern.empty()) name += take_element(pattern, facts, Target::file);
  if (append_pid) name += "." + decimal(facts.pid);
  return name;
}

std::vector<std::string> expand_core_program(std::string_view pattern, const CoreFacts& facts) {
  pattern.remove_prefix(1);
  if (pattern.empty()) return {};
  // Blanks part the arguments before anything is expanded, so what a specifier brings stays in one.
  // Those before the first byte of the program's path part nothing.
  std::vector<std::string> arguments(1);
  bool after_space = false;
  while (!pattern.empty()) {
    if (is_space(pattern.front())) {
      after_space = arguments.size() > 1 || !arguments.front().empty();
      pattern.remove_prefix(1);
      continue;
    }
    if (after_space) arguments.emplace_back();
    after_space = false;
    arguments.back() += take_element(pattern, facts, Target::program);
  }
  return arguments;
}

bool wants_pidfd(std::string_view program_pattern) { return has_specifier(program_pattern, 'F'); }

}  // namespace upcall::kernel
