#include "train/host/plugin_host.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "mvn/plugin.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

class PluginHostTest : public testing::Test {
 protected:
  // What the host says of one of the bad plugins.
  std::string refusal(const std::string& name) {
    fs::copy_file(fs::path(MVN_BAD_PLUGINS) / (name + ".so"), folder_ / (name + ".so"));
    const PluginHost host({folder_});
    EXPECT_TRUE(host.components().empty());
    if (host.refused().size() != 1) return "not refused";
    EXPECT_EQ(host.refused()[0].file, folder_ / (name + ".so"));
    return host.refused()[0].reason;
  }

  test::TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
};

TEST_F(PluginHostTest, OpensAPluginAndListsWhatItOffers) {
  const PluginHost host({MVN_TEST_PLUGINS});
  EXPECT_TRUE(host.refused().empty());
  ASSERT_EQ(host.components().size(), 3U);
  const auto& model = host.components()[0];
  EXPECT_EQ(model.kind, "model");
  EXPECT_EQ(model.name, "toy");
  EXPECT_EQ(model.plugin, "toy");
  EXPECT_EQ(model.version, "1.2.3");
  EXPECT_EQ(model.file, fs::path(MVN_TEST_PLUGINS) / "toy.so");
  std::vector<std::string> params;
  for (const auto& spec : model.params) params.push_back(spec.name);
  EXPECT_EQ(params, (std::vector<std::string>{"weights", "config", "tokenizer"}));
  EXPECT_EQ(host.task("toy").params.size(), 3U);
  EXPECT_EQ(host.adapter("all").help, "trains everything");
}

TEST_F(PluginHostTest, NamesBothSidesOfEveryMismatch) {
  const std::string torch = TORCH_VERSION;
  const std::string again = "; rebuild the plugin";
  EXPECT_EQ(refusal("stale_api"),
            "built for plugin API 0, but this mvn uses plugin API 12; rebuild the plugin");
  fs::remove_all(folder_ / "stale_api.so");
  EXPECT_EQ(refusal("other_size"), "its descriptor has 8 bytes, but this mvn's has 64" + again);
  fs::remove_all(folder_ / "other_size.so");
  EXPECT_EQ(refusal("other_torch"),
            "built for LibTorch 1.2.3, but this mvn uses LibTorch " + torch + again);
  fs::remove_all(folder_ / "other_torch.so");
  EXPECT_EQ(refusal("other_compiler"),
            "built with clang-99, but this mvn uses " MVN_COMPILER + again);
  fs::remove_all(folder_ / "other_compiler.so");
  EXPECT_EQ(refusal("old_abi"), "built with _GLIBCXX_USE_CXX11_ABI=0, but this mvn uses 1" + again);
  fs::remove_all(folder_ / "old_abi.so");
  EXPECT_EQ(refusal("other_sdk"),
            "built with the headers of mvn-runner 99.0.0, but this is mvn-runner " MVN_SDK_VERSION +
                again);
}

TEST_F(PluginHostTest, RefusesWhatIsNoPlugin) {
  EXPECT_EQ(refusal("no_descriptor"),
            "not an mvn plugin (it exports no 'mvn_plugin'; is MVN_PLUGIN missing?)");
}

TEST_F(PluginHostTest, RefusesADescriptorWithoutAName) {
  EXPECT_EQ(refusal("no_name"),
            "its descriptor has no name, version or register function; use MVN_PLUGIN");
}

TEST_F(PluginHostTest, RefusesAPluginThatThrowsWhileItRegisters) {
  EXPECT_EQ(refusal("throws_on_register"),
            "failed while it registered its components: no licence for this machine");
}

TEST_F(PluginHostTest, SaysWhichFunctionIsMissing) {
  EXPECT_EQ(refusal("undefined_symbol"),
            "cannot be opened: undefined symbol: 'elsewhere::function_of_another_library(int)'; "
            "possibly built with another LibTorch or compiler");
}

TEST_F(PluginHostTest, RefusesAFileThatIsNoLibrary) {
  std::ofstream(folder_ / "garbage.so") << "this is no library at all, however long it gets";
  const PluginHost host({folder_});
  ASSERT_EQ(host.refused().size(), 1U);
  EXPECT_EQ(host.refused()[0].reason, "cannot be opened: file too short");
}

TEST_F(PluginHostTest, TwoPluginsOfOneComponentAreAnErrorNamingBothFiles) {
  fs::copy_file(fs::path(MVN_TEST_PLUGINS) / "toy.so", folder_ / "one.so");
  fs::copy_file(fs::path(MVN_TEST_PLUGINS) / "toy.so", folder_ / "two.so");
  EXPECT_EQ(test::error_of([&] { const PluginHost host({folder_}); }),
            "model 'toy' is defined by both " + (folder_ / "one.so").string() + " and " +
                (folder_ / "two.so").string() + "; remove one of them");
}

TEST_F(PluginHostTest, TheFirstFolderOfTwoWithTheSameFileCounts) {
  fs::copy_file(fs::path(MVN_TEST_PLUGINS) / "toy.so", folder_ / "toy.so");
  const PluginHost host({folder_, MVN_TEST_PLUGINS});
  EXPECT_EQ(host.components()[0].file, folder_ / "toy.so");
  EXPECT_EQ(host.components().size(), 3U);
}

TEST_F(PluginHostTest, AnUnknownNameGetsTheNearestAndTheFolders) {
  const PluginHost host({MVN_TEST_PLUGINS});
  EXPECT_EQ(test::error_of([&] { static_cast<void>(host.model("tpy")); }),
            "model.plugin: no model named 'tpy'; did you mean 'toy'? (known: toy); plugins were "
            "looked for in " MVN_TEST_PLUGINS);
}

TEST_F(PluginHostTest, ANameWhosePluginWasRefusedGetsTheReason) {
  fs::copy_file(fs::path(MVN_BAD_PLUGINS) / "stale_api.so", folder_ / "mamba.so");
  const PluginHost host({folder_});
  EXPECT_EQ(test::error_of([&] { static_cast<void>(host.model("mamba")); }),
            "model.plugin: cannot use plugin " + (folder_ / "mamba.so").string() +
                ": built for plugin API 0, but this mvn uses plugin API 12; rebuild the plugin");
}

TEST_F(PluginHostTest, SearchesTheGivenFoldersThenTheVariableThenBesideTheProgram) {
  ::setenv("MVN_PLUGIN_PATH", "/opt/one::relative:/opt/two", 1);
  const auto folders = plugin_folders({folder_});
  ::unsetenv("MVN_PLUGIN_PATH");
  ASSERT_EQ(folders.size(), 4U);
  EXPECT_EQ(folders[0], folder_);
  EXPECT_EQ(folders[1], "/opt/one");
  EXPECT_EQ(folders[2], "/opt/two");
  EXPECT_TRUE(folders[3].string().ends_with("lib/mvn/plugins"));
}

TEST_F(PluginHostTest, AFolderThatIsGivenMustBeThere) {
  EXPECT_EQ(test::error_of([] { static_cast<void>(plugin_folders({"/no/such/folder"})); }),
            "--plugin-dir /no/such/folder: no such folder");
}

}  // namespace
}  // namespace mvn
