// Replays features.json: small tokenizers, each with one feature more, against the reference's ids
// and decoded texts (features.py made it).
#include <gtest/gtest.h>

#include <sstream>

#include "common/json.h"
#include "support/temporary_folder.h"
#include "train/tokenizers/load.h"

namespace mvn {
namespace {

using Ids = std::vector<std::int32_t>;

// The variant's parts in place of its base's; the model's fields one by one.
Json tokenizer_of(const Json& features, const Json& variant) {
  const auto& base = variant["base"].get_ref<const std::string&>();
  Json json = base.empty() ? Json::object() : features["bases"][base];
  for (const auto& [name, part] : variant["patch"].items()) {
    if (name == "model" && json.contains("model")) {
      json["model"].update(part);
    } else {
      json[name] = part;
    }
  }
  return json;
}

Ids parse_ids(const std::string& text) {
  std::istringstream in(text);
  Ids ids;
  for (std::int32_t id = 0; in >> id;) ids.push_back(id);
  return ids;
}

TEST(TokenizerFeaturesTest, EveryVariantGivesTheReferencesIdsAndTexts) {
  const Json features = read_json(MVN_TEST_FOLDER "/features.json");
  const test::TemporaryFolder folder;
  const Json& texts = features["texts"];
  for (const auto& variant : features["variants"]) {
    SCOPED_TRACE(variant["base"].get<std::string>() + ": " + variant["name"].get<std::string>());
    const auto file = folder.write("tokenizer.json", tokenizer_of(features, variant).dump());
    const auto tokenizer = load_tokenizer(file, "model.tokenizer");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto& text = texts[i].get_ref<const std::string&>();
      const Ids expected = parse_ids(variant["ids"][i].get<std::string>());
      EXPECT_EQ(tokenizer->encode(text), expected) << texts[i];
      EXPECT_EQ(tokenizer->decode(expected), variant["decoded"][i].get<std::string>()) << texts[i];
    }
  }
  EXPECT_GT(features["variants"].size(), 50U);
}

}  // namespace
}  // namespace mvn
