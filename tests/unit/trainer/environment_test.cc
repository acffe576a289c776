// What is kept about where a trial ran.
#include "train/trainer/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

// A working directory of its own, with git for an author that needs no configuration.
class GitStateTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("git --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no git";
    std::filesystem::current_path(folder_.path());
  }
  void TearDown() override { std::filesystem::current_path(before_); }

  static void git(const std::string& arguments) {
    const std::string command =
        "git -c user.name=a -c user.email=a@b -c init.defaultBranch=main " + arguments;
    ASSERT_EQ(0, std::system((command + " > /dev/null 2>&1").c_str())) << command;
  }
  void commit(const std::string& file, const std::string& text) {
    folder_.write(file, text);
    git("init");
    git("add .");
    git("commit -m one");
  }

  test::TemporaryFolder folder_;
  std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(GitStateTest, IsNothingOutsideOfARepository) { EXPECT_EQ(Json::object(), git_state()); }

TEST_F(GitStateTest, IsNothingBeforeTheFirstCommit) {
  git("init");
  EXPECT_EQ(Json::object(), git_state());
}

TEST_F(GitStateTest, IsACommitWhereNothingHasChanged) {
  commit("sweep.yaml", "name: a\n");
  const auto state = git_state();
  EXPECT_EQ(40U, state.at("git_commit").get<std::string>().size());
  EXPECT_EQ(0, state.at("git_changed_files"));
  EXPECT_FALSE(state.contains("git_diff"));
}

TEST_F(GitStateTest, HasNoDifferenceForANewFile) {
  commit("sweep.yaml", "name: a\n");
  folder_.write("new.yaml", "name: b\n");
  const auto state = git_state();
  EXPECT_EQ(1, state.at("git_changed_files"));
  EXPECT_FALSE(state.contains("git_diff"));
}

TEST_F(GitStateTest, HasTheDifferenceOfAFileThatChanged) {
  commit("sweep.yaml", "name: a\n");
  folder_.write("new.yaml", "name: b\n");
  folder_.write("sweep.yaml", "name: c\n");
  const auto state = git_state();
  EXPECT_EQ(2, state.at("git_changed_files"));
  EXPECT_NE(std::string::npos, state.at("git_diff").get<std::string>().find("-name: a\n+name: c"));
}

TEST_F(GitStateTest, ItsDifferenceHoldsNoSecrets) {
  folder_.write(".env", "A=1\n");
  folder_.write("conf/My_Secrets.txt", "B=1\n");
  commit("train.py", "api_key = 'old'\n");
  folder_.write(".env", "A=2\n");
  folder_.write("conf/My_Secrets.txt", "B=2\n");
  folder_.write("train.py", "api_key = 'new'\n");
  const auto diff = git_state().at("git_diff").get<std::string>();
  EXPECT_NE(std::string::npos, diff.find("-api_key = '***'\n+api_key = '***'")) << diff;
  EXPECT_EQ(std::string::npos, diff.find(".env")) << diff;
  EXPECT_EQ(std::string::npos, diff.find("Secrets")) << diff;
}

TEST_F(GitStateTest, HasNoDifferenceWhereTheUserWantsNone) {
  commit("sweep.yaml", "name: a\n");
  folder_.write("sweep.yaml", "name: c\n");
  ::setenv("MVN_NO_DIFF", "1", 1);
  const auto state = git_state();
  ::unsetenv("MVN_NO_DIFF");
  EXPECT_EQ(1, state.at("git_changed_files"));
  EXPECT_FALSE(state.contains("git_diff"));
}

}  // namespace
}  // namespace mvn
