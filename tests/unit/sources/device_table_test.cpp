// SPDX-License-Identifier: Apache-2.0
#include "sources/device_table.h"

#include <gtest/gtest.h>

namespace upcall::sources {
namespace {

using namespace std::string_literals;
using kernel::Devices;
using Texts = std::vector<std::string>;

const std::string kNet = "SUBSYSTEM=net\0INTERFACE=x\0"s;

bool none_exists(std::string_view /*devpath*/) { return false; }

std::string text_of(const std::string& action, const std::string& devpath,
                    const std::string& rest) {
  return action + "@" + devpath + "\0ACTION="s + action + "\0DEVPATH="s + devpath + "\0"s + rest;
}

void observe(DeviceTable& table, const std::string& text,
             event::UeventClass origin = event::UeventClass::kernel) {
  auto event = event::parse_uevent(text);
  event->origin = origin;
  table.observe(*event);
}

TEST(DeviceTable, AfterALossTellsWhatCameAndWentAndWhatMayHaveChanged) {
  DeviceTable table{
      Devices{{"/devices/gone", kNet}, {"/devices/gone/child", kNet}, {"/devices/stays", kNet}}};
  const Devices now{
      {"/devices/came", kNet}, {"/devices/came/child", kNet}, {"/devices/stays", kNet}};
  const Texts expected{
      text_of("remove", "/devices/gone/child", kNet), text_of("remove", "/devices/gone", kNet),
      text_of("add", "/devices/came", kNet), text_of("add", "/devices/came/child", kNet),
      text_of("change", "/devices/stays", kNet)};
  EXPECT_EQ(table.reconcile(now, none_exists), expected);
}

TEST(DeviceTable, AfterALossOfNothingButChangesTellsThose) {
  DeviceTable table{Devices{{"/devices/stays", kNet}}};
  const Texts expected{text_of("change", "/devices/stays", kNet)};
  EXPECT_EQ(table.reconcile({{"/devices/stays", kNet}}, none_exists), expected);
}

TEST(DeviceTable, TellsADeviceFromTheOneThatHadItsPathBefore) {
  const auto first = "SUBSYSTEM=net\0IFINDEX=4\0"s;
  const auto second = "SUBSYSTEM=net\0IFINDEX=5\0"s;
  DeviceTable table{Devices{{"/devices/a", first}}};
  const Texts expected{text_of("remove", "/devices/a", first),
                       text_of("add", "/devices/a", second)};
  EXPECT_EQ(table.reconcile({{"/devices/a", second}}, none_exists), expected);
}

TEST(DeviceTable, KnowsWhatItWasTold) {
  DeviceTable table{Devices{{"/devices/b", kNet}}};
  observe(table, text_of("add", "/devices/a", kNet + "SEQNUM=7\0"s));
  observe(table, text_of("remove", "/devices/b", kNet));
  const Texts expected{text_of("remove", "/devices/a", kNet)};
  EXPECT_EQ(table.reconcile({}, none_exists), expected);
}

TEST(DeviceTable, BelievesNobodyButTheKernel) {
  DeviceTable table{Devices{}};
  observe(table, text_of("add", "/devices/a", kNet), event::UeventClass::injected);
  observe(table, text_of("add", "/devices/a", kNet), event::UeventClass::synthetic);
  EXPECT_TRUE(table.reconcile({}, none_exists).empty());
}

TEST(DeviceTable, MovesADeviceWithWhatIsOnIt) {
  DeviceTable table{Devices{{"/devices/a", kNet}, {"/devices/a/on", kNet}, {"/devices/a-b", kNet}}};
  observe(table, text_of("move", "/devices/z", "DEVPATH_OLD=/devices/a\0"s));
  const Devices now{{"/devices/z", kNet}, {"/devices/z/on", kNet}, {"/devices/a-b", kNet}};
  for (const auto& text : table.reconcile(now, none_exists))
    EXPECT_TRUE(text.starts_with("change@"));
}

TEST(DeviceTable, LeavesAloneWhatIsThereButNoDevice) {
  DeviceTable table{Devices{}};
  observe(table, text_of("add", "/devices/kobject", kNet));
  const auto texts = table.reconcile({}, [](std::string_view) { return true; });
  EXPECT_EQ(texts, Texts{text_of("change", "/devices/kobject", kNet)});
}

}  // namespace
}  // namespace upcall::sources
