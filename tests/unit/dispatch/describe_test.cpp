// SPDX-License-Identifier: Apache-2.0
#include "dispatch/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

namespace upcall::dispatch {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

event::Event crash() {
  event::Event event{.id = event::EventId{17},
                     .time = std::chrono::system_clock::time_point{
                         std::chrono::microseconds{1'500'000'000'000'042}}};
  event.origin = {.pid = 812,
                  .tid = 813,
                  .uid = 100000,
                  .gid = 100000,
                  .comm = "a)\n%s b",
                  .exe = "/bin/x",
                  .host_name = "web",
                  .cgroup = "/web",
                  .verdict = event::Verdict::in_container,
                  .inner_pid = 7,
                  .inner_uid = 0};
  event.detail = event::CoreDump{.signal = SIGSEGV,
                                 .code = 1,
                                 .address = 0xdead,
                                 .dumpable = event::Dumpable::user,
                                 .core_limit = UINT64_MAX};
  return event;
}

std::vector<std::string> environment_of(const event::Event& event, policy::Place place) {
  return to_environment(describe(event, {.rule = "r", .container = "web"}, "save", place));
}

TEST(Describe, TranslatesIdsForAHandlerInTheContainer) {
  const auto environment = environment_of(crash(), policy::Place::container);
  EXPECT_THAT(environment, Contains("UPCALL_PID=7"));
  EXPECT_THAT(environment, Contains("UPCALL_UID=0"));
  EXPECT_THAT(environment, Contains("UPCALL_COMM=a)\n%s b"));
}

TEST(Describe, SaysThatItIsTheInitOfItsContainer) {
  auto event = crash();
  EXPECT_THAT(environment_of(event, policy::Place::container),
              Not(Contains(StartsWith("UPCALL_INIT="))));
  event.origin.is_init = true;
  EXPECT_THAT(environment_of(event, policy::Place::container), Contains("UPCALL_INIT=1"));
}

TEST(Describe, LeavesOutWhatCannotBeTranslated) {
  const auto environment = environment_of(crash(), policy::Place::container);
  EXPECT_THAT(environment, Not(Contains(StartsWith("UPCALL_TID="))));
  EXPECT_THAT(environment, Not(Contains(StartsWith("UPCALL_GID="))));
}

TEST(Describe, TellsNothingOfTheHostToTheContainer) {
  for (const auto& variable : environment_of(crash(), policy::Place::container)) {
    EXPECT_EQ(variable.find("812"), std::string::npos) << variable;
    EXPECT_EQ(variable.find("100000"), std::string::npos) << variable;
    EXPECT_THAT(variable, Not(StartsWith("UPCALL_CGROUP=")));
  }
}

TEST(Describe, TellsTheHostBothSides) {
  const auto environment = environment_of(crash(), policy::Place::host);
  EXPECT_THAT(environment, Contains("UPCALL_PID=812"));
  EXPECT_THAT(environment, Contains("UPCALL_INNER_PID=7"));
  EXPECT_THAT(environment, Contains("UPCALL_VERDICT=in-container"));
  EXPECT_THAT(environment, Contains("UPCALL_CGROUP=/web"));
}

TEST(Describe, TellsTheFatalSignalInFull) {
  const auto environment = environment_of(crash(), policy::Place::container);
  EXPECT_THAT(environment, Contains("UPCALL_SIGNAL=SEGV"));
  EXPECT_THAT(environment, Contains("UPCALL_SIGNAL_NUMBER=11"));
  EXPECT_THAT(environment, Contains("UPCALL_SIGNAL_CODE=1"));
  EXPECT_THAT(environment, Contains("UPCALL_ADDRESS=0xdead"));
  EXPECT_THAT(environment, Contains("UPCALL_CORE_LIMIT=unlimited"));
  EXPECT_THAT(environment, Contains("UPCALL_TIME=1500000000.000042"));
}

event::Event key_request() {
  auto event = crash();
  event.detail = event::KeyRequest{.key = 461019884,
                                   .type = "user",
                                   .description = "a b",
                                   .callout = "c",
                                   .destination = "_ses",
                                   .session_keyring = 945082482};
  return event;
}

TEST(Describe, TellsARequestForAModule) {
  auto event = key_request();
  event.detail = event::ModuleRequest{
      .alias = "fs-xfs", .modules = {"xfs", "other"}, .asker = event::Asker::user};
  const auto environment = environment_of(event, policy::Place::host);
  EXPECT_THAT(environment, Contains("UPCALL_EVENT=modprobe"));
  EXPECT_THAT(environment, Contains("UPCALL_MODULE_ALIAS=fs-xfs"));
  EXPECT_THAT(environment, Contains("UPCALL_MODULES=xfs other"));
  EXPECT_THAT(environment, Contains("UPCALL_MODULE_ORIGIN=user"));
  EXPECT_THAT(environment, Not(Contains(StartsWith("UPCALL_KEY"))));
}

TEST(Describe, TellsAnotherHelperAndTheCgroupOfAReleaseAgent) {
  auto event = key_request();
  event.detail = event::HelperRequest{.path = "/agent",
                                      .arguments = {"/pods/web", "b c"},
                                      .release_agent = true,
                                      .asker = event::Asker::kernel};
  event.origin.cgroup = "/pods/web";
  const auto environment = environment_of(event, policy::Place::host);
  EXPECT_THAT(environment, Contains("UPCALL_EVENT=usermode-helper"));
  EXPECT_THAT(environment, Contains("UPCALL_HELPER_PATH=/agent"));
  EXPECT_THAT(environment, Contains("UPCALL_HELPER_ARGUMENTS=/pods/web b c"));
  EXPECT_THAT(environment, Contains("UPCALL_HELPER_ORIGIN=kernel"));
  EXPECT_THAT(environment, Contains("UPCALL_CGROUP=/pods/web"));
  EXPECT_THAT(environment, Not(Contains(StartsWith("UPCALL_MODULE"))));
}

TEST(Describe, TellsAKeyRequestAsRequestKeyConfDoes) {
  const auto environment = environment_of(key_request(), policy::Place::container);
  EXPECT_THAT(environment, Contains("UPCALL_EVENT=request-key"));
  EXPECT_THAT(environment, Contains("UPCALL_KEY=461019884"));
  EXPECT_THAT(environment, Contains("UPCALL_KEY_TYPE=user"));
  EXPECT_THAT(environment, Contains("UPCALL_KEY_DESCRIPTION=a b"));
  EXPECT_THAT(environment, Contains("UPCALL_KEY_CALLOUT=c"));
  EXPECT_THAT(environment, Contains("UPCALL_KEY_ORIGIN=user"));
  EXPECT_THAT(environment, Contains("UPCALL_THREAD_KEYRING=0"));
  EXPECT_THAT(environment, Contains("UPCALL_SESSION_KEYRING=945082482"));
  EXPECT_THAT(environment, Not(Contains(StartsWith("UPCALL_SIGNAL"))));
}

TEST(Describe, LeavesACalloutThatIsNoTextToStandardInput) {
  auto event = key_request();
  std::get<event::KeyRequest>(event.detail).callout = std::string{"a\0b", 3};
  EXPECT_THAT(environment_of(event, policy::Place::container),
              Not(Contains(StartsWith("UPCALL_KEY_CALLOUT="))));
}

TEST(Brief, MakesNoDocumentForOneThatDoesNotReadIt) {
  const policy::Handler listens{.name = "save"};
  const policy::Handler does_not{.name = "save", .briefed = false};
  const auto told = brief(crash(), {.rule = "r"}, listens);
  const auto less = brief(crash(), {.rule = "r"}, does_not);
  EXPECT_THAT(told.document, StartsWith("{"));
  EXPECT_EQ(less.document, "");
  EXPECT_EQ(less.fields, told.fields);
}

TEST(ToJson, IsOneObjectEvenOfBytesThatAreNoText) {
  auto event = crash();
  event.origin.exe = "/\xff\xfe";
  const auto fields = describe(event, {.rule = "r"}, "save", policy::Place::container);
  const auto document = nlohmann::json::parse(to_json(fields, event));
  EXPECT_EQ(document["signal"], "SEGV");
  EXPECT_EQ(document["comm"], "a)\n%s b");
  EXPECT_EQ(document["namespaces"].size(), event::kNamespaces);
}

}  // namespace
}  // namespace upcall::dispatch
