#include "embedding.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pooling.h"
#include "support/error_of.h"
#include "support/tensors.h"
#include "support/tiny_model.h"
#include "task_fixture.h"

namespace mvn::test {
namespace {

// The text of a row of a batch, with the special tokens' ids as <n>.
std::string text_of(const Batch& batch, std::int64_t row) {
  std::string text;
  for (std::int64_t column = 0; column < batch.ids.size(1); ++column) {
    if (!batch.mask[row][column].item<bool>()) continue;
    const auto id = batch.ids[row][column].item<std::int64_t>();
    text += id < 256 ? std::string(1, static_cast<char>(id)) : "<" + std::to_string(id) + ">";
  }
  return text;
}

TEST(Embedding, ABatchHasAllTextsOfItsPairs) {
  const SmallPairs pairs;
  const auto task = pairs.task();
  EXPECT_EQ(12, task->size(Split::kTrain));
  const auto batch = task->collate(Split::kTrain, std::vector<std::int64_t>{3, 1});
  ASSERT_EQ(5, batch.ids.size(0));
  EXPECT_EQ("dd?<258>", text_of(batch, 0));
  EXPECT_EQ("dddd<258>", text_of(batch, 1));
  EXPECT_EQ("no dd<258>", text_of(batch, 2));
  EXPECT_EQ("bbbbbb?<258>", text_of(batch, 3));
  EXPECT_EQ("bbbbbbbbbbb<258>", text_of(batch, 4));  // cut to 12
  EXPECT_EQ((std::vector<std::string>{
                "4 of 28 texts of train are longer than the model reads and lose what is beyond "
                "(training.max_length)"}),
            task->warnings());
}

TEST(Embedding, PromptsGoToTheirSideAlone) {
  const SmallPairs pairs;
  const auto batch_of = [&](const Value::Map& more, Split split) {
    return pairs.task(more, 100)->collate(split, std::vector<std::int64_t>{0});
  };
  const Value::Map e5 = {{"instruction", "Find it"}};
  const auto batch = batch_of(e5, Split::kTrain);
  EXPECT_EQ("Instruct: Find it\nQuery: a?<258>", text_of(batch, 0));
  EXPECT_EQ("aa<258>", text_of(batch, 1));
  EXPECT_EQ("no a<258>", text_of(batch, 2));
  EXPECT_EQ("Instruct: Find it\nQuery: a<258>", text_of(batch_of(e5, Split::kValidation), 0));
  const Value::Map sgpt = {
      {"query_prompt", "[{text}]"}, {"document_prompt", "{{text}}"}, {"sts_prompt", "{text}"}};
  EXPECT_EQ("[a?]<258>", text_of(batch_of(sgpt, Split::kTrain), 0));
  EXPECT_EQ("{aa}<258>", text_of(batch_of(sgpt, Split::kTrain), 1));
  EXPECT_EQ("a<258>", text_of(batch_of(sgpt, Split::kValidation), 0));
  EXPECT_EQ("task.query_prompt: needs {text} once, where each text goes, got 'Query: '",
            error_of([&] {
              batch_of({{"query_prompt", "Query: "}}, Split::kTrain);
            }));
}

TEST(Embedding, TheEndOfTextIsAppendedForTheLastToken) {
  const SmallPairs pairs;
  const auto first = [&](const Value::Map& more) {
    return text_of(pairs.task(more)->collate(Split::kTrain, std::vector<std::int64_t>{0}), 0);
  };
  EXPECT_EQ("a?<258>", first({}));
  EXPECT_EQ("a?", first({{"end_of_text", false}}));
  EXPECT_EQ("a?", first({{"pooling", "mean"}}));
  EXPECT_EQ("a?<258>", first({{"pooling", "mean"}, {"end_of_text", true}}));
}

TEST(Embedding, WithoutAnEndOfTextTokenItSaysSo) {
  const SmallPairs pairs;
  const auto warnings_of = [&](const Value::Map& more) {
    const Params params("task", embedding_entry().params, pairs.values(more));
    const auto task = embedding_entry().make();
    task->prepare({.params = params,
                   .tokenizer = std::make_shared<ByteTokenizer>(false, false, -1),
                   .max_length = 0,
                   .cache_folder = {}});
    return task->warnings();
  };
  EXPECT_EQ((std::vector<std::string>{
                "the tokenizer has no end-of-text token: of each text the last word itself is "
                "pooled"}),
            warnings_of({}));
  EXPECT_EQ("task.end_of_text: the tokenizer has no end-of-text token", error_of([&] {
              warnings_of({{"end_of_text", true}});
            }));
  EXPECT_TRUE(warnings_of({{"pooling", "max"}}).empty());
}

TEST(Embedding, ATokenizerThatClosesTextsWithItIsLeftAlone) {
  const SmallPairs pairs;
  const Params params("task", embedding_entry().params, pairs.values());
  const auto task = embedding_entry().make();
  task->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(false, true, ByteTokenizer::kClose),
                 .max_length = 0,
                 .cache_folder = {}});
  EXPECT_EQ("a?<257>", text_of(task->collate(Split::kTrain, std::vector<std::int64_t>{0}), 0));
}

TEST(Embedding, AFullStepWithoutNegativesIsAnError) {
  const TemporaryFolder folder;
  const SmallPairs pairs;
  const auto train =
      folder.write("labels.csv", "text,label\na,x\nb,x\nc,x\nd,y\ne,y\nf,y\n").string();
  Value::Map values = {
      {"train", train}, {"validation_sts", pairs.sts}, {"text", "text"}, {"label", "label"}};
  const Params params("task", embedding_entry().params, values);
  const auto made = embedding_entry().make();
  made->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(),
                 .max_length = 0,
                 .cache_folder = {}});
  EXPECT_EQ("train: 6 pairs, of 2 labels", made->summary().front());
  auto& task = dynamic_cast<WholeBatchTask&>(*made);
  const auto vectors = torch::randn({4, 3}, generator());
  const std::vector<std::int64_t> same = {0, 1};
  const std::vector<std::int64_t> other = {0, 4};
  task.expect_batch_size(3);  // two are what an epoch leaves over
  EXPECT_EQ(0, task.loss_of(vectors, same).sum.item<double>());
  task.expect_batch_size(2);
  EXPECT_GT(task.loss_of(vectors, other).sum.item<double>(), 0);
  EXPECT_EQ(
      "a step of 2 pairs has no negative: every other document equals the positive; more "
      "training.batch_size helps",
      error_of([&] { static_cast<void>(task.loss_of(vectors, same)); }));
}

TEST(Embedding, MeasuresWhatTheModelSays) {
  const SmallPairs pairs;
  const auto task = pairs.task();
  TinyModel model(259, 8, 1);
  model.eval();
  const torch::NoGradGuard no_grad;
  const auto evaluation = task->start_evaluation(Split::kValidation);
  ASSERT_EQ(4, task->size(Split::kValidation));  // each text once
  for (const auto& some : {std::vector<std::int64_t>{3, 0}, {1}, {2}}) {
    evaluation->add(model, task->collate(Split::kValidation, some));
  }
  const auto result = evaluation->finish();
  ASSERT_EQ(2U, result.metrics.size());
  EXPECT_EQ("main_score", result.metrics[1].name);
  EXPECT_EQ("sts_spearman", result.metrics[0].name);
  const auto batch = task->collate(Split::kValidation, std::vector<std::int64_t>{0, 1, 2, 3});
  const auto vectors = embed(model, Pooling::kLast, batch.ids, batch.mask);
  const auto cosine = [&](int i, int j) {
    return torch::cosine_similarity(vectors[i], vectors[j], 0).item<double>();
  };
  // a b, c d, a c by their scores 1, 2, 3; the texts lie as a, c, b, d.
  const std::vector<double> cosines = {cosine(0, 2), cosine(1, 3), cosine(0, 1)};
  double expected = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto rank = std::ranges::count_if(cosines, [&](double c) { return c < cosines[i]; });
    expected += (static_cast<double>(rank) - 1) * (static_cast<double>(i) - 1) / 2;
  }
  EXPECT_NEAR(expected, result.metrics[0].value, 1e-12);
}

TEST(Embedding, ACheckSaysWhatIsWrongWithoutATokenizer) {
  const SmallPairs pairs;
  const auto check = [&](const Value::Map& more) {
    return error_of([&] {
      const Params params("task", embedding_entry().params, pairs.values(more));
      embedding_entry().make()->check(
          {.params = params, .tokenizer = nullptr, .max_length = 0, .cache_folder = {}});
    });
  };
  EXPECT_EQ("(no error)", check({}));
  EXPECT_EQ(
      "task.pooling: unknown value 'lst'; did you mean 'last'? (known: last, mean, "
      "weighted_mean, cls, max)",
      check({{"pooling", "lst"}}));
  EXPECT_EQ("task.symmetric: is for infonce; cosent is so already",
            check({{"symmetric", true}, {"loss", "cosent"}, {"score", "grade"}}));
  EXPECT_EQ("task.train: is required: training pairs; only training: {steps: 0} needs none",
            check({{"train", Value()}}));
  EXPECT_EQ(
      "task.validation_sts: is required: something to measure on while training, or "
      "task.validation_pairs, task.validation_corpus, task.validation_probe or "
      "task.validation_clusters",
      check({{"validation_sts", Value()}}));
}

}  // namespace
}  // namespace mvn::test
