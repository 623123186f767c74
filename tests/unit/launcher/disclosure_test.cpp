// SPDX-License-Identifier: Apache-2.0
#include "launcher/disclosure.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "launcher/plan.h"
#include "wire/launcher.h"

namespace upcall::launcher {
namespace {

constexpr std::uint64_t kHostUser = 1;
constexpr std::uint64_t kContainerUser = 108;
constexpr std::uint64_t kHostPid = 2;
constexpr std::uint64_t kContainerPid = 105;

constexpr std::uint64_t kRights = 0xff;  // CAP_SETUID among them, and not CAP_SYS_PTRACE

std::uint64_t& id_of(Subject& subject, kernel::Namespace kind) {
  return subject.namespaces.ids[static_cast<std::size_t>(kind)];
}

Subject subject(const char* cgroup) {
  Subject made{.pid = 7};
  for (std::size_t i = 0; i < kernel::kNamespaces; ++i) made.namespaces.ids[i] = 101 + i;
  made.cgroup = UniqueFd{::open("/", O_PATH | O_CLOEXEC)};
  made.cgroup_path = cgroup;
  made.status.inner_pid = 1;
  made.status.permitted = made.status.bounding = kRights;
  return made;
}

class Disclosure : public ::testing::Test {
 protected:
  [[nodiscard]] std::uint32_t failed() const {
    return failed_rules(origin_, init_, lineages_, dumpable_);
  }

  Subject origin_ = subject("/c/app");
  Subject init_ = subject("/c/init.scope");
  Lineages lineages_{.users = {kContainerUser, kHostUser},
                     .pids = {kContainerPid, kHostPid},
                     .mount_owners = {kContainerUser, kHostUser},
                     .host_user = kHostUser,
                     .host_pid = kHostPid};
  std::optional<int> dumpable_{1};
};

TEST_F(Disclosure, AllowsAnOrdinaryProcessOfTheContainer) { EXPECT_EQ(failed(), 0U); }

TEST_F(Disclosure, RefusesAUserNamespaceOutside) {
  lineages_.users = {kHostUser};
  EXPECT_EQ(failed(), wire::user_namespace_outside);
}

TEST_F(Disclosure, RefusesAPidNamespaceOutside) {
  lineages_.pids = {kHostPid};
  EXPECT_EQ(failed(), wire::pid_namespace_outside);
  lineages_.pids = {900, kContainerPid, kHostPid};
  EXPECT_EQ(failed(), 0U) << "one below the container's";
}

TEST_F(Disclosure, RefusesAContainerThatHasTheHostAlready) {
  init_.status.bounding = ~std::uint64_t{0};
  EXPECT_EQ(failed(), 0U) << "in a PID namespace of its own";
  for (auto* subject : {&origin_, &init_}) id_of(*subject, kernel::Namespace::pid) = kHostPid;
  lineages_.pids = {kHostPid};
  EXPECT_EQ(failed(), 0U) << "in a user namespace of its own";
  for (auto* subject : {&origin_, &init_}) id_of(*subject, kernel::Namespace::user) = kHostUser;
  lineages_.users = {kHostUser};
  EXPECT_EQ(failed(), wire::not_confinable);
  init_.status.bounding = kRights;
  EXPECT_EQ(failed(), 0U) << "and may not trace";
}

TEST_F(Disclosure, RefusesForeignMounts) {
  id_of(origin_, kernel::Namespace::mnt) = 900;
  EXPECT_EQ(failed(), 0U) << "made by the container's own user namespace";
  lineages_.mount_owners = {kHostUser};
  EXPECT_EQ(failed(), wire::mount_namespace_outside);
}

TEST_F(Disclosure, RefusesMoreCapabilitiesThanTheContainerMayHave) {
  origin_.status.permitted = 0x1ff;
  EXPECT_EQ(failed(), wire::capabilities_exceed);
}

TEST_F(Disclosure, RefusesToAnInitThatRulesNobodyWhatIsNotItsOwnUsers) {
  init_.status.permitted = 0;
  for (auto* subject : {&origin_, &init_}) {
    subject->status.real_uid = subject->status.effective_uid = 1000;
  }
  EXPECT_EQ(failed(), wire::capabilities_exceed) << "which it does not have, though it might";
  origin_.status.permitted = 0;
  EXPECT_EQ(failed(), 0U);
  origin_.status.effective_uid = 0;
  EXPECT_EQ(failed(), wire::capabilities_exceed) << "set-uid";
  origin_.status.real_uid = 0;
  EXPECT_EQ(failed(), wire::capabilities_exceed);
  id_of(origin_, kernel::Namespace::user) = 900;
  EXPECT_EQ(failed(), wire::capabilities_exceed) << "in a user namespace below";
}

TEST_F(Disclosure, RefusesACgroupOutside) {
  for (const char* path : {"", "/", "/d", "/container", "/cc"}) {
    origin_.cgroup_path = path;
    EXPECT_EQ(failed(), wire::cgroup_outside) << path;
  }
  origin_.cgroup_path = "/c";
  EXPECT_EQ(failed(), 0U);
}

TEST_F(Disclosure, RefusesWhatIsNotKnownToBeDumpableByItsUser) {
  for (const auto dumpable : {std::optional<int>{}, std::optional{0}, std::optional{2}}) {
    dumpable_ = dumpable;
    EXPECT_EQ(failed(), wire::not_dumpable);
  }
}

TEST_F(Disclosure, RefusesWeakerFilters) {
  init_.status.no_new_privileges = true;
  EXPECT_EQ(failed(), wire::filters_weaker);
}

TEST(Environment, TakesOnlyNamesOfOurs) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(parse_environment("UPCALL_A=1\0UPCALL_B=x=y\0"sv));
  EXPECT_FALSE(parse_environment("LD_PRELOAD=/x\0"sv));
  EXPECT_FALSE(parse_environment("UPCALL_A=1"sv)) << "no end";
  EXPECT_FALSE(parse_environment("UPCALL_A\0"sv));
}

TEST(Arguments, AreFilledWholeOrNotAtAll) {
  const auto filled = fill_arguments({"{signal}", "x{signal}", "{none}"}, {"UPCALL_SIGNAL=SEGV"});
  EXPECT_EQ(filled, (std::vector<std::string>{"SEGV", "x{signal}", ""}));
}

TEST(Arguments, HaveDigitsInTheNamesOfUeventsVariablesAndNoFieldInJson) {
  const auto filled =
      fill_arguments({"{uevent_id_path_2}", "{}", R"({"a": 1})"}, {"UPCALL_UEVENT_ID_PATH_2=pci"});
  EXPECT_EQ(filled, (std::vector<std::string>{"pci", "{}", R"({"a": 1})"}));
}

}  // namespace
}  // namespace upcall::launcher
