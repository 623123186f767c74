// SPDX-License-Identifier: Apache-2.0
// Real files with real owners and modes: needs root, as upcalld itself does at start-up.
#include "settings/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace upcall::settings {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uid_t kStranger = 65534;

class Load : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make files of other owners";
    std::string name = "/tmp/upcall-load-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    fs::create_directory(directory_ / "conf.d");
    write("upcalld.yaml", "version: 1\n");
  }
  void TearDown() override {
    if (!directory_.empty()) fs::remove_all(directory_);
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (directory_ / name).string();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
    mode(name, 0644);
  }
  void mode(const std::string& name, mode_t bits) const {
    ASSERT_EQ(::chmod(path(name).c_str(), bits), 0);
  }
  void give_away(const std::string& name) const {
    ASSERT_EQ(::lchown(path(name).c_str(), kStranger, kStranger), 0);
  }

  // What load() complains of; paths relative to the directory.
  [[nodiscard]] std::vector<std::string> complaints(
      const std::string& name = "upcalld.yaml") const {
    const auto loaded = load(path(name));
    std::vector<std::string> out;
    if (const auto* found = std::get_if<std::vector<Diagnostic>>(&loaded)) {
      for (const auto& one : *found) out.push_back(relative(render(one)));
    }
    return out;
  }
  [[nodiscard]] std::string relative(std::string text) const {
    const std::string prefix = directory_.string() + '/';
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  fs::path directory_;
};

TEST_F(Load, TakesAPolicyInADirectoryOfRootsBelowAStickyOne) {
  EXPECT_THAT(complaints(), IsEmpty());
}

TEST_F(Load, NeedsNoDropInDirectory) {
  fs::remove(path("conf.d"));
  EXPECT_THAT(complaints(), IsEmpty());
}

TEST_F(Load, MergesDropInsInNameOrder) {
  write("conf.d/20.yaml", "rules: [{name: second, on: coredump, do: reject}]\n");
  write("conf.d/10.yaml",
        "version: 1\nrules: [{name: first, on: coredump, do: h}]\nhandlers: {h: {run: /h, in: "
        "host}}\n");
  write("conf.d/30.yaml.bak", "rubbish");
  write("conf.d/.40.yaml", "rubbish");
  const auto loaded = load(path("upcalld.yaml"));
  const auto* settings = std::get_if<Settings>(&loaded);
  ASSERT_NE(settings, nullptr);
  ASSERT_EQ(settings->policy.rules.size(), 2U);
  EXPECT_EQ(settings->policy.rules[0].name, "first");
  EXPECT_EQ(settings->policy.rules[1].name, "second");
}

TEST_F(Load, NamesBothPlacesOfWhatTwoFilesGive) {
  write("conf.d/1.yaml", "handlers: {h: {run: /h}}\ndefaults: {coredump: pass}\n");
  write("conf.d/2.yaml", "handlers: {h: {run: /h}}\ndefaults: {coredump: reject}\n");
  EXPECT_THAT(
      complaints(),
      ElementsAre("conf.d/2.yaml:1:12: 'h' is given twice; first at conf.d/1.yaml:1:12\n"
                  "handlers: {h: {run: /h}}\n           ^\n",
                  "conf.d/2.yaml:2:22: 'coredump' is given twice; first at conf.d/1.yaml:2:22\n"
                  "defaults: {coredump: reject}\n                     ^\n"));
}

TEST_F(Load, TellsTheMistakesOfAllFilesInOrder) {
  write("upcalld.yaml", "version: 2\n");
  write("conf.d/1.yaml", "rule: []\n");
  mode("conf.d/1.yaml", 0664);
  write("conf.d/2.yaml", "rule: []\n");
  EXPECT_THAT(complaints(),
              ElementsAre(HasSubstr("upcalld.yaml:1:10"),
                          "conf.d/1.yaml: 'conf.d/1.yaml' can be written by others than root: "
                          "chmod go-w 'conf.d/1.yaml'\n",
                          HasSubstr("conf.d/2.yaml:1:1")));
}

TEST_F(Load, RefusesAFileOfAnother) {
  give_away("upcalld.yaml");
  EXPECT_THAT(complaints(),
              ElementsAre("upcalld.yaml: 'upcalld.yaml' belongs to uid 65534 and not to root: "
                          "chown root 'upcalld.yaml'\n"));
}

TEST_F(Load, RefusesAFileThatOthersCanWrite) {
  for (const mode_t bits : {0664U, 0646U}) {
    mode("upcalld.yaml", bits);
    EXPECT_THAT(complaints(), ElementsAre(HasSubstr("chmod go-w 'upcalld.yaml'")));
  }
}

TEST_F(Load, RefusesADirectoryOfAnotherOrThatOthersCanWrite) {
  mode("conf.d", 0775);
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("chmod go-w 'conf.d'")));
  mode("conf.d", 0755);
  give_away("conf.d");
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("chown root 'conf.d'")));
}

TEST_F(Load, RefusesAFileInAStickyDirectoryThoughItBelongsToRoot) {
  fs::create_directory(path("sticky"));
  mode("sticky", 01777);
  write("sticky/upcalld.yaml", "version: 1\n");
  // chmod on a directory such as /tmp would be a bad remedy.
  EXPECT_THAT(complaints("sticky/upcalld.yaml"),
              ElementsAre("sticky/upcalld.yaml: 'sticky' can be written by others than root: put "
                          "the policy into a directory that only root can write\n"));
}

TEST_F(Load, FollowsALinkOfRootsAndRefusesOneOfAnother) {
  fs::create_symlink("upcalld.yaml", path("link.yaml"));
  EXPECT_THAT(complaints("link.yaml"), IsEmpty());
  fs::create_symlink(path("upcalld.yaml"), path("absolute.yaml"));
  EXPECT_THAT(complaints("absolute.yaml"), IsEmpty());
  give_away("link.yaml");
  EXPECT_THAT(complaints("link.yaml"), ElementsAre(HasSubstr("chown root 'link.yaml'")));
}

TEST_F(Load, RefusesALinkToAnUnsafePlace) {
  fs::create_directory(path("open"));
  write("open/upcalld.yaml", "version: 1\n");
  mode("open", 0777);
  fs::create_symlink("open/upcalld.yaml", path("link.yaml"));
  EXPECT_THAT(complaints("link.yaml"), ElementsAre(HasSubstr("chmod go-w 'open'")));
}

TEST_F(Load, RefusesLinksInACircle) {
  fs::create_symlink("b.yaml", path("a.yaml"));
  fs::create_symlink("a.yaml", path("b.yaml"));
  EXPECT_THAT(complaints("a.yaml"), ElementsAre(HasSubstr("Too many levels of symbolic links")));
}

TEST_F(Load, RefusesWhatIsNoRegularFileWithoutWaitingForIt) {
  ASSERT_EQ(::mkfifo(path("fifo.yaml").c_str(), 0600), 0);
  EXPECT_THAT(complaints("fifo.yaml"),
              ElementsAre(EndsWith("'fifo.yaml' is not a regular file\n")));
  fs::create_directory(path("conf.d/1.yaml"));
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("'conf.d/1.yaml' is not a regular file")));
}

TEST_F(Load, SaysWhyItCannotOpen) {
  EXPECT_THAT(complaints("gone.yaml"),
              ElementsAre("gone.yaml: cannot open 'gone.yaml': No such file or directory; put a "
                          "policy there, or name another file with upcalld's --config\n"));
  EXPECT_THAT(complaints("upcalld.yaml/x.yaml"),
              ElementsAre(HasSubstr("Not a directory"), HasSubstr("conf.d")));
  fs::remove(path("conf.d"));
  write("conf.d", "");
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("Not a directory")));
}

TEST_F(Load, RefusesMoreThanAMebibyte) {
  const std::string head = "version: 1\n#";
  write("upcalld.yaml", head + std::string((1U << 20U) - head.size(), 'x'));
  EXPECT_THAT(complaints(), IsEmpty());
  write("upcalld.yaml", head + std::string((1U << 20U) - head.size() + 1, 'x'));
  EXPECT_THAT(complaints(), ElementsAre("upcalld.yaml: 'upcalld.yaml' is larger than 1 MiB\n"));
}

}  // namespace
}  // namespace upcall::settings
