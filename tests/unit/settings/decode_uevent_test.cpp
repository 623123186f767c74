// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "settings/load.h"

namespace upcall::settings {
namespace {

using event::UeventClass;
using Texts = std::vector<std::string>;

constexpr const char* kPolicy = R"(version: 1
handlers:
  other: {run: /bin/other, in: host}
  plugged: {run: [/bin/plugged, "{action}", "{uevent_ifindex}"], in: host}
rules:
  - name: plugged
    on: uevent
    when:
      {action: [add, remove], subsystem: usb, devtype: usb_device, driver: usb,
       devpath: "/devices/**", env: {DEVNAME: "sd*", BUSNUM: ["001", "002"]},
       attr: {idVendor: "04b8", device/driver: [usb, "usb-*"]}, class: [kernel, synthetic]}
    do: plugged
    on_failure: other
  - {name: rest, on: uevent, do: ignore}
)";

Settings decoded() {
  auto loaded = decode("p.yaml", kPolicy);
  if (auto* settings = std::get_if<Settings>(&loaded)) return std::move(*settings);
  for (const auto& one : std::get<std::vector<Diagnostic>>(loaded)) ADD_FAILURE() << render(one);
  return {};
}

TEST(DecodeUevent, ReadsTheConditionsOfARule) {
  const auto settings = decoded();
  ASSERT_EQ(settings.policy.uevent_rules.size(), 2U);
  const auto& when = settings.policy.uevent_rules[0].when;
  EXPECT_EQ(when.action, (Texts{"add", "remove"}));
  EXPECT_EQ(when.subsystem, Texts{"usb"});
  EXPECT_EQ(when.devtype, Texts{"usb_device"});
  EXPECT_EQ(when.driver, Texts{"usb"});
  EXPECT_EQ(when.devpath, Texts{"/devices/**"});
  EXPECT_EQ(when.env.at("DEVNAME"), Texts{"sd*"});
  EXPECT_EQ(when.env.at("BUSNUM"), (Texts{"001", "002"}));
  EXPECT_EQ(when.attr.at("idVendor"), Texts{"04b8"});
  EXPECT_EQ(when.attr.at("device/driver"), (Texts{"usb", "usb-*"}));
  EXPECT_EQ(when.origin, (std::vector{UeventClass::kernel, UeventClass::synthetic}));
}

TEST(DecodeUevent, ReadsWhatARuleDoes) {
  const auto settings = decoded();
  ASSERT_EQ(settings.policy.uevent_rules.size(), 2U);
  const auto& rule = settings.policy.uevent_rules[0];
  EXPECT_EQ(rule.handlers, std::vector<std::uint32_t>{1});
  EXPECT_EQ(rule.on_failure, 0U);
  EXPECT_TRUE(settings.policy.uevent_rules[1].handlers.empty());
}

TEST(DecodeUevent, BelievesTheKernelAndOurselvesUnlessTold) {
  const auto settings = decoded();
  ASSERT_EQ(settings.policy.uevent_rules.size(), 2U);
  EXPECT_EQ(settings.policy.uevent_rules[1].when.origin,
            (std::vector{UeventClass::kernel, UeventClass::resync}));
}

TEST(DecodeUevent, OnlyWhatRulesNameMayRunWithoutAProcess) {
  auto loaded = decode("p", R"(version: 1
handlers: {a: {run: /bin/a, in: host}, b: {run: /bin/b, in: host}}
rules: [{name: r, on: uevent, do: b}, {name: c, on: coredump, do: a}]
)");
  const auto& settings = std::get<Settings>(loaded);
  EXPECT_FALSE(settings.handlers.at(0).uevents);
  EXPECT_TRUE(settings.handlers.at(1).uevents);
}

TEST(DecodeUevent, BringsHandlersToContainers) {
  const auto loaded = decode("p", R"(version: 1
containers: {a: {labels: {tenant: a}}}
handlers: {inside: {run: /bin/true, in: container}}
rules: [{name: r, on: uevent, to: [a, "*"], do: inside, on_failure: inside}]
)");
  const auto& settings = std::get<Settings>(loaded);
  EXPECT_EQ(settings.policy.uevent_rules.at(0).to, (Texts{"a", "*"}));
  EXPECT_TRUE(settings.handlers.at(0).uevents);
}

TEST(DecodeUevent, HandlesAContainersOwnDevicesInIt) {
  const auto loaded = decode("p", R"(version: 1
containers: {a: {labels: {tenant: a}}}
handlers: {inside: {run: /bin/true, in: container}}
rules: [{name: r, on: uevent, when: {container: a}, do: inside}]
)");
  const auto& settings = std::get<Settings>(loaded);
  EXPECT_EQ(settings.policy.uevent_rules.at(0).when.container, Texts{"a"});
  EXPECT_TRUE(settings.handlers.at(0).uevents);
}

std::string first_mistake(const std::string& rule) {
  const auto loaded = decode("p", R"(version: 1
containers: {web: {runtime: "*"}, rest: {anonymous: true}}
handlers:
  core: {run: builtin:core}
  forward: {run: builtin:forward}
  node: {run: builtin:node, with: {mode: 0660, gid: 20}}
  inside: {run: /bin/true}
  tell: {run: /bin/true, in: host}
  origin: {run: /bin/true, in: host, user: origin}
  keys: {run: /bin/true, in: host, authority: true}
rules: [{name: r, on: uevent, )" + rule +
                                      "}]\n");
  const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded);
  return found == nullptr ? "none" : found->front().message;
}

TEST(DecodeUevent, RefusesWhatCannotBeMeant) {
  for (const auto& [rule, why] : std::map<std::string, std::string>{
           {"do: tell", "none"},
           {"do: pass", "no handler 'pass'; did you mean 'ignore'?"},
           {"do: inside", "must be a program 'in: host'"},
           {"to: '*', do: inside", "none"},
           {"to: '*', do: tell", "must be a program 'in: container'"},
           {"to: web, do: forward", "none"},
           {"to: web, do: node", "none"},
           {"do: node", "must be a program 'in: host'"},
           {"to: web, when: {class: [kernel, resync]}, do: [forward, node]", "none"},
           {"to: web, when: {class: [kernel, injected]}, do: node", "makes device nodes"},
           {"to: web, when: {class: synthetic}, do: node", "makes device nodes"},
           {"do: forward", "must be a program 'in: host'"},
           {"to: web, do: core", "must be a program 'in: container'"},
           {"to: rest, do: inside", "only those on record are"},
           {"to: nobody, do: inside", "no container 'nobody'"},
           {"do: origin", "a uevent has no process"},
           {"do: keys", "'authority' over keys"},
           {"do: [tell, ignore]", "stands alone"},
           {"do: ignore, on_failure: tell", "'on_failure' needs a handler"},
           {"do: tell, negative: {for: 1s}", "is for rules on request-key"},
           {"when: {class: user}, do: ignore", "expected 'injected'"},
           {"when: {container: '*'}, do: inside", "none"},
           {"when: {container: web}, do: ignore", "none"},
           {"when: {container: web}, do: tell", "must be a program 'in: container'"},
           {"when: {container: nobody}, do: inside", "no container 'nobody'"},
           {"when: {container: rest}, do: inside", "only those on record are"},
           {"when: {container: web}, to: web, do: inside", "leave out one of them"},
           {"when: {attr: {device/vendor: x, ...: x}}, do: ignore", "none"},
           {"when: {attr: {../address: x}}, do: ignore", "'../address' is no attribute"},
           {"when: {attr: {a/./b: x}}, do: ignore", "'a/./b' is no attribute"},
           {"when: {attr: {/sys/x: x}}, do: ignore", "'/sys/x' is no attribute"},
           {"when: {attr: {a//b: x}}, do: ignore", "'a//b' is no attribute"},
           {"when: {attr: {" + std::string(256, 'a') + ": x}}, do: ignore", "is no attribute"},
           {"when: {attr: {address: ''}}, do: ignore", "must not be empty"},
           {"when: {pid: 1}, do: ignore", "unknown key"}}) {
    EXPECT_NE(first_mistake(rule).find(why), std::string::npos)
        << rule << ": " << first_mistake(rule);
  }
}

}  // namespace
}  // namespace upcall::settings
