#include "classification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dataset.h"
#include "head.h"
#include "pretraining.h"
#include "support/byte_tokenizer.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "support/tiny_model.h"

namespace mvn::test {
namespace {

Params params_for(const std::string& train, const std::string& validation, Value::Map more = {}) {
  Value::Map values = {
      {"train", train}, {"validation", validation}, {"text", "text"}, {"label", "label"}};
  for (const auto& [name, value] : more) values[name] = value;
  return Params("task", classification_entry().params, values);
}

std::string dataset_error(const std::string& train, const std::string& validation,
                          const Value::Map& more = {}) {
  return error_of([&] { static_cast<void>(read_dataset(params_for(train, validation, more))); });
}

TEST(Classes, AreSortedAsNumbersWhereAllAreIntegers) {
  EXPECT_EQ((std::vector<std::string>{"-1", "2", "10"}), Classes({"10", "2", "-1", "2"}).names());
  EXPECT_EQ((std::vector<std::string>{"10", "2", "b"}), Classes({"2", "b", "10"}).names());
}

TEST(Dataset, NumbersTheLabelsByTheTrainingClasses) {
  const TemporaryFolder folder;
  const auto train = folder.write("train.csv", "text,label\nx,pos\ny,neg\nz,pos\n");
  const auto validation = folder.write("validation.csv", "label,text\nneg,v\n");
  const auto dataset = read_dataset(params_for(train, validation));
  EXPECT_EQ((std::vector<std::string>{"neg", "pos"}), dataset.classes.names());
  EXPECT_EQ((std::vector<std::int64_t>{1, 0, 1}), dataset.train.labels);
  EXPECT_EQ((std::vector<std::string>{"x", "y", "z"}), dataset.train.texts);
  EXPECT_EQ((std::vector<std::int64_t>{0}), dataset.validation.labels);
  EXPECT_TRUE(dataset.test.texts.empty());
}

TEST(Dataset, SaysWhatIsWrongAndWhere) {
  const TemporaryFolder folder;
  const auto good = folder.write("good.csv", "text,label\nx,pos\ny,neg\n").string();
  const auto one = folder.write("one.csv", "text,label\nx,pos\n").string();
  const auto none = folder.write("none.csv", "text,label\n").string();
  const auto other = folder.write("other.csv", "text,label\nx,pos\ny,nag\n").string();
  const auto blank = folder.write("blank.csv", "text,label\nx,pos\ny,\n").string();
  EXPECT_EQ(one + ": every row has the label 'pos'; classification needs two classes or more",
            dataset_error(one, good));
  EXPECT_EQ(none + ": has no rows", dataset_error(none, good));
  EXPECT_EQ(none + ": has no rows", dataset_error(good, none));
  EXPECT_EQ(other + ":3: label 'nag' does not occur in " + good +
                "; did you mean 'neg'? (known: neg, pos)",
            dataset_error(good, other));
  EXPECT_EQ(blank + ":3: the label in column 'label' is empty", dataset_error(blank, good));
  EXPECT_NE("", dataset_error(good, good, {{"text", "txt"}}));
}

TEST(Dataset, ClassesMayBeSaid) {
  const TemporaryFolder folder;
  const auto file = folder.write("v.csv", "text,label\nx,pos\ny,pos\n").string();
  const auto read = [&](Value::Map values) {
    values.insert({{"validation", file}, {"text", "text"}, {"label", "label"}});
    return read_dataset(Params("task", dataset_params(), values));
  };
  const auto dataset = read({{"classes", Value::List{"pos", "neg"}}});
  EXPECT_EQ((std::vector<std::string>{"neg", "pos"}), dataset.classes.names());
  EXPECT_EQ((std::vector<std::int64_t>{1, 1}), dataset.validation.labels);
  EXPECT_EQ(file + ": every row has the label 'pos'; classification needs two classes or more",
            error_of([&] { read({}); }));
  EXPECT_EQ(file + ":2: label 'pos' is none of task.classes (known: good, neg)", error_of([&] {
              read({{"classes", Value::List{"neg", "good"}}});
            }));
  EXPECT_EQ("task.classes: classification needs two classes or more", error_of([&] {
              read({{"classes", Value::List{"pos"}}});
            }));
  // Where nothing trains, the classes are those of all the files.
  const auto test = folder.write("t.csv", "text,label\nx,neg\n").string();
  EXPECT_EQ((std::vector<std::string>{"neg", "pos"}), read({{"test", test}}).classes.names());
}

TEST(Head, TakesTheLastRealTokenWhicheverSideIsPadded) {
  const auto mask =
      torch::tensor({{1, 1, 0, 0}, {0, 0, 1, 1}, {1, 1, 1, 1}}, torch::kInt).to(torch::kBool);
  EXPECT_TRUE(torch::equal(torch::tensor({1, 3, 3}), last_token(mask)));
}

TEST(Head, StartsNormalWithDeviationTwoHundredths) {
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(1);
  const ClassificationHead head(200, 50, torch::kFloat32, generator);
  const auto weight = head.named_parameters()["score.weight"];
  EXPECT_EQ((std::vector<std::int64_t>{50, 200}), weight.sizes().vec());
  EXPECT_NEAR(0.02, weight.std().item<double>(), 0.001);
  EXPECT_NEAR(0, weight.mean().item<double>(), 0.001);
  EXPECT_EQ(1U, head.parameters().size());
}

// A task over four training rows and two to validate on, prepared, with its model and head.
struct Prepared {
  explicit Prepared(Value::Map more = {}) {
    const auto train = folder.write("t.csv", "text,label\nabc,pos\nb,neg\n\"\",pos\nabcd,neg\n");
    const auto validation = folder.write("v.csv", "text,label\nab,neg\nabc,pos\nc,neg\n");
    const auto params = params_for(train, validation, std::move(more));
    task->prepare({.params = params,
                   .tokenizer = std::make_shared<ByteTokenizer>(),
                   .max_length = 3,
                   .cache_folder = {}});
    auto generator = torch::make_generator<at::CPUGeneratorImpl>(3);
    head = task->make_head(*model, torch::kFloat32, generator);
  }

  TemporaryFolder folder;
  std::unique_ptr<Task> task = classification_entry().make();
  std::shared_ptr<TinyModel> model = std::make_shared<TinyModel>(259, 8, 1);
  std::shared_ptr<torch::nn::Module> head;
};

TEST(Classification, ACheckKnowsTheClassesAndTheShapeOfTheHead) {
  const TemporaryFolder folder;
  const auto file = folder.write("t.csv", "text,label\nx,pos\ny,neg\nz,mid\n");
  const auto params = params_for(file, file);
  const auto task = classification_entry().make();
  task->check({.params = params, .tokenizer = nullptr, .max_length = 0, .cache_folder = {}});
  EXPECT_EQ(Value("mid"), task->config().at("id2label").as_map().at("0"));
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(3);
  const auto shapes = torch::TensorOptions().device(torch::kMeta);
  const auto head = task->make_head(TinyModel(259, 8, 1, shapes), shapes, generator);
  EXPECT_EQ((std::vector<std::int64_t>{3, 8}), head->parameters()[0].sizes().vec());
}

TEST(Classification, WithoutTrainingNoTrainingFileIsNeeded) {
  const TemporaryFolder folder;
  const auto file = folder.write("v.csv", "text,label\nx,pos\ny,neg\n");
  const Params params("task", classification_entry().params,
                      {{"validation", file.string()}, {"text", "text"}, {"label", "label"}});
  const auto context = [&](bool trains) {
    return TaskContext{.params = params,
                       .tokenizer = std::make_shared<ByteTokenizer>(),
                       .max_length = 8,
                       .cache_folder = {},
                       .threads = 1,
                       .kept = nullptr,
                       .trains = trains};
  };
  const auto task = classification_entry().make();
  const std::string missing =
      "task.train: is required: training examples; only training: {steps: 0} needs none";
  EXPECT_EQ(missing, error_of([&] { task->check(context(true)); }));
  EXPECT_EQ(missing, error_of([&] { task->prepare(context(true)); }));
  task->check(context(false));
  task->prepare(context(false));
  EXPECT_EQ(0, task->size(Split::kTrain));
  EXPECT_EQ(2, task->size(Split::kValidation));
  EXPECT_EQ(std::vector<std::filesystem::path>{file}, task->data_files());
}

TEST(Classification, CollatesWithPaddingOnTheRight) {
  const Prepared p;
  EXPECT_EQ(4, p.task->size(Split::kTrain));
  EXPECT_EQ(3, p.task->size(Split::kValidation));
  EXPECT_EQ(0, p.task->size(Split::kTest));
  const std::vector<std::int64_t> examples = {3, 1, 2};
  const auto batch = p.task->collate(Split::kTrain, examples);
  const auto end = std::int64_t{ByteTokenizer::kEndOfText};
  EXPECT_TRUE(torch::equal(
      torch::tensor(std::vector<std::int64_t>{'a', 'b', 'c', 'b', 0, 0, end, 0, 0}).reshape({3, 3}),
      batch.ids));
  EXPECT_TRUE(torch::equal(
      torch::tensor({1, 1, 1, 1, 0, 0, 1, 0, 0}).reshape({3, 3}).to(torch::kBool), batch.mask));
  EXPECT_TRUE(torch::equal(torch::tensor(std::vector<std::int64_t>{0, 0, 1}), batch.labels));
  EXPECT_EQ(examples, batch.examples);
  EXPECT_DOUBLE_EQ(3, p.task->loss_count(Split::kTrain, examples));
}

TEST(Classification, LossIsTheSumOverExamplesAndPaddingChangesNothing) {
  const Prepared p;
  double alone = 0;
  for (const std::int64_t example : {0, 1, 2, 3}) {
    const auto batch = p.task->collate(Split::kTrain, std::vector<std::int64_t>{example});
    alone += p.task->loss(*p.model, batch).sum.item<double>();
  }
  const auto all =
      p.task->loss(*p.model, p.task->collate(Split::kTrain, std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_NEAR(alone, all.sum.item<double>(), 1e-5);
  EXPECT_DOUBLE_EQ(4, all.count);
  all.sum.backward();
  EXPECT_GT(p.head->parameters()[0].grad().abs().sum().item<double>(), 0);
}

// Three training rows of one class and one of the other.
class Uneven : public testing::Test {
 protected:
  Prepared prepared(Value::Map more = {}) {
    more["train"] = folder_.write("u.csv", "text,label\na,x\nb,x\nc,x\nd,y\n").string();
    more["validation"] = folder_.write("v.csv", "text,label\nabcd,x\ne,y\n").string();
    return Prepared(std::move(more));
  }

  static Batch all(const Prepared& p) {
    return p.task->collate(Split::kTrain, std::vector<std::int64_t>{0, 1, 2, 3});
  }

  // Minus the log of each row's probability of each class.
  static torch::Tensor surprise(const Prepared& p) {
    const auto batch = all(p);
    const auto hidden = p.model->forward_at(batch.ids, batch.mask, last_token(batch.mask));
    return -torch::linear(hidden, p.head->parameters()[0]).log_softmax(1);
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(Uneven, BalancedClassesCountAlikeInTheLoss) {
  const auto p = prepared({{"class_weights", "balanced"}});
  const auto loss = p.task->loss(*p.model, all(p));
  // scikit-learn: 4 / (2 * 3) and 4 / (2 * 1).
  const auto rows = surprise(p);
  const auto expected = (rows.slice(0, 0, 3).select(1, 0).sum() * 4 / 6 + rows[3][1] * 2);
  EXPECT_NEAR(expected.item<double>(), loss.sum.item<double>(), 1e-5);
  EXPECT_NEAR(4, loss.count, 1e-6);
  EXPECT_NEAR(2 + 4.0 / 6, p.task->loss_count(Split::kTrain, std::vector<std::int64_t>{0, 3}),
              1e-6);
  EXPECT_EQ(2, p.task->loss_count(Split::kValidation, std::vector<std::int64_t>{0, 1}));
}

TEST_F(Uneven, LabelsMayBeSmoothed) {
  const auto p = prepared({{"label_smoothing", 0.2}});
  const auto loss = p.task->loss(*p.model, all(p));
  const auto rows = surprise(p);
  const auto own = rows.slice(0, 0, 3).select(1, 0).sum() + rows[3][1];
  const auto expected = own * 0.8 + rows.sum() * (0.2 / 2);
  EXPECT_NEAR(expected.item<double>(), loss.sum.item<double>(), 1e-5);
  EXPECT_EQ(4, loss.count);
}

TEST_F(Uneven, HasACardAndSaysWhatItCuts) {
  const auto p = prepared();
  const auto card = p.task->card();
  EXPECT_EQ(card.at("train.rows"), Value(4));
  EXPECT_EQ(card.at("train.largest_class"), Value(3));
  EXPECT_EQ(card.at("train.smallest_class"), Value(1));
  EXPECT_EQ(card.at("validation.tokens_max"), Value(3));
  EXPECT_EQ(card.at("validation.truncated_share"), Value(0.5));
  EXPECT_FALSE(card.contains("test.rows"));
  EXPECT_EQ(p.task->warnings(),
            std::vector<std::string>{"1 of 2 texts of validation are longer than the model reads "
                                     "and lose their end (training.max_length)"});
  EXPECT_EQ(p.task->summary().size(), 2U);
}

TEST_F(Uneven, TheEndThatIsCutOffMayBeSaid) {
  const auto p = prepared({{"truncation", "left"}});
  const auto batch = p.task->collate(Split::kValidation, std::vector<std::int64_t>{0});
  EXPECT_TRUE(torch::equal(torch::tensor(std::vector<std::int64_t>{'b', 'c', 'd'}).reshape({1, 3}),
                           batch.ids));
}

TEST(Classification, EvaluatesByHandComputedFigures) {
  const Prepared p;
  const torch::NoGradGuard no_grad;
  const auto batch = p.task->collate(Split::kValidation, std::vector<std::int64_t>{0, 1, 2});
  // A head that answers "pos" with log-odds far above 0 whatever the input.
  const auto hidden = p.model->forward_at(batch.ids, batch.mask, last_token(batch.mask));
  p.head->parameters()[0].zero_();
  p.head->parameters()[0][1].copy_(torch::linalg_pinv(hidden).matmul(torch::full({3}, 2.F)));
  auto evaluation = p.task->start_evaluation(Split::kValidation);
  evaluation->add(*p.model, batch);
  const auto result = evaluation->finish();
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : result.metrics) metrics[name] = value;
  const double log_odds = std::log1p(std::exp(-2.0));  // -log P(pos)
  EXPECT_NEAR((log_odds + 2 * (log_odds + 2)) / 3, metrics["loss"], 1e-4);
  EXPECT_NEAR(1.0 / 3, metrics["accuracy"], 1e-12);
  EXPECT_NEAR(2.0 / 3, metrics["majority"], 1e-12);
  EXPECT_NEAR(0.25, metrics["macro_f1"], 1e-12);
  EXPECT_DOUBLE_EQ(0, metrics["mcc"]);
  EXPECT_DOUBLE_EQ(3, metrics["examples"]);
  EXPECT_DOUBLE_EQ(2, metrics["labelled/neg"]);
  EXPECT_DOUBLE_EQ(3, metrics["predicted/pos"]);
  ASSERT_EQ(3U, result.predictions.size());
  EXPECT_EQ(1, result.predictions[1].label);
  EXPECT_EQ(1, result.predictions[0].predicted);
  EXPECT_NEAR(1 / (1 + std::exp(-2.0)), result.predictions[0].confidence, 1e-4);
}

TEST(Classification, NamesItsClassesInTheConfiguration) {
  const Prepared p;
  const Value::Map expected = {{"id2label", Value::Map{{"0", "neg"}, {"1", "pos"}}},
                               {"label2id", Value::Map{{"neg", 0}, {"pos", 1}}},
                               {"num_labels", 2},
                               {"problem_type", "single_label_classification"}};
  EXPECT_EQ(expected, p.task->config());
}

TEST(Classification, ATokenizerOfALargerVocabularyIsRefused) {
  Prepared p;
  const TinyModel small(99, 4, 1);
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(3);
  EXPECT_EQ("model.tokenizer: gives the data ids up to 258, but the model's vocabulary has 99 rows",
            error_of([&] { p.task->make_head(small, torch::kFloat32, generator); }));
}

TEST(Pretraining, CountsNatsAgainstTheBytesOfTheText) {
  const TemporaryFolder folder;
  const auto text = folder.write("t.txt", "abcdefg");
  const Params params("task", pretraining_entry().params,
                      {{"train", text.string()}, {"validation", text.string()}, {"block", 3}});
  auto task = pretraining_entry().make();
  task->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(),
                 .max_length = 0,
                 .cache_folder = {}});
  TinyModel model(259, 8, 1);
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(3);
  EXPECT_EQ(nullptr, task->make_head(model, torch::kFloat32, generator));
  ASSERT_EQ(3, task->size(Split::kTrain));
  const auto batch = task->collate(Split::kTrain, std::vector<std::int64_t>{0, 2});
  const auto loss = task->loss(model, batch);
  EXPECT_DOUBLE_EQ(5, loss.count);
  EXPECT_DOUBLE_EQ(5, task->loss_count(Split::kTrain, std::vector<std::int64_t>{0, 2}));

  auto evaluation = task->start_evaluation(Split::kValidation);
  double nats = 0;
  for (const std::int64_t block : {0, 1, 2}) {
    const auto one = task->collate(Split::kValidation, std::vector<std::int64_t>{block});
    evaluation->add(model, one);
    nats += task->loss(model, one).sum.item<double>();
  }
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : evaluation->finish().metrics) metrics[name] = value;
  EXPECT_NEAR(nats / 8, metrics["loss"], 1e-5);
  EXPECT_NEAR(std::exp(nats / 8), metrics["perplexity"], 1e-2);
  EXPECT_NEAR(nats / std::log(2) / 7, metrics["bits_per_byte"], 1e-5);
  EXPECT_DOUBLE_EQ(8, metrics["tokens"]);
}

// The figures of a model that sees two texts' last words beside blocks of text, one batch for all.
TEST(Pretraining, GuessesLastWordsBesideItsTestText) {
  const TemporaryFolder folder;
  const auto text = folder.write("t.txt", "abcdefg");
  const auto words = folder.write("w.jsonl", "{\"text\": \"ab cd\"}\n{\"text\": \"abcdefgh i\"}\n");
  const Params params("task", pretraining_entry().params,
                      {{"train", text.string()},
                       {"validation", text.string()},
                       {"test", text.string()},
                       {"last_word", words.string()},
                       {"block", 3}});
  auto task = pretraining_entry().make();
  task->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(),
                 .max_length = 0,
                 .cache_folder = {}});
  ASSERT_EQ(5, task->size(Split::kTest));
  EXPECT_EQ(9, task->lengths(Split::kTest)[4]);  // "abcdefgh " before the i
  TinyModel model(259, 8, 1);
  const torch::NoGradGuard no_grad;
  const auto figures = [&](const std::vector<std::vector<std::int64_t>>& batches) {
    auto evaluation = task->start_evaluation(Split::kTest);
    for (const auto& examples : batches) {
      evaluation->add(model, task->collate(Split::kTest, examples));
    }
    std::map<std::string, double> metrics;
    for (const auto& [name, value] : evaluation->finish().metrics) metrics[name] = value;
    return metrics;
  };
  const auto together = figures({{3, 0, 4, 1, 2}});
  EXPECT_DOUBLE_EQ(8, together.at("tokens"));
  EXPECT_DOUBLE_EQ(2, together.at("last_word_examples"));
  const auto apart = figures({{0}, {1, 2}, {3}, {4}});
  for (const auto& [name, value] : together)
    EXPECT_NEAR(value, apart.at(name), 1e-5 * value) << name;

  // By hand, for " cd" after "ab".
  const auto ids = torch::tensor(std::vector<std::int64_t>{'a', 'b', ' ', 'c'}).unsqueeze(0);
  const auto hidden = model.forward(ids, torch::ones_like(ids, torch::kBool)).squeeze(0);
  const auto chances = model.lm_logits(hidden.narrow(0, 1, 3)).log_softmax(1);
  double nats = 0;
  bool right = true;
  const std::string word = " cd";
  for (std::int64_t i = 0; i < 3; ++i) {
    nats -= chances[i][word[static_cast<std::size_t>(i)]].item<double>();
    right = right && chances[i].argmax().item<std::int64_t>() == word[static_cast<std::size_t>(i)];
  }
  const auto one = figures({{3}});
  EXPECT_FALSE(one.contains("loss"));
  EXPECT_NEAR(std::exp(nats), one.at("last_word_perplexity"), 1e-3 * std::exp(nats));
  EXPECT_DOUBLE_EQ(right ? 1 : 0, one.at("last_word_accuracy"));
}

// Guesses what it is told to, whatever it reads.
class Guesser : public TinyModel {
 public:
  explicit Guesser(std::string text) : TinyModel(259, 8, 1), text_(std::move(text)) {}
  torch::Tensor lm_logits(const torch::Tensor& hidden) override {
    auto logits = torch::zeros({hidden.size(0), 259});
    for (std::int64_t i = 0; i < hidden.size(0); ++i) {
      logits[i][text_.at(static_cast<std::size_t>(i))] = 9;
    }
    return logits;
  }

 private:
  std::string text_;
};

TEST(Pretraining, AWordIsRightWhereAllOfItsTokensAre) {
  const TemporaryFolder folder;
  const auto text = folder.write("t.txt", "abcdefg");
  const auto words = folder.write("w.jsonl", "{\"text\": \"ab cd\"}\n{\"text\": \"abcdefgh i\"}\n");
  const Params params(
      "task", pretraining_entry().params,
      {{"train", text.string()}, {"validation", text.string()}, {"last_word", words.string()}});
  auto task = pretraining_entry().make();
  task->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(),
                 .max_length = 0,
                 .cache_folder = {}});
  const auto accuracy = [&](const std::string& guesses) {
    Guesser model(guesses);
    auto evaluation = task->start_evaluation(Split::kTest);
    evaluation->add(model, task->collate(Split::kTest, std::vector<std::int64_t>{0, 1}));
    return evaluation->finish().metrics.at(0);
  };
  EXPECT_EQ("last_word_accuracy", accuracy(" cd i").name);
  EXPECT_DOUBLE_EQ(1, accuracy(" cd i").value);
  EXPECT_DOUBLE_EQ(0.5, accuracy(" cx i").value);
  EXPECT_DOUBLE_EQ(0.5, accuracy(" cd x").value);
  EXPECT_DOUBLE_EQ(0, accuracy("xcdxi").value);
}

TEST(Pretraining, ABlockLongerThanTheModelReadsIsRefused) {
  const TemporaryFolder folder;
  const auto text = folder.write("t.txt", "abcdefg");
  const Params params("task", pretraining_entry().params,
                      {{"train", text.string()}, {"validation", text.string()}, {"block", 65}});
  auto task = pretraining_entry().make();
  task->prepare({.params = params,
                 .tokenizer = std::make_shared<ByteTokenizer>(),
                 .max_length = 0,
                 .cache_folder = {}});
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(3);
  EXPECT_EQ("task.block: is 65, but the model reads at most 64 tokens",
            error_of([&] { task->make_head(TinyModel(259, 8, 1), torch::kFloat32, generator); }));
  // A check is enough to find it.
  task = pretraining_entry().make();
  task->check({.params = params, .tokenizer = nullptr, .max_length = 0, .cache_folder = {}});
  EXPECT_EQ("task.block: is 65, but the model reads at most 64 tokens",
            error_of([&] { task->make_head(TinyModel(259, 8, 1), torch::kFloat32, generator); }));
}

TEST(Pretraining, WithoutTrainingNoTextToTrainOnIsNeeded) {
  const TemporaryFolder folder;
  const auto text = folder.write("t.txt", "abcdefg");
  const Params params("task", pretraining_entry().params,
                      {{"validation", text.string()}, {"block", 3}});
  const auto context = [&](bool trains) {
    return TaskContext{.params = params,
                       .tokenizer = std::make_shared<ByteTokenizer>(),
                       .max_length = 0,
                       .cache_folder = {},
                       .threads = 1,
                       .kept = nullptr,
                       .trains = trains};
  };
  const auto task = pretraining_entry().make();
  EXPECT_EQ("task.train: is required: training text; only training: {steps: 0} needs none",
            error_of([&] { task->check(context(true)); }));
  task->check(context(false));
  task->prepare(context(false));
  EXPECT_EQ(0, task->size(Split::kTrain));
  EXPECT_EQ(3, task->size(Split::kValidation));
}

}  // namespace
}  // namespace mvn::test
