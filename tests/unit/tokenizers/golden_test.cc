// Ids of known texts under the published tokenizers.
#include <gtest/gtest.h>

#include "support/shared_data.h"
#include "train/tokenizers/load.h"

namespace mvn {
namespace {

using test::has_shared_data;
using test::no_shared_data;
using test::shared_data;
using Ids = std::vector<std::int32_t>;

struct Golden {
  std::string text;
  Ids ids;
};

TEST(GoldenTest, GptNeoX) {
  const std::string folder = "tokenizers/gpt-neox-20b";
  if (!has_shared_data(folder)) GTEST_SKIP() << no_shared_data(folder);
  const auto tokenizer = load_tokenizer(shared_data(folder), "model.tokenizer");
  const std::vector<Golden> rows = {
      {"", {}},
      {"Hey how are you doing?", {8262, 849, 403, 368, 2509, 32}},
      {"Hello world", {12092, 1533}},
      {" Hello world", {24387, 1533}},
      {"a  b", {66, 50276, 67}},
      {"a   b", {66, 50275, 67}},
      {"if x:\n    return 1", {338, 1269, 27, 187, 50274, 2309, 337}},
      {"x" + std::string(25, ' ') + "y", {89, 50254, 340}},
      {"x" + std::string(26, ' ') + "y", {89, 50254, 50276, 90}},
      {"tab\t\tend", {8476, 186, 186, 423}},
      {"cafe\xCC\x81", {68, 2320, 860}},
      {"caf\xC3\xA9", {68, 2320, 860}},
      {"I'll DON'T don't", {42, 1833, 24694, 8, 53, 1053, 626}},
      {"2023 12345", {938, 1508, 1249, 16767}},
      {"<|endoftext|>hi", {0, 5801}},
      {"hi <|endoftext|> there", {5801, 209, 0, 627}},
      {"\xF0\x9F\x98\x80 ok", {14931, 235, 211, 8718}},
      {"a \n\n b", {66, 15267, 270}},
      {"  ", {50276}},
      {"\xE3\x80\x80x", {19409, 89}},
      {"\xC2\xA0x", {575, 89}},
      {"what is my balance?", {5371, 310, 619, 6654, 32}},
  };
  for (const auto& [text, ids] : rows) EXPECT_EQ(tokenizer->encode(text), ids) << text;
  EXPECT_EQ(tokenizer->vocabulary(), 50277);
  EXPECT_EQ(tokenizer->end_of_text(), 0);
  EXPECT_EQ(tokenizer->decode({66, 50276, 67, 0, 89, 50254, 340}),
            "a  b<|endoftext|>x" + std::string(25, ' ') + "y");
}

TEST(GoldenTest, Gpt2FromVocabularyAndMerges) {
  const std::string folder = "tokenizers/gpt2";
  if (!has_shared_data(folder)) GTEST_SKIP() << no_shared_data(folder);
  const auto tokenizer = load_tokenizer(shared_data(folder), "model.tokenizer");
  const std::vector<Golden> rows = {
      {"", {}},
      {"Hello world", {15496, 995}},
      {" Hello world", {18435, 995}},
      {"Hello<|endoftext|> world", {15496, 50256, 995}},
      {"a  b", {64, 220, 275}},
  };
  for (const auto& [text, ids] : rows) EXPECT_EQ(tokenizer->encode(text), ids) << text;
  EXPECT_EQ(tokenizer->vocabulary(), 50257);
  EXPECT_EQ(tokenizer->end_of_text(), 50256);
  EXPECT_EQ(tokenizer->decode({15496, 50256, 995}), "Hello<|endoftext|> world");
}

}  // namespace
}  // namespace mvn
