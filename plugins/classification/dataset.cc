#include "dataset.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "mvn/data.h"
#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

std::optional<std::int64_t> as_integer(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The two columns of one file, before labels are numbers.
struct RawExamples {
  std::filesystem::path path;
  std::vector<std::string> texts;
  std::vector<std::string> labels;
  std::vector<std::int64_t> lines;

  [[nodiscard]] std::string where(std::size_t row) const {
    return path.string() + ":" + std::to_string(lines[row]) + ": ";
  }
};

RawExamples read_examples(const Params& params, const std::string& which, std::int64_t limit) {
  const auto path = params.get_path(which);
  Table table = read_table(path, table_options(params), params.key(which));
  if (table.rows.empty()) throw DataError(path.string() + ": has no rows");
  const auto text = table.column(params.get_text("text"), params.key("text"));
  const auto label = table.column(params.get_text("label"), params.key("label"));
  RawExamples examples{.path = path, .texts = {}, .labels = {}, .lines = table.lines};
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (limit > 0 && examples.texts.size() == static_cast<std::size_t>(limit)) break;
    auto& cells = table.rows[row];
    if (cells[label].empty()) {
      throw DataError(examples.where(row) + "the label in column '" + table.columns[label] +
                      "' is empty");
    }
    examples.labels.push_back(cells[label]);
    examples.texts.push_back(std::move(cells[text]));
  }
  return examples;
}

// `lacks` says what a label that is no class lacks.
Examples numbered(RawExamples raw, const Classes& classes, const std::string& lacks) {
  Examples examples;
  examples.path = raw.path;
  for (std::size_t row = 0; row < raw.labels.size(); ++row) {
    const auto index = classes.index(raw.labels[row]);
    if (!index) {
      throw DataError(raw.where(row) + "label '" + raw.labels[row] + "' " + lacks +
                      suggest(raw.labels[row], classes.names()));
    }
    examples.labels.push_back(*index);
  }
  examples.texts = std::move(raw.texts);
  return examples;
}

std::int64_t limit_of(const Params& params, const std::string& name) {
  return params.has(name) ? params.get_int(name) : 0;
}

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
  return {
      {.name = "train",
       .type = ParamType::kPath,
       .help = "training examples: a CSV, TSV or JSON Lines file; needed unless training.steps is "
               "0"},
      {.name = "validation",
       .type = ParamType::kPath,
       .help = "examples to evaluate on while training",
       .required = true},
      {.name = "test", .type = ParamType::kPath, .help = "examples to evaluate on at the end"},
      {.name = "text", .help = "name of the column with the texts", .required = true},
      {.name = "label", .help = "name of the column with the labels", .required = true},
      {.name = "classes",
       .type = ParamType::kTextList,
       .help = "the labels that there are (default: those of the training file)"},
      {.name = "head",
       .help = "of weights or an adapter that have a classifier's head: loaded (the default) takes "
               "its rows, each for the class of its name; new starts a new head",
       .choices = {"loaded", "new"}},
      {.name = "format",
       .default_value = "auto",
       .help = "format of the files; auto goes by their names' endings",
       .choices = {"auto", "csv", "tsv", "jsonl"}},
      {.name = "delimiter", .help = "one character between columns (default: the format's own)"},
      {.name = "header",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "whether the first line names the columns"},
      {.name = "columns",
       .type = ParamType::kTextList,
       .help = "names of the columns where there is no header"},
      {.name = "max_examples",
       .type = ParamType::kInt,
       .help = "use only the first of the training examples",
       .unit = "examples",
       .min = 1},
      {.name = "max_validation_examples",
       .type = ParamType::kInt,
       .help = "use only the first of the validation (and test) examples",
       .unit = "examples",
       .min = 1},
  };
}

namespace {

using RawFiles = std::vector<std::pair<std::string, RawExamples>>;

Classes classes_of(const Params& params, const RawFiles& files) {
  if (params.has("classes")) {
    Classes classes(params.get_text_list("classes"));
    if (classes.size() >= 2) return classes;
    throw ConfigError(params.key("classes"), "classification needs two classes or more");
  }
  std::vector<std::string> labels;
  for (const auto& [which, raw] : files) {
    if (params.has("train") && which != "train") continue;
    labels.insert(labels.end(), raw.labels.begin(), raw.labels.end());
  }
  Classes classes(labels);
  if (classes.size() >= 2) return classes;
  throw DataError(files.front().second.path.string() + ": every row has the label '" +
                  classes.names().front() + "'; classification needs two classes or more");
}

}  // namespace

Dataset read_dataset(const Params& params) {
  RawFiles files;
  for (const char* which : {"train", "validation", "test"}) {
    const bool trains = which == std::string_view("train");
    if (!params.has(which)) continue;
    files.emplace_back(which, read_examples(params, which,
                                            limit_of(params, trains ? "max_examples"
                                                                    : "max_validation_examples")));
  }
  Dataset dataset{classes_of(params, files), {}, {}, {}};
  const std::string lacks = params.has("classes")
                                ? "is none of " + params.key("classes")
                                : "does not occur in " + files.front().second.path.string();
  for (auto& [which, raw] : files) {
    auto& examples = which == "train"        ? dataset.train
                     : which == "validation" ? dataset.validation
                                             : dataset.test;
    examples = numbered(std::move(raw), dataset.classes, lacks);
  }
  return dataset;
}

}  // namespace mvn
