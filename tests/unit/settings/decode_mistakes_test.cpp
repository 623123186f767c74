// SPDX-License-Identifier: Apache-2.0
// One entry for each kind of mistake, with exactly what the administrator sees.
#include <gtest/gtest.h>

#include <sstream>

#include "settings/load.h"

namespace upcall::settings {
namespace {

std::string mistakes_in(const std::string& text) {
  const auto loaded = decode("p.yaml", text);
  const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded);
  if (found == nullptr) return "no mistake";
  std::string out;
  for (const auto& one : *found) out += render(one);
  return out;
}

struct Case {
  const char* text;
  const char* shown;
};

class Mistake : public ::testing::TestWithParam<Case> {};

TEST_P(Mistake, IsShownWithItsPlace) { EXPECT_EQ(mistakes_in(GetParam().text), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(
    Yaml, Mistake,
    ::testing::Values(
        Case{"",
             "p.yaml: the file is empty: a policy starts with 'version: 1'; remove a file of "
             "conf.d that is to say nothing\n"},
        Case{"# nothing\n",
             "p.yaml: the file is empty: a policy starts with 'version: 1'; remove a file of "
             "conf.d that is to say nothing\n"},
        Case{"---\n", "p.yaml:2:1: expected a map, not nothing\n"},
        Case{"version: 1\n---\nversion: 1\n",
             "p.yaml:3:1: a second document: a policy file has only one\nversion: 1\n^\n"},
        Case{"version: 1\nrules: [\n", "p.yaml:3:1: bad YAML: end of sequence flow not found\n"},
        Case{"version: 1\n  rules: x\n",
             "p.yaml:2:8: bad YAML: illegal map value\n  rules: x\n       ^\n"},
        Case{"version: 1\ndefaults:\n\tcoredump: pass\n",
             "p.yaml:3:10: bad YAML: illegal map value; the line is indented by a tab, and YAML "
             "takes spaces only\n coredump: pass\n         ^\n"},
        Case{"version: 1\nrules: *r\n",
             "p.yaml:2:8: bad YAML: the referenced anchor is not defined\nrules: *r\n       ^\n"},
        Case{"version: 1\nrules: &r [*r]\n",
             "p.yaml:2:12: an alias cannot contain itself\nrules: &r [*r]\n           ^\n"},
        Case{"just text\n", "p.yaml:1:1: expected a map, not text\njust text\n^\n"},
        Case{"version: 1\n[a]: b\n", "p.yaml:2:1: expected text, not a list\n[a]: b\n^\n"}));

INSTANTIATE_TEST_SUITE_P(
    TopLevel, Mistake,
    ::testing::Values(
        Case{"handlers: {}\n",
             "p.yaml:1:1: no 'version': start the file with 'version: 1'\nhandlers: {}\n^\n"},
        Case{"version: 2\n",
             "p.yaml:1:10: version '2' is not known; this upcalld reads version 1\nversion: 2\n    "
             "     ^\n"},
        Case{"version: 1\nrule: []\n",
             "p.yaml:2:1: unknown key 'rule'; did you mean 'rules'?\nrule: []\n^\n"},
        Case{"version: 1\nsomething: []\n",
             "p.yaml:2:1: unknown key 'something'; expected 'version', 'containers', 'runtimes', "
             "'handlers', "
             "'rules', 'release_agents' or "
             "'defaults'\nsomething: []\n^\n"},
        Case{"version: 1\nversion: 1\n",
             "p.yaml:2:1: 'version' is given twice; first at p.yaml:1:1\nversion: 1\n^\n"},
        Case{"version: 1\nrules: {a: b}\n",
             "p.yaml:2:8: expected a list, not a map\nrules: {a: b}\n       ^\n"},
        Case{"version: 1\nhandlers:\n",
             "p.yaml:2:1: expected a map, not nothing\nhandlers:\n^\n"}));

INSTANTIATE_TEST_SUITE_P(
    Containers, Mistake,
    ::testing::Values(
        Case{"version: 1\ncontainers: {Web: {anonymous: true}}\n",
             "p.yaml:2:14: 'Web' is no name: use a-z, 0-9 and, but for the start, '_', '.', '-'\n"
             "containers: {Web: {anonymous: true}}\n             ^\n"},
        Case{"version: 1\ncontainers: {host: {anonymous: true}}\n",
             "p.yaml:2:14: 'host' has a meaning of its own; take another name\n"
             "containers: {host: {anonymous: true}}\n             ^\n"},
        Case{"version: 1\ncontainers: {web: {}}\n",
             "p.yaml:2:14: container 'web' says nothing of its processes: give 'cgroup', "
             "'user_namespace', 'runtime', 'name', 'image', 'pod', 'namespace', 'labels' or "
             "'anonymous: true'\ncontainers: {web: {}}\n             ^\n"},
        Case{"version: 1\ncontainers: {web: {anonymous: false}}\n",
             "p.yaml:2:14: container 'web' says nothing of its processes: give 'cgroup', "
             "'user_namespace', 'runtime', 'name', 'image', 'pod', 'namespace', 'labels' or "
             "'anonymous: true'\ncontainers: {web: {anonymous: false}}\n             ^\n"},
        Case{"version: 1\ncontainers: {web: {anonymous: yes}}\n",
             "p.yaml:2:31: expected 'false' or 'true'\ncontainers: {web: {anonymous: yes}}\n       "
             "                       ^\n"},
        Case{"version: 1\ncontainers: {web: {user_namespace: childe}}\n",
             "p.yaml:2:36: expected 'any', 'child' or 'host'; did you mean 'child'?\n"
             "containers: {web: {user_namespace: childe}}\n                                   ^\n"},
        Case{"version: 1\ncontainers: {web: {cgroup: web-*}}\n",
             "p.yaml:2:28: 'web-*' matches no path: start it with '/' or '**' ('*' stops at '/')\n"
             "containers: {web: {cgroup: web-*}}\n                           ^\n"},
        Case{"version: 1\ncontainers: {web: {cgroup: ''}}\n",
             "p.yaml:2:28: text must not be empty here\ncontainers: {web: {cgroup: ''}}\n          "
             "                 ^\n"},
        Case{
            "version: 1\ncontainers: {web: {anonymous: true, name: x}}\n",
            "p.yaml:2:14: container 'web' can never be: 'anonymous: true' is for those without the "
            "record that its other keys ask for\ncontainers: {web: {anonymous: true, name: x}}\n   "
            " "
            "         ^\n"},
        Case{"version: 1\ncontainers: {web: {labels: [a]}}\n",
             "p.yaml:2:28: expected a map, not a list\ncontainers: {web: {labels: [a]}}\n          "
             "  "
             "               ^\n"},
        Case{"version: 1\nruntimes: {crunn: /run/crun}\n",
             "p.yaml:2:12: expected 'containerd', 'crun', 'docker', 'nspawn', 'podman' or 'runc'; "
             "did you mean "
             "'crun'?\nruntimes: {crunn: /run/crun}\n           ^\n"},
        Case{
            "version: 1\nruntimes: {crun: run}\n",
            "p.yaml:2:18: expected an absolute path, such as /run/crun\nruntimes: {crun: run}\n    "
            "             ^\n"},
        Case{"version: 1\ncontainers: {web: [a]}\n",
             "p.yaml:2:19: expected a map, not a list\ncontainers: {web: [a]}\n                  "
             "^\n"},
        Case{"version: 1\ncontainers:\n  web: {anonymous: true}\n  web: {anonymous: true}\n",
             "p.yaml:4:3: 'web' is given twice; first at p.yaml:3:3\n  web: {anonymous: true}\n  "
             "^\n"}));

// A handler `h` with these keys, in line 2 from column 16.
std::string handler(const std::string& keys) {
  return "version: 1\nhandlers: {h: {" + keys + "}}\n";
}

class HandlerMistake : public ::testing::TestWithParam<Case> {};

TEST_P(HandlerMistake, IsShownWithItsColumn) {
  const auto loaded = decode("p", handler(GetParam().text));
  const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded);
  ASSERT_NE(found, nullptr);
  ASSERT_EQ(found->size(), 1U) << render(found->at(1));
  EXPECT_EQ(std::to_string(found->front().column) + ": " + found->front().message,
            GetParam().shown);
  EXPECT_EQ(found->front().line, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Handlers, HandlerMistake,
    ::testing::Values(
        Case{"", "12: handler 'h' has no 'run'"},
        Case{"run: []", "21: an empty list would match nothing; leave the key out"},
        Case{"run: {a: b}", "21: expected text, not a map"},
        Case{"run: ''", "21: '' is not an absolute path; programs are never searched for"},
        Case{"run: notify",
             "21: 'notify' is not an absolute path; programs are never searched for"},
        Case{"run: /bin/a -b",
             "21: a command is not split at blanks: write a list, [/bin/program, argument]"},
        Case{"run: [/bin/a, \"x\\0y\"]", "30: text cannot contain a NUL byte"},
        Case{"run: [/bin/a, '{signl}']", "30: no field 'signl'; did you mean 'signal'?"},
        Case{"run: [/bin/a, '{Pid}']", "30: no field 'Pid'; did you mean 'pid'?"},
        Case{"run: [/bin/a, '{cgroup}']", "30: 'cgroup' is told only to handlers 'in: host'"},
        Case{"run: builtin:cores",
             "21: no builtin 'cores'; there are 'builtin:core', 'builtin:forward' "
             "and 'builtin:node'"},
        Case{"run: [builtin:core, -v]", "36: a builtin takes no arguments; use 'with'"},
        Case{"run: /bin/a, with: {mode: full}",
             "35: 'with' is for builtin handlers; give a program arguments in 'run'"},
        Case{"run: /bin/a, in: hosts", "33: expected 'container' or 'host'; did you mean 'host'?"},
        Case{"run: /bin/a, in: origin", "33: expected 'container' or 'host'"},
        Case{"run: /bin/a, user: rot",
             "35: expected 'root', 'origin' or numbers, uid:gid; did you mean 'root'?"},
        Case{"run: /bin/a, user: '33'", "35: expected 'root', 'origin' or numbers, uid:gid"},
        Case{"run: /bin/a, user: '33:-1'", "35: expected 'root', 'origin' or numbers, uid:gid"},
        Case{"run: /bin/a, user: '33:4294967295'",
             "35: expected 'root', 'origin' or numbers, uid:gid"},
        Case{"run: /bin/a, timeout: 30",
             "38: expected a time from 1ms to 1h, such as 30s (ms, s, min, h)"},
        Case{"run: /bin/a, timeout: 30sec",
             "38: expected a time from 1ms to 1h, such as 30s (ms, s, min, h)"},
        Case{"run: /bin/a, timeout: 0ms",
             "38: expected a time from 1ms to 1h, such as 30s (ms, s, min, h)"},
        Case{"run: /bin/a, timeout: 61min",
             "38: expected a time from 1ms to 1h, such as 30s (ms, s, min, h)"},
        Case{"run: /bin/a, timeout: [30s]", "38: expected text, not a list"},
        Case{"run: /bin/a, tiemout: 30s", "29: unknown key 'tiemout'; did you mean 'timeout'?"},
        Case{"run: /bin/a, seccomp: maybe", "38: expected 'best-effort' or 'required'"},
        Case{"run: /bin/a, in: host, seccomp: required",
             "48: 'seccomp' is for handlers in containers"},
        Case{"run: builtin:core, with: text", "41: expected a map, not text"},
        Case{"run: builtin:core, with: {mode: mini}", "48: expected 'full'"},
        Case{"run: builtin:core, with: {directory: var}",
             "53: expected an absolute path, such as /var/crash"},
        Case{"run: builtin:core, with: {compress: gzip}", "52: expected 'none' or 'zstd'"},
        Case{"run: builtin:core, with: {level: 20}", "49: expected a whole number from 1 to 19"},
        Case{"run: builtin:core, with: {level: [1]}", "49: expected a whole number from 1 to 19"},
        Case{"run: builtin:core, with: {max_size: 1GB}",
             "52: expected a size such as 1GiB (bytes, KiB, MiB, GiB, TiB)"},
        Case{"run: builtin:core, with: {max_size: [1]}", "52: expected text, not a list"},
        Case{"run: builtin:core, with: {keep_free: 100%}",
             "53: expected a size such as 1GiB (bytes, KiB, MiB, GiB, TiB), or 0% to 99%"},
        Case{"run: builtin:core, with: {sync: yes}", "48: expected 'false' or 'true'"},
        Case{"run: builtin:core, with: {keep: 5}",
             "42: unknown key 'keep'; expected 'mode', 'directory', "
             "'compress', 'level', 'max_size', 'keep_free' or 'sync'"}));

// A policy with containers and handlers, whose line 6 is this rule.
std::string with_rule(const std::string& keys) {
  return "version: 1\ncontainers: {web: {anonymous: true}}\n"
         "handlers: {save: {run: builtin:core}, tell: {run: /bin/tell, in: host}}\n\nrules:\n- {" +
         keys + "}\n";
}

class RuleMistake : public ::testing::TestWithParam<Case> {};

TEST_P(RuleMistake, IsShownWithItsColumn) {
  const auto loaded = decode("p", with_rule(GetParam().text));
  const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded);
  ASSERT_NE(found, nullptr);
  ASSERT_EQ(found->size(), 1U) << render(found->at(1));
  EXPECT_EQ(std::to_string(found->front().column) + ": " + found->front().message,
            GetParam().shown);
  EXPECT_EQ(found->front().line, 6);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RuleMistake,
    ::testing::Values(
        Case{"on: coredump, do: pass", "3: rule has no 'name'"},
        Case{"name: r, do: pass", "3: rule has no 'on'"},
        Case{"name: r, on: coredump", "3: rule has no 'do'"},
        Case{"name: defaults, on: coredump, do: pass",
             "10: 'defaults' is how the log names what no rule matched; take another name"},
        Case{"name: r, on: core, do: pass",
             "17: expected 'coredump', 'modprobe', 'request-key', 'uevent' or 'usermode-helper'"},
        Case{"name: r, on: coredump, do: pas", "31: no handler 'pas'; did you mean 'pass'?"},
        Case{"name: r, on: coredump, do: []",
             "31: an empty list would match nothing; leave the key out"},
        Case{"name: r, on: coredump, do: [tell, pass]", "38: 'pass' stands alone, not in a list"},
        Case{"name: r, on: coredump, do: deny", "31: no handler 'deny'; did you mean 'reject'?"},
        Case{"name: r, on: modprobe, do: reject", "31: no handler 'reject'; did you mean 'deny'?"},
        Case{"name: r, on: coredump, do: tel", "31: no handler 'tel'; did you mean 'tell'?"},
        Case{"name: r, on: coredump, do: unknown", "31: no handler 'unknown'"},
        Case{"name: r, on: coredump, do: save",
             "31: handler 'save' runs in the container, and this also applies to processes that "
             "are in none: use "
             "a rule with a 'container' in its 'when'"},
        Case{"name: r, on: coredump, do: tell, on_failure: save",
             "49: handler 'save' runs in the container, and this also applies to processes that "
             "are in none: use "
             "a rule with a 'container' in its 'when'"},
        Case{"name: r, on: coredump, when: {container: web}, do: [tell, save]",
             "62: handler 'save' reads the core, which only the first handler gets: put it first"},
        Case{"name: r, on: coredump, do: tell, on_failure: tel",
             "49: no handler 'tel'; did you mean 'tell'?"},
        Case{"name: r, on: coredump, do: reject, on_failure: tell",
             "51: 'on_failure' needs a handler in 'do' that can fail"},
        Case{"name: r, on: coredump, do: pass, when: {container: wep}",
             "55: no container 'wep'; did you mean 'web'?"},
        Case{"name: r, on: coredump, do: pass, when: {container: []}",
             "55: an empty list would match nothing; leave the key out"},
        Case{"name: r, on: coredump, do: pass, when: {signal: segv}",
             "52: 'segv' is no signal; did you mean 'SEGV'?"},
        Case{"name: r, on: coredump, do: pass, when: {signal: [SEGV, 65]}",
             "59: '65' is no signal"},
        Case{"name: r, on: coredump, do: pass, when: {exe: nginx}",
             "49: 'nginx' matches no path: start it with '/' or '**' ('*' stops at '/')"},
        Case{"name: r, on: coredump, do: pass, when: {uid: root}",
             "49: expected a whole number from 0 to 4294967294"},
        Case{"name: r, on: coredump, do: pass, when: {uids: 0}",
             "44: unknown key 'uids'; did you mean 'uid'?"},
        Case{"name: r, on: coredump, do: pass, when: x", "43: expected a map, not text"}));

INSTANTIATE_TEST_SUITE_P(
    OtherRules, Mistake,
    ::testing::Values(Case{"version: 1\nrules: [text]\n",
                           "p.yaml:2:9: expected a map, not text\nrules: [text]\n        ^\n"},
                      Case{"version: 1\nrules:\n- {name: r, on: coredump, do: pass}\n- {name: r, "
                           "on: coredump, do: pass}\n",
                           "p.yaml:4:10: 'r' is given twice; first at p.yaml:3:10\n"
                           "- {name: r, on: coredump, do: pass}\n         ^\n"}));

INSTANTIATE_TEST_SUITE_P(
    Defaults, Mistake,
    ::testing::Values(
        Case{"version: 1\ndefaults: {coredump: pas}\n",
             "p.yaml:2:22: no handler 'pas'; did you mean 'pass'?\ndefaults: {coredump: pas}\n     "
             "                ^\n"},
        Case{"version: 1\nhandlers: {h: {run: /h}}\ndefaults: {coredump: h}\n",
             "p.yaml:3:22: handler 'h' runs in the container, and this also applies to processes "
             "that are in none: "
             "use a rule with a 'container' in its 'when'\ndefaults: {coredump: h}\n               "
             "      ^\n"},
        Case{"version: 1\ndefaults: {core_pattern_taken: restor}\n",
             "p.yaml:2:32: expected 'report' or 'restore'; did you mean 'restore'?\n"
             "defaults: {core_pattern_taken: restor}\n                               ^\n"}));

TEST(Mistakes, AreAllShownAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(mistakes_in("rules:\n- {name: r, on: coredump, do: gone}\nhandlers: {h: {rn: /h}}\n"),
            "p.yaml:1:1: no 'version': start the file with 'version: 1'\nrules:\n^\n"
            "p.yaml:2:31: no handler 'gone'\n- {name: r, on: coredump, do: gone}\n"
            "                              ^\n"
            "p.yaml:3:12: handler 'h' has no 'run'\nhandlers: {h: {rn: /h}}\n           ^\n"
            "p.yaml:3:16: unknown key 'rn'; did you mean 'run'?\nhandlers: {h: {rn: /h}}\n         "
            "      ^\n");
}

TEST(Mistakes, OfAnAliasAreShownOnceAtTheAnchor) {
  EXPECT_EQ(mistakes_in("version: 1\nhandlers:\n  a: &a {run: a}\n  b: *a\n"),
            "p.yaml:3:15: 'a' is not an absolute path; programs are never searched for\n"
            "  a: &a {run: a}\n              ^\n");
}

TEST(Mistakes, DoNotMakeTheUsersOfAMistakenNameMistakenToo) {
  EXPECT_EQ(mistakes_in("version: 1\ncontainers: {web: {}}\n"
                        "rules: [{name: r, on: coredump, when: {container: web}, do: pass}]\n"),
            "p.yaml:2:14: container 'web' says nothing of its processes: give 'cgroup', "
            "'user_namespace', 'runtime', 'name', 'image', 'pod', 'namespace', 'labels' or "
            "'anonymous: true'\ncontainers: {web: {}}\n             ^\n");
}

TEST(Mistakes, PointAtCharactersAndNotAtBytes) {
  EXPECT_EQ(mistakes_in("version: 1\nhandlers: {h: {run: ['/ä', '{signl}']}}\n"),
            "p.yaml:2:29: no field 'signl'; did you mean 'signal'?\n"
            "handlers: {h: {run: ['/ä', '{signl}']}}\n                           ^\n");
}

TEST(Mistakes, ShowNoControlBytesAndNoEndlessLines) {
  EXPECT_EQ(mistakes_in("version: 1\n\"a\\eb\": \t1\r\n"),
            "p.yaml:2:1: unknown key 'a\\x1bb'; expected 'version', 'containers', 'runtimes', "
            "'handlers', 'rules', 'release_agents' or "
            "'defaults'\n\"a\\eb\":  1\n^\n");
  EXPECT_EQ(mistakes_in("version: 1\nx: " + std::string(300, 'y') + "\n"),
            "p.yaml:2:1: unknown key 'x'; expected 'version', 'containers', 'runtimes', "
            "'handlers', 'rules', 'release_agents' or "
            "'defaults'\n");
}

TEST(Mistakes, HostileTextsAreRefusedInLittleTime) {
  EXPECT_NE(mistakes_in(std::string(100'000, '[')), "no mistake");
  std::ostringstream bomb;
  bomb << "version: 1\na0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i)
    bomb << "a" << i << ": &a" << i << " [*a" << i - 1 << ", *a" << i - 1 << "]\n";
  EXPECT_NE(mistakes_in(bomb.str()).find("more values than a policy can have"), std::string::npos);
}

}  // namespace
}  // namespace upcall::settings
