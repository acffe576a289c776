#include "pairs.h"

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "mvn/data.h"
#include "mvn/error.h"
#include "number_in_cell.h"
#include "peer_random.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// A table of the training files with the columns that a task's parameters name.
class PairReader {
 public:
  explicit PairReader(const Params& params) : params_(params), strip_(params.get_bool("strip")) {}

  TextPairs read() {
    expect_columns();
    for (const auto& file : expand_files(params_.get_path_list("train"), params_.key("train"))) {
      result_.files.push_back(file);
      read_file(file);
    }
    if (params_.has("label")) make_pairs();
    note_left_out();
    expect_something_to_learn();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool is_cosent() const { return params_.get_text("loss") == "cosent"; }

  void expect_columns() const {
    const bool labelled = params_.has("label") || params_.has("text");
    const auto require = [&](const char* name, const char* what) {
      if (params_.has(name)) return;
      throw ConfigError(params_.key(name), std::string("is required: ") + what);
    };
    if (labelled) {
      require("text", "the column with the texts, beside label");
      require("label", "the column with the labels, beside text");
      if (!is_cosent()) return;
      throw ConfigError(params_.key("loss"),
                        "cosent needs scored pairs: anchor, positive and score");
    }
    require("anchor", "the column with the first text of each pair (or text and label)");
    require("positive", "the column with the text that belongs to the anchor");
    if (is_cosent())
      return require("score", "the column with the pair's score; cosent orders by it");
    if (params_.has("score")) require("min_score", "from which score on a pair belongs together");
  }

  [[nodiscard]] std::vector<std::string> columns() const {
    std::vector<std::string> names;
    for (const char* name : {"anchor", "positive", "score", "text", "label"}) {
      if (params_.has(name)) names.push_back(params_.get_text(name));
    }
    if (params_.has("negatives")) {
      for (const auto& name : params_.get_text_list("negatives")) names.push_back(name);
    }
    return names;
  }

  void read_file(const fs::path& file) {
    auto options = table_options(params_);
    options.needed = columns();
    const Table table = read_table(file, options, params_.key("train"));
    if (table.rows.empty()) throw DataError(file.string() + ": has no rows");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      params_.has("label") ? add_labelled(table, row) : add_pair(table, row);
    }
  }

  [[nodiscard]] std::string cell(const Table& table, std::size_t row, const std::string& column,
                                 const std::string& key) const {
    const auto& text = table.rows[row][table.column(column, key)];
    return strip_ ? stripped(text) : text;
  }
  [[nodiscard]] std::string cell(const Table& table, std::size_t row, const char* name) const {
    return cell(table, row, params_.get_text(name), params_.key(name));
  }
  // The same, of which nothing is an error.
  [[nodiscard]] std::string filled_cell(const Table& table, std::size_t row,
                                        const char* name) const {
    auto text = cell(table, row, name);
    if (!text.empty()) return text;
    throw DataError(place(table, row) + "the " + name + " in column '" + params_.get_text(name) +
                    "' is empty");
  }
  static std::string place(const Table& table, std::size_t row) {
    return table.path.string() + ":" + std::to_string(table.lines[row]) + ": ";
  }

  void add_labelled(const Table& table, std::size_t row) {
    auto text = filled_cell(table, row, "text");
    by_label_[filled_cell(table, row, "label")].push_back(std::move(text));
  }

  void add_pair(const Table& table, std::size_t row) {
    TextPair pair;
    pair.anchor = filled_cell(table, row, "anchor");
    pair.positive = filled_cell(table, row, "positive");
    if (params_.has("score")) {
      pair.score = number_in_cell(filled_cell(table, row, "score"), place(table, row) + "score ");
      if (!is_cosent() && pair.score < params_.get_real("min_score")) {
        ++below_;
        return;
      }
    }
    if (params_.has("negatives")) {
      for (const auto& column : params_.get_text_list("negatives")) {
        auto text = cell(table, row, column, params_.key("negatives"));
        if (text.empty()) continue;  // a row may have fewer
        if (text == pair.positive) {
          ++negatives_dropped_;
          continue;
        }
        pair.negatives.push_back(std::move(text));
      }
    }
    result_.pairs.push_back(std::move(pair));
  }

  // In a circle through the texts of each label, in an order that chance decided once.
  void make_pairs() {
    const auto seed = static_cast<std::uint32_t>(params_.get_int("pair_seed"));
    for (const auto& [label, all] : by_label_) {
      std::vector<std::string> texts;
      std::set<std::string> known;
      for (const auto& text : all) {
        if (known.insert(text).second) texts.push_back(text);
      }
      if (texts.size() < 2) {
        ++alone_;
        continue;
      }
      std::vector<std::int64_t> order(texts.size());
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
      NumpyRandom(seed).shuffle(order);
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto next = static_cast<std::size_t>(order[(i + 1) % order.size()]);
        result_.pairs.push_back({.anchor = texts[static_cast<std::size_t>(order[i])],
                                 .positive = texts[next],
                                 .label = label});
      }
    }
  }

  void note_left_out() {
    const auto note = [&](std::int64_t count, const std::string& what) {
      if (count > 0) result_.warnings.push_back(what + ": " + std::to_string(count));
    };
    note(below_,
         "pairs of train that score below " + params_.key("min_score") + " and are left out");
    note(negatives_dropped_, "negatives of train that equal their row's positive and are left out");
    note(alone_, "labels of train with a single text, of which no pair can be made");
  }

  void expect_something_to_learn() const {
    const std::string file = result_.files.front().string();
    const auto& pairs = result_.pairs;
    if (pairs.empty()) throw DataError(file + ": has no pair to train on");
    if (is_cosent()) {
      for (const auto& pair : pairs) {
        if (pair.score != pairs.front().score) return;
      }
      throw DataError(file + ": every pair has one score, so there is no order to learn");
    }
    const auto key = [](const TextPair& pair) {
      return pair.label.empty() ? pair.positive : pair.label;
    };
    for (const auto& pair : pairs) {
      if (!pair.negatives.empty() || key(pair) != key(pairs.front())) return;
    }
    throw DataError(file + ": every row has the same " +
                    (params_.has("label") ? "label" : "positive") +
                    ", so no batch has a negative to learn from");
  }

  const Params& params_;
  bool strip_;
  TextPairs result_;
  std::map<std::string, std::vector<std::string>> by_label_;
  std::int64_t below_ = 0;
  std::int64_t negatives_dropped_ = 0;
  std::int64_t alone_ = 0;
};

}  // namespace

TextPairs read_pairs(const Params& params) { return PairReader(params).read(); }

std::vector<ParamSpec> pair_params() {
  return {
      {.name = "train",
       .type = ParamType::kPathList,
       .help = "training pairs: tables (CSV, TSV, JSON Lines or a JSON array, also compressed); "
               "needed unless training.steps is 0"},
      {.name = "anchor", .help = "column with the first text of each pair, the query"},
      {.name = "positive", .help = "column with the text that belongs to it"},
      {.name = "negatives",
       .type = ParamType::kTextList,
       .help = "columns with texts that do not (hard negatives); a row may leave some empty"},
      {.name = "score", .help = "column with how well the two belong together, for cosent"},
      {.name = "min_score",
       .type = ParamType::kReal,
       .help = "for infonce on scored pairs: those with a lower score are left out"},
      {.name = "text",
       .help = "instead of pairs: column with texts of which pairs are made, two of one label each",
       .excludes = {"anchor", "positive", "negatives", "score"}},
      {.name = "label",
       .help = "column with the labels of these texts",
       .excludes = {"anchor", "positive", "negatives", "score"}},
      {.name = "pair_seed",
       .type = ParamType::kInt,
       .default_value = 0,
       .help = "which texts of a label become pairs; the same for every trial, whatever its seed",
       .min = 0,
       .max = 4294967295.0},
      {.name = "strip",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "take the spaces off both ends of texts and labels"},
  };
}

}  // namespace mvn
