// The published tokenizers against the reference library's ids, kept by compare.py --write: hashes
// for all shared data, 100,000 random texts and every code point, and the first random texts' ids
// in full. No Python needed.
#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

#include "common/files.h"
#include "common/json.h"
#include "support/shared_data.h"
#include "texts.h"
#include "train/tokenizers/load.h"

namespace mvn {
namespace {

using test::fnv;
using test::has_shared_data;
using test::kFnvStart;
using test::no_shared_data;
using test::shared_data;

struct Published {
  const char* name;   // in reference.json
  const char* files;  // in the shared data
};

std::string hex(std::uint64_t hash) {
  std::ostringstream out;
  out << std::hex << std::setw(16) << std::setfill('0') << hash;
  return out.str();
}

class TokenizerReferenceTest : public ::testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    const std::string files = std::string("tokenizers/") + GetParam().files;
    if (!has_shared_data(files)) GTEST_SKIP() << no_shared_data(files);
    tokenizer_ = load_tokenizer(shared_data(files), "model.tokenizer");
    reference_ = read_json(MVN_TEST_FOLDER "/reference.json");
    kept_ = reference_["by_tokenizer"][GetParam().name];
  }

  std::string hash_of_lines(std::string_view text) {
    std::uint64_t state = kFnvStart;
    while (true) {
      const std::size_t end = text.find('\n');
      state = fnv(tokenizer_->encode(text.substr(0, end)), state);
      if (end == std::string_view::npos) return hex(state);
      text.remove_prefix(end + 1);
    }
  }

  // Hashes of texts begin, begin + 1, ..., `block` at a time.
  template <typename Text>
  void check_blocks(const char* name, int count, int block, Text text_of) {
    for (int begin = 0; begin < count; begin += block) {
      std::uint64_t state = kFnvStart;
      for (int i = begin; i < begin + block; ++i)
        state = fnv(tokenizer_->encode(text_of(i)), state);
      EXPECT_EQ(hex(state), kept_[name][static_cast<std::size_t>(begin / block)].get<std::string>())
          << name << " from " << begin;
    }
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  Json reference_;
  Json kept_;
};

TEST_P(TokenizerReferenceTest, SharedData) {
  for (const auto& [name, hashes] : kept_["files"].items()) {
    if (!has_shared_data(name)) continue;
    const std::string text = read_file(shared_data(name));
    EXPECT_EQ(hash_of_lines(text), hashes[0].get<std::string>()) << name << ", by line";
    EXPECT_EQ(hex(fnv(tokenizer_->encode(text), kFnvStart)), hashes[1].get<std::string>())
        << name << ", whole";
  }
}

TEST_P(TokenizerReferenceTest, FirstRandomTextsInFull) {
  const Json& rows = kept_["full"];
  ASSERT_FALSE(rows.empty());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::istringstream row(rows[i].get<std::string>());
    std::vector<std::int32_t> expected;
    for (std::int32_t id = 0; row >> id;) expected.push_back(id);
    EXPECT_EQ(tokenizer_->encode(test::random_text(static_cast<int>(i))), expected)
        << "random text " << i;
  }
}

TEST_P(TokenizerReferenceTest, RandomTexts) {
  check_blocks("random", test::kRandomTexts, reference_["random_block"].get<int>(),
               test::random_text);
}

TEST_P(TokenizerReferenceTest, EveryCodePoint) {
  check_blocks("points", test::kBlockTexts, reference_["point_block"].get<int>() / 16,
               test::block_text);
}

INSTANTIATE_TEST_SUITE_P(Published, TokenizerReferenceTest,
                         ::testing::Values(Published{"gpt2", "gpt2"},
                                           Published{"gpt-neox-20b", "gpt-neox-20b"},
                                           Published{"mistral", "mistral"}),
                         [](const auto& published) {
                           std::string name = published.param.name;
                           std::erase_if(name, [](char c) { return c == '-'; });
                           return name;
                         });

}  // namespace
}  // namespace mvn
