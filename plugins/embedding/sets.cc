#include "sets.h"

#include <algorithm>
#include <map>
#include <set>

#include "mvn/data.h"
#include "mvn/error.h"
#include "number_in_cell.h"

namespace mvn {
namespace {

std::string place_of_row(const Table& table, std::size_t row) {
  return table.path.string() + ":" + std::to_string(table.lines[row]) + ": ";
}

// Reads the sets of one split.
class SetReader {
 public:
  SetReader(const Params& params, const std::string& which)
      : params_(params), which_(which), strip_(params.get_bool("strip")) {}

  EvaluationSets read() {
    if (has("sts")) read_sts();
    if (has("pairs")) read_pairs();
    read_retrieval();
    read_probe();
    if (has("clusters")) read_clusters();
    return std::move(sets_);
  }

 private:
  [[nodiscard]] std::string name(const std::string& part) const { return which_ + "_" + part; }
  [[nodiscard]] std::string key(const std::string& part) const { return params_.key(name(part)); }
  [[nodiscard]] bool has(const std::string& part) const { return params_.has(name(part)); }

  // All of `parts` or none of them.
  [[nodiscard]] bool complete(const std::vector<std::string>& parts) const {
    std::string given;
    for (const auto& part : parts) {
      if (has(part)) given = part;
    }
    if (given.empty()) return false;
    for (const auto& part : parts) {
      if (!has(part)) throw ConfigError(key(part), "is required beside " + key(given));
    }
    return true;
  }

  [[nodiscard]] std::vector<Table> tables(const std::string& part, const TableOptions& options) {
    std::vector<Table> tables;
    for (const auto& file : expand_files(params_.get_path_list(name(part)), key(part))) {
      tables.push_back(read_table(file, options, key(part)));
      if (tables.back().rows.empty()) throw DataError(file.string() + ": has no rows");
      sets_.files.push_back(file);
    }
    return tables;
  }

  [[nodiscard]] std::string text_of(const std::string& cell) const {
    return strip_ ? stripped(cell) : cell;
  }

  void read_sts() {
    TableOptions options;
    options.header = params_.get_bool("sts_header");
    std::vector<std::string> columns = {"column1", "column2", "column3"};
    if (options.header) columns = {"sentence1", "sentence2", "score"};
    read_scored({"sts", "score"}, options, columns, sets_.sts.emplace());
    if (sets_.sts->scores.size() > 1) return;
    throw DataError(sets_.files.back().string() + ": needs two pairs or more to order them");
  }

  void read_pairs() {
    auto& pairs = sets_.pairs.emplace();
    read_scored({"pairs", "label"}, {}, {"sentence1", "sentence2", "label"}, pairs);
    const auto of_one = std::ranges::count(pairs.scores, 1.0);
    if (of_one > 0 && of_one < std::ssize(pairs.scores)) return;
    throw DataError(sets_.files.back().string() + ": needs pairs of label 1 and of label 0");
  }

  // What scored pairs are: the parameter that names their files, and what their third column has.
  struct PairKind {
    std::string part;
    std::string score;
  };

  void read_scored(const PairKind& kind, TableOptions options, std::vector<std::string> columns,
                   ScoredPairs& pairs) {
    const std::string parameter = kind.part + "_columns";
    if (params_.has(parameter)) columns = params_.get_text_list(parameter);
    if (columns.size() != 3) {
      throw ConfigError(params_.key(parameter), "names three columns, two of texts and one of " +
                                                    kind.score + "s, got " +
                                                    std::to_string(columns.size()));
    }
    options.needed = columns;
    for (const auto& table : tables(kind.part, options)) {
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        add_scored(kind, table, row, columns, pairs);
      }
    }
  }

  void add_scored(const PairKind& kind, const Table& table, std::size_t row,
                  const std::vector<std::string>& columns, ScoredPairs& pairs) const {
    const auto where = place_of_row(table, row);
    const auto cell = [&](std::size_t i) {
      auto text =
          text_of(table.rows[row][table.column(columns[i], params_.key(kind.part + "_columns"))]);
      if (!text.empty()) return text;
      throw DataError(where + "column '" + columns[i] + "' is empty");
    };
    pairs.first.push_back(cell(0));
    pairs.second.push_back(cell(1));
    const double score = number_in_cell(cell(2), where + kind.score + " ");
    if (kind.part == "pairs" && score != 0 && score != 1) {
      throw DataError(where + "label '" + cell(2) + "' is neither 0 nor 1");
    }
    pairs.scores.push_back(score);
  }

  void read_retrieval() {
    if (!complete({"corpus", "queries", "qrels"})) return;
    Retrieval retrieval;
    std::map<std::string, std::int64_t> documents;
    read_documents(retrieval, documents);
    TableOptions options;
    options.needed = {"_id", "text"};
    std::map<std::string, std::string> queries;
    for (const auto& table : tables("queries", options)) {
      const auto id = table.column("_id", key("queries"));
      const auto text = table.column("text", key("queries"));
      for (const auto& row : table.rows) queries[row[id]] = text_of(row[text]);
    }
    std::map<std::string, std::int64_t> judged;  // by their names
    for (const auto& table : tables("qrels", {})) {
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        add_judgement(table, row, documents, queries, judged, retrieval);
      }
    }
    sets_.retrieval = std::move(retrieval);
  }

  void read_documents(Retrieval& retrieval, std::map<std::string, std::int64_t>& documents) {
    TableOptions options;
    options.needed = {"_id", "title", "text"};
    std::int64_t empty = 0;
    for (const auto& table : tables("corpus", options)) {
      const auto id = table.column("_id", key("corpus"));
      const auto title = table.column("title", key("corpus"));
      const auto text = table.column("text", key("corpus"));
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const auto& cells = table.rows[row];
        const auto index = static_cast<std::int64_t>(retrieval.documents.size());
        if (!documents.emplace(cells[id], index).second) {
          throw DataError(place_of_row(table, row) + "a second document '" + cells[id] + "'");
        }
        // As MTEB joins them.
        retrieval.documents.push_back(
            stripped(cells[title].empty() ? cells[text] : cells[title] + " " + cells[text]));
        retrieval.document_names.push_back(cells[id]);
        if (retrieval.documents.back().empty()) ++empty;
      }
    }
    if (empty == 0) return;
    sets_.warnings.push_back(std::to_string(empty) + " of " +
                             std::to_string(retrieval.documents.size()) + " documents of " +
                             name("corpus") + " are empty");
  }

  void add_judgement(const Table& table, std::size_t row,
                     const std::map<std::string, std::int64_t>& documents,
                     const std::map<std::string, std::string>& queries,
                     std::map<std::string, std::int64_t>& judged, Retrieval& retrieval) const {
    const auto cell = [&](const char* column) {
      return table.rows[row][table.column(column, key("qrels"))];
    };
    const auto where = place_of_row(table, row);
    const auto query = queries.find(cell("query-id"));
    if (query == queries.end()) {
      throw DataError(where + "query '" + cell("query-id") + "' is not in " + key("queries"));
    }
    if (query->second.empty()) {
      throw DataError(where + "query '" + query->first + "' has an empty text");
    }
    const auto document = documents.find(cell("corpus-id"));
    if (document == documents.end()) {
      throw DataError(where + "document '" + cell("corpus-id") + "' is not in " + key("corpus"));
    }
    const auto grade = number_in_cell(cell("score"), where + "score ");
    const auto [place, is_new] =
        judged.emplace(query->first, static_cast<std::int64_t>(retrieval.queries.size()));
    if (is_new) {
      retrieval.queries.push_back(query->second);
      retrieval.judged.emplace_back();
    }
    retrieval.judged[static_cast<std::size_t>(place->second)].emplace_back(document->second,
                                                                           static_cast<int>(grade));
  }

  // Labelled texts, the labels as they are; `kind` begins the parameters that name their columns.
  void read_labelled(const std::string& part, const std::string& kind,
                     std::vector<std::string>& texts, std::vector<std::string>& labels,
                     std::vector<std::string>& places) {
    const auto text_column = params_.get_text(kind + "_text");
    const auto label_column = params_.get_text(kind + "_label");
    TableOptions options;
    options.needed = {text_column, label_column};
    std::int64_t empty = 0;
    for (const auto& table : tables(part, options)) {
      const auto text = table.column(text_column, params_.key(kind + "_text"));
      const auto label = table.column(label_column, params_.key(kind + "_label"));
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        texts.push_back(text_of(table.rows[row][text]));
        labels.push_back(text_of(table.rows[row][label]));
        places.push_back(place_of_row(table, row));
        if (texts.back().empty()) ++empty;
        if (labels.back().empty()) throw DataError(places.back() + "the label is empty");
      }
    }
    if (empty == 0) return;
    sets_.warnings.push_back(std::to_string(empty) + " of " + std::to_string(texts.size()) +
                             " texts of " + name(part) + " are empty");
  }

  void read_probe() {
    if (!complete({"probe_train", "probe"})) return;
    ProbeTexts probe;
    std::vector<std::string> train_labels;
    std::vector<std::string> test_labels;
    std::vector<std::string> places;
    read_labelled("probe_train", "probe", probe.train, train_labels, places);
    const auto classes = numbered(train_labels);
    probe.classes = std::ssize(classes);
    if (probe.classes < 2) {
      throw DataError(sets_.files.back().string() + ": a probe needs two labels or more");
    }
    places.clear();
    read_labelled("probe", "probe", probe.test, test_labels, places);
    for (const auto& label : train_labels) probe.train_labels.push_back(classes.at(label));
    for (std::size_t i = 0; i < test_labels.size(); ++i) {
      const auto known = classes.find(test_labels[i]);
      if (known == classes.end()) {
        throw DataError(places[i] + "label '" + test_labels[i] + "' does not occur in " +
                        key("probe_train"));
      }
      probe.test_labels.push_back(known->second);
    }
    sets_.probe = std::move(probe);
  }

  void read_clusters() {
    auto& clusters = sets_.clusters.emplace();
    std::vector<std::string> labels;
    std::vector<std::string> places;
    read_labelled("clusters", "clusters", clusters.texts, labels, places);
    const auto classes = numbered(labels);
    clusters.classes = std::ssize(classes);
    if (clusters.classes < 2) {
      throw DataError(sets_.files.back().string() + ": clusters need two labels or more");
    }
    for (const auto& label : labels) clusters.labels.push_back(classes.at(label));
  }

  // The labels in their order.
  static std::map<std::string, std::int64_t> numbered(const std::vector<std::string>& labels) {
    std::map<std::string, std::int64_t> numbers;
    for (const auto& label : labels) numbers.emplace(label, 0);
    std::int64_t next = 0;
    for (auto& entry : numbers) entry.second = next++;
    return numbers;
  }

  const Params& params_;
  std::string which_;
  bool strip_;
  EvaluationSets sets_;
};

ParamSpec paths(const std::string& name, const std::string& help) {
  return {.name = name, .type = ParamType::kPathList, .help = help};
}

}  // namespace

EvaluationSets read_sets(const Params& params, const std::string& which) {
  return SetReader(params, which).read();
}

std::vector<ParamSpec> set_params() {
  std::vector<ParamSpec> specs = {
      paths("validation_sts", "scored pairs to evaluate on while training (STS)"),
      paths("validation_pairs",
            "pairs of texts that belong together (label 1) or do not (0) to evaluate on while "
            "training"),
      paths("validation_corpus",
            "documents to search while training: _id, title and text, as BEIR has them"),
      paths("validation_queries", "queries for them: _id and text"),
      paths("validation_qrels",
            "which documents answer which: query-id, corpus-id and score; queries without a row "
            "are not asked"),
      paths("validation_probe_train",
            "labelled texts that classifiers on the vectors learn from, as MTEB has it"),
      paths("validation_probe", "labelled texts that these classifiers are measured on"),
      paths("validation_clusters",
            "labelled texts, with whose labels clusters of their vectors are compared"),
  };
  for (const char* part :
       {"sts", "pairs", "corpus", "queries", "qrels", "probe_train", "probe", "clusters"}) {
    specs.push_back(paths(std::string("test_") + part,
                          std::string("as validation_") + part + ", at the end of training"));
  }
  const std::vector<ParamSpec> more = {
      {.name = "sts_header",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "whether the first line of scored pairs names the columns"},
      {.name = "sts_columns",
       .type = ParamType::kTextList,
       .help = "columns of both texts and the score (default: sentence1, sentence2, score; without "
               "a header column1, column2, column3)"},
      {.name = "pairs_columns",
       .type = ParamType::kTextList,
       .help = "columns of both texts and the label (default: sentence1, sentence2, label)"},
      {.name = "probe_text", .default_value = "text", .help = "column with the probes' texts"},
      {.name = "probe_label", .default_value = "label", .help = "column with their labels"},
      {.name = "probe_examples",
       .type = ParamType::kInt,
       .default_value = 8,
       .help = "training texts of each label in a draw; MTEB takes 8, 16 or 32",
       .unit = "examples",
       .min = 1},
      {.name = "probe_draws",
       .type = ParamType::kInt,
       .default_value = 10,
       .help = "how often they are drawn; the mean counts",
       .min = 1},
      {.name = "clusters_text", .default_value = "text", .help = "column with the clusters' texts"},
      {.name = "clusters_label", .default_value = "label", .help = "column with their labels"},
      {.name = "clusters_documents",
       .type = ParamType::kInt,
       .help = "texts of the file that are looked at, the others are not (MTEB's "
               "max_document_to_embed; default: all)",
       .unit = "texts",
       .min = 2},
      {.name = "clusters_sample",
       .type = ParamType::kInt,
       .default_value = 16384,
       .help = "texts that are drawn from these, with repetition, for a clustering (MTEB's "
               "max_documents_per_cluster)",
       .unit = "texts",
       .min = 2},
      {.name = "clusters_draws",
       .type = ParamType::kInt,
       .default_value = 10,
       .help = "how often that is done; the mean counts",
       .min = 1},
      {.name = "clusters_batch",
       .type = ParamType::kInt,
       .default_value = 512,
       .help = "texts a step of mini-batch k-means (MTEB's k_mean_batch_size)",
       .unit = "texts",
       .min = 1},
  };
  specs.insert(specs.end(), more.begin(), more.end());
  return specs;
}

}  // namespace mvn
