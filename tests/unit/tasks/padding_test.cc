// How much of real data's batches is padding.
#include <gtest/gtest.h>

#include <algorithm>

#include "dataset.h"
#include "support/shared_data.h"
#include "tokens.h"
#include "train/tokenizers/load.h"
#include "train/trainer/batches.h"

namespace mvn::test {
namespace {

struct Case {
  const char* name;
  const char* train;
  const char* text;
  const char* label;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

double padding_share(const TokenStore& tokens, std::int64_t batch_size) {
  TrainingOptions options;
  options.batch_size = batch_size;
  double real = 0;
  double cells = 0;
  for (const auto& batch : plan_epoch(tokens.lengths(), options, 0, 0)) {
    std::int32_t longest = 0;
    for (const auto example : batch) {
      const auto length = tokens.lengths()[static_cast<std::size_t>(example)];
      real += length;
      longest = std::max(longest, length);
    }
    cells += static_cast<double>(longest) * static_cast<double>(batch.size());
  }
  return 1 - real / cells;
}

class PaddingTest : public testing::TestWithParam<Case> {};

TEST_P(PaddingTest, IsUnderThreePercentOfABatch) {
  const auto& [name, file, text, label] = GetParam();
  for (const char* needed : {file, "tokenizers/gpt2"}) {
    if (!has_shared_data(needed)) GTEST_SKIP() << no_shared_data(needed);
  }
  const std::string path = shared_data(file).string();
  const Params params("task", dataset_params(),
                      {{"train", path}, {"validation", path}, {"text", text}, {"label", label}});
  const auto tokenizer = load_tokenizer(shared_data("tokenizers/gpt2"), "model.tokenizer");
  const auto tokens = tokenise(*tokenizer, read_dataset(params).train.texts, 512);
  for (const std::int64_t batch_size : {16, 32, 64}) {
    const double share = padding_share(tokens, batch_size);
    RecordProperty("padding_share_" + std::to_string(batch_size), std::to_string(share));
    EXPECT_LT(share, 0.03) << "in batches of " << batch_size;
  }
  EXPECT_GT(tokens.size(), 5000);
}

INSTANTIATE_TEST_SUITE_P(
    , PaddingTest,
    testing::Values(Case{"sst2", "sst2/train.tsv", "sentence", "label"},
                    Case{"sst2_glue", "sst2-glue/train.tsv", "sentence", "label"},
                    Case{"banking77", "banking77/train.csv", "text", "category"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace mvn::test
