// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/cgroup_path.h"

#include <gtest/gtest.h>

namespace upcall::origin {
namespace {

const std::string kId(64, 'a');

struct Known {
  std::string path;
  const char* runtime;
  std::string id;
};

class KnownCgroup : public ::testing::TestWithParam<Known> {};

TEST_P(KnownCgroup, NamesItsContainer) {
  const auto container = container_of_cgroup(GetParam().path);
  ASSERT_TRUE(container) << GetParam().path;
  EXPECT_EQ(container->runtime, GetParam().runtime);
  EXPECT_EQ(container->id, GetParam().id);
}

INSTANTIATE_TEST_SUITE_P(
    ContainerOfCgroup, KnownCgroup,
    ::testing::Values(
        Known{"/lxc.payload.web", "lxc", "web"},
        Known{"/lxc.payload.web/system.slice/nginx.service", "lxc", "web"},
        Known{"/lxc/web/init.scope", "lxc", "web"}, Known{"/lxc.payload/web", "lxc", "web"},
        Known{"/docker/" + kId, "docker", kId},
        Known{"/system.slice/docker-" + kId + ".scope", "docker", kId},
        Known{"/machine.slice/libpod-" + kId + ".scope/container", "podman", kId},
        Known{"/libpod_parent/libpod-" + kId, "podman", kId},
        Known{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/"
              "cri-containerd-" +
                  kId + ".scope",
              "containerd", kId},
        Known{"/kubepods.slice/kubepods-pod1_2.slice/crio-" + kId + ".scope", "cri-o", kId},
        Known{"/kubepods/besteffort/pod1-2/" + kId, "containerd", kId},
        Known{"/kubepods/pod1-2/crio-" + kId, "cri-o", kId},
        Known{"/machine.slice/systemd-nspawn@web.service/payload", "nspawn", "web"},
        Known{"/machine.slice/machine-web.scope", "nspawn", "web"}));

TEST(ContainerOfCgroup, GivesNamesOnlyWhereTheyAreNames) {
  EXPECT_EQ(container_of_cgroup("/lxc/web")->name, "web");
  EXPECT_EQ(container_of_cgroup("/docker/" + kId)->name, "");
}

TEST(ContainerOfCgroup, BelievesNoNameThatAStrangerCouldGive) {
  for (const auto& path : std::vector<std::string>{
           "/user.slice/user-1000.slice/docker-" + kId + ".scope", "/user.slice/lxc.payload.web",
           "/system.slice/ours.service/docker-" + kId + ".scope", "/docker/x/" + kId,
           "/system.slice/docker-victim.scope", "/machine.slice/x.slice/libpod-" + kId + ".scope",
           "/kubepods/podx/tenant/" + kId, "/docker/lxc.payload.web"}) {
    EXPECT_FALSE(container_of_cgroup(path)) << path;
  }
  EXPECT_EQ(container_of_cgroup("/lxc.payload.outer/lxc.payload.inner")->id, "outer");
}

TEST(ContainerOfCgroup, IgnoresWhatIsNoContainer) {
  for (const auto* path : {"", "/", "/lxc.payload.", "/lxc.payload./x", "/lxc", "/lxc/",
                           "/lxc.monitor.web", "lxc.payload.web", "/docker", "/kubepods",
                           "/kubepods/pod1", "/machine.slice/machine-.scope"}) {
    EXPECT_FALSE(container_of_cgroup(path)) << path;
  }
  EXPECT_FALSE(container_of_cgroup("/lxc.payload." + std::string(513, 'x')));
}

}  // namespace
}  // namespace upcall::origin
