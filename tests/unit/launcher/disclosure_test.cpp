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

Subject subject(const char* cgroup) {
  Subject made{.pid = 7};
  for (std::size_t i = 0; i < kernel::kNamespaces; ++i) made.namespaces.ids[i] = 101 + i;
  made.cgroup = UniqueFd{::open("/", O_PATH | O_CLOEXEC)};
  made.cgroup_path = cgroup;
  made.status.inner_pid = 1;
  made.status.permitted = made.status.bounding = 0xff;
  return made;
}

class Disclosure : public ::testing::Test {
 protected:
  [[nodiscard]] std::uint32_t failed() const {
    return failed_rules(origin_, init_, users_, dumpable_);
  }

  Subject origin_ = subject("/c/app");
  Subject init_ = subject("/c/init.scope");
  UserNamespaces users_{.origin = {kContainerUser, kHostUser},
                        .mount_owner = {kContainerUser, kHostUser},
                        .host = kHostUser};
  std::optional<int> dumpable_{1};
};

TEST_F(Disclosure, AllowsAnOrdinaryProcessOfTheContainer) { EXPECT_EQ(failed(), 0U); }

TEST_F(Disclosure, RefusesAUserNamespaceOutside) {
  users_.origin = {kHostUser};
  EXPECT_EQ(failed(), wire::user_namespace_outside);
}

TEST_F(Disclosure, RefusesForeignMounts) {
  origin_.namespaces.ids[static_cast<std::size_t>(kernel::Namespace::mnt)] = 900;
  EXPECT_EQ(failed(), 0U) << "made by the container's own user namespace";
  users_.mount_owner = {kHostUser};
  EXPECT_EQ(failed(), wire::mount_namespace_outside);
}

TEST_F(Disclosure, RefusesMoreCapabilitiesThanTheContainerMayHave) {
  origin_.status.permitted = 0x1ff;
  EXPECT_EQ(failed(), wire::capabilities_exceed);
}

TEST_F(Disclosure, RefusesACgroupOutside) {
  for (const char* path : {"/", "/d", "/container", "/cc"}) {
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

}  // namespace
}  // namespace upcall::launcher
