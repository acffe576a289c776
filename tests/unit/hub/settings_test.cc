#include "orchestrate/hub/settings.h"

#include <gtest/gtest.h>

#include "mvn/error.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::TemporaryFolder;
using Variables = std::map<std::string, std::string>;

HubSettings with(const Variables& variables) {
  return hub_settings([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(HubSettings, WhereTheCacheIs) {
  EXPECT_EQ(with({{"HOME", "/u"}}).cache, "/u/.cache/huggingface/hub");
  EXPECT_EQ(with({{"HOME", "/u"}, {"XDG_CACHE_HOME", "/x"}}).cache, "/x/huggingface/hub");
  EXPECT_EQ(with({{"HOME", "/u"}, {"HF_HOME", "~/hf"}}).cache, "/u/hf/hub");
  EXPECT_EQ(with({{"HF_HOME", "/hf"}, {"HF_HUB_CACHE", "/c"}}).cache, "/c");
  EXPECT_THROW(with({}), ConfigError);
}

TEST(HubSettings, Endpoint) {
  EXPECT_EQ(with({{"HF_HOME", "/hf"}}).endpoint, "https://huggingface.co");
  EXPECT_EQ(with({{"HF_HOME", "/hf"}, {"HF_ENDPOINT", "https://mirror.example/"}}).endpoint,
            "https://mirror.example");
  EXPECT_THROW(with({{"HF_HOME", "/hf"}, {"HF_ENDPOINT", "mirror.example"}}), ConfigError);
}

TEST(HubSettings, TheTokenIsThatOfTheEnvironmentOrOfAFile) {
  TemporaryFolder folder;
  folder.write("token", " hf_file\n");
  folder.write("other", "hf_other");
  const Variables home = {{"HF_HOME", folder.path().string()}};
  EXPECT_EQ(with(home).token, "hf_file");
  EXPECT_EQ(with(home).token_source, (folder.path() / "token").string());
  auto more = home;
  more["HF_TOKEN_PATH"] = (folder.path() / "other").string();
  EXPECT_EQ(with(more).token, "hf_other");
  more["HF_TOKEN"] = "hf_own\n";
  EXPECT_EQ(with(more).token, "hf_own");
  EXPECT_EQ(with(more).token_source, "HF_TOKEN");
  more["HF_TOKEN"] = "hf\r\nX-Other: 1";
  EXPECT_THROW(with(more), ConfigError);
  more["HF_HUB_OFFLINE"] = "1";
  EXPECT_EQ(with(more).token, "");
}

TEST(HubSettings, TimesAndSwitches) {
  const auto settings =
      with({{"HF_HOME", "/hf"}, {"HF_HUB_DOWNLOAD_TIMEOUT", "30"}, {"HF_HUB_OFFLINE", "true"}});
  EXPECT_EQ(settings.stall_seconds, 30);
  EXPECT_TRUE(settings.offline);
  EXPECT_FALSE(with({{"HF_HOME", "/hf"}, {"HF_HUB_OFFLINE", "0"}}).offline);
  EXPECT_THROW(with({{"HF_HOME", "/hf"}, {"HF_HUB_DOWNLOAD_TIMEOUT", "soon"}}), ConfigError);
}

}  // namespace
}  // namespace mvn
