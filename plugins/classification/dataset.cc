#include "dataset.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "data_notes.h"
#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "rows.h"
#include "sampling.h"

namespace mvn {
namespace {

constexpr std::array<const char*, 3> kSplits = {"train", "validation", "test"};

std::optional<std::int64_t> as_integer(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// `lacks` says what a label that is no class lacks.
Examples numbered(LabelledRows raw, const Classes& classes, const std::string& lacks) {
  Examples examples;
  for (auto& row : raw.rows) {
    const auto index = classes.index(row.label);
    if (!index) {
      throw DataError(raw.where(row) + "label '" + row.label + "' " + lacks +
                      suggest(row.label, classes.names()));
    }
    examples.labels.push_back(*index);
    if (row.second) {
      examples.are_pairs = true;
      examples.texts.push_back(row.text.substr(0, *row.second - 1));
      row.text.erase(0, *row.second);
    }
    examples.texts.push_back(std::move(row.text));
  }
  examples.files = std::move(raw.files);
  return examples;
}

std::vector<std::string> labels_of(const LabelledRows& rows) {
  std::vector<std::string> labels;
  labels.reserve(rows.rows.size());
  for (const auto& row : rows.rows) labels.push_back(row.label);
  return labels;
}

// Those of the indices, which ascend, and those that are left.
std::pair<LabelledRows, LabelledRows> divided(LabelledRows rows,
                                              const std::vector<std::size_t>& chosen) {
  LabelledRows taken{rows.files, {}};
  LabelledRows left{rows.files, {}};
  auto next = chosen.begin();
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const bool is_chosen = next != chosen.end() && *next == i;
    if (is_chosen) ++next;
    (is_chosen ? taken : left).rows.push_back(std::move(rows.rows[i]));
  }
  return {std::move(taken), std::move(left)};
}

// The splits of a task, each in its place: train, validation, test.
struct Splits {
  std::array<std::optional<LabelledRows>, 3> rows;
  std::vector<std::string> training_labels;  // of all training rows that the files have
  [[nodiscard]] std::vector<NamedRows> named() const {
    std::vector<NamedRows> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i]) all.push_back({kSplits[i], &*rows[i]});
    }
    return all;
  }
};

class SplitReader {
 public:
  explicit SplitReader(const Params& params)
      : params_(params), seed_(params.get_int("split_seed")) {}

  Splits read() {
    for (std::size_t i = 0; i < kSplits.size(); ++i) {
      if (params_.has(kSplits[i])) splits_.rows[i] = read_rows(params_, kSplits[i]);
    }
    if (splits_.rows[0]) splits_.training_labels = labels_of(*splits_.rows[0]);
    // Test rows first: with another share of validation rows they are the same.
    take_share(2, "test_share");
    take_share(1, "validation_share");
    if (!splits_.rows[1]) {
      throw ConfigError(params_.key("validation"),
                        "is required: examples to evaluate on while training, or " +
                            params_.key("validation_share") + ", a part of the training examples");
    }
    limit(0, "max_examples");
    limit(1, "max_validation_examples");
    limit(2, "max_validation_examples");
    if (splits_.rows[0] && params_.has("max_examples_per_class")) {
      const auto most = static_cast<std::size_t>(params_.get_int("max_examples_per_class"));
      auto& rows = *splits_.rows[0];
      const auto chosen = sample_per_class(labels_of(rows), most, seed_);
      rows = divided(std::move(rows), chosen).first;
    }
    return std::move(splits_);
  }

 private:
  void take_share(std::size_t split, const std::string& name) {
    if (!params_.has(name)) return;
    auto& train = splits_.rows[0];
    if (!train) {
      throw ConfigError(params_.key(name),
                        "is a part of the training examples: give " + params_.key("train"));
    }
    const auto count = static_cast<std::size_t>(
        std::llround(params_.get_real(name) * static_cast<double>(splits_.training_labels.size())));
    auto [taken, left] =
        divided(std::move(*train), stratified_sample(labels_of(*train), count, seed_));
    if (taken.rows.empty() || left.rows.empty()) {
      throw ConfigError(params_.key(name), "leaves no rows on one side: there are " +
                                               std::to_string(splits_.training_labels.size()));
    }
    splits_.rows[split] = std::move(taken);
    *train = std::move(left);
  }

  void limit(std::size_t split, const std::string& name) {
    auto& rows = splits_.rows[split];
    if (!rows || !params_.has(name)) return;
    const auto most = static_cast<std::size_t>(params_.get_int(name));
    if (most >= rows->rows.size()) return;
    const auto chosen = stratified_sample(labels_of(*rows), most, seed_);
    *rows = divided(std::move(*rows), chosen).first;
  }

  const Params& params_;
  std::int64_t seed_;
  Splits splits_;
};

}  // namespace

Classes::Classes(const std::vector<std::string>& labels) : names_(labels) {
  const bool numeric = std::all_of(names_.begin(), names_.end(),
                                   [](const auto& name) { return as_integer(name).has_value(); });
  const auto less = [&](const std::string& a, const std::string& b) {
    if (numeric && as_integer(a) != as_integer(b)) return *as_integer(a) < *as_integer(b);
    return a < b;
  };
  std::sort(names_.begin(), names_.end(), less);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    indices_[names_[i]] = static_cast<std::int64_t>(i);
  }
}

std::optional<std::int64_t> Classes::index(const std::string& name) const {
  const auto entry = indices_.find(name);
  if (entry == indices_.end()) return std::nullopt;
  return entry->second;
}

std::vector<ParamSpec> dataset_params() {
  std::vector<ParamSpec> params = {
      {.name = "train",
       .type = ParamType::kPathList,
       .help = "training examples: tables (CSV, TSV, JSON Lines or a JSON array, also compressed; "
               "Parquet or Arrow files), a pattern such as data/*.jsonl, a folder of Parquet or "
               "Arrow files, or a text file beside train_labels; needed unless training.steps is "
               "0"},
      {.name = "validation",
       .type = ParamType::kPathList,
       .help = "examples to evaluate on while training; or give validation_share"},
      {.name = "test", .type = ParamType::kPathList, .help = "examples to evaluate on at the end"},
      {.name = "text",
       .type = ParamType::kTextOrList,
       .help = "name of the column with the texts; review.body is a key in an object; two, such as "
               "[premise, hypothesis], are read as a pair"},
      {.name = "pair_separator",
       .default_value = "\n",
       .help = "between the texts of a pair where the tokenizer puts nothing there itself"},
      {.name = "label", .help = "name of the column with the labels"},
      {.name = "train_labels",
       .type = ParamType::kPathList,
       .help = "labels in a file of their own, line by line those of train"},
      {.name = "validation_labels",
       .type = ParamType::kPathList,
       .help = "the same for validation"},
      {.name = "test_labels", .type = ParamType::kPathList, .help = "the same for test"},
      {.name = "classes",
       .type = ParamType::kTextList,
       .help = "the labels that there are (default: those of the training file)"},
      {.name = "head",
       .help = "of weights or an adapter that have a classifier's head: loaded (the default) takes "
               "its rows, each for the class of its name; new starts a new head",
       .choices = {"loaded", "new"}},
      {.name = "strip",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "take the spaces off both ends of texts and labels"},
      {.name = "validation_share",
       .type = ParamType::kReal,
       .help = "part of the training examples to validate on instead, the classes in proportion",
       .max = 0.9,
       .above = 0,
       .excludes = {"validation"}},
      {.name = "test_share",
       .type = ParamType::kReal,
       .help = "part of the training examples to test on instead, the classes in proportion",
       .max = 0.9,
       .above = 0,
       .excludes = {"test"}},
      {.name = "split_seed",
       .type = ParamType::kInt,
       .default_value = 0,
       .help = "which rows shares and limits take; the same for every trial, whatever its seed",
       .min = 0},
      {.name = "max_examples",
       .type = ParamType::kInt,
       .help = "use only so many of the training examples, the classes in proportion",
       .unit = "examples",
       .min = 1},
      {.name = "max_examples_per_class",
       .type = ParamType::kInt,
       .help = "use at most so many training examples of each class",
       .unit = "examples",
       .min = 1},
      {.name = "max_validation_examples",
       .type = ParamType::kInt,
       .help = "use only so many of the validation (and test) examples, the classes in proportion",
       .unit = "examples",
       .min = 1},
  };
  for (auto& spec : table_params()) params.push_back(std::move(spec));
  return params;
}

namespace {

Classes classes_of(const Params& params, const Splits& splits) {
  if (params.has("classes")) {
    Classes classes(params.get_text_list("classes"));
    if (classes.size() >= 2) return classes;
    throw ConfigError(params.key("classes"), "classification needs two classes or more");
  }
  auto labels = splits.training_labels;
  for (const auto& [split, rows] : splits.named()) {
    if (splits.rows[0]) break;  // the training files have them all
    const auto some = labels_of(*rows);
    labels.insert(labels.end(), some.begin(), some.end());
  }
  Classes classes(labels);
  if (classes.size() >= 2) return classes;
  throw DataError(splits.named().front().rows->files.front().string() +
                  ": every row has the label '" + classes.names().front() +
                  "'; classification needs two classes or more");
}

}  // namespace

Dataset read_dataset(const Params& params) {
  auto splits = SplitReader(params).read();
  Dataset dataset{classes_of(params, splits), {}, {}, {}, {}, {}};
  const auto named = splits.named();
  dataset.summary = data_summary(named);
  dataset.warnings = data_warnings(named, params.get_bool("strip"));
  const std::string lacks = params.has("classes")
                                ? "is none of " + params.key("classes")
                                : "does not occur in " + named.front().rows->files.front().string();
  const std::array<Examples*, 3> all = {&dataset.train, &dataset.validation, &dataset.test};
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& rows = splits.rows[i];
    if (rows) *all[i] = numbered(std::move(*rows), dataset.classes, lacks);
  }
  return dataset;
}

}  // namespace mvn
