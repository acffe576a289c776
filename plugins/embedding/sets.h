// What embeddings are measured on, as it lies in files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mvn/params.h"

namespace mvn {

// Pairs of texts with how alike people found them (STS), or with 1 where they belong together and 0
// where they do not.
struct ScoredPairs {
  std::vector<std::string> first;
  std::vector<std::string> second;
  std::vector<double> scores;
};

// Queries, documents, and which documents answer which query.
struct Retrieval {
  std::vector<std::string> queries;  // those that somebody judged documents for
  std::vector<std::string> documents;
  std::vector<std::string> document_names;
  // Of each query: document (its index) and grade.
  std::vector<std::vector<std::pair<std::int64_t, int>>> judged;
};

// Labelled texts for a classifier on top of the vectors.
struct ProbeTexts {
  std::vector<std::string> train;
  std::vector<std::int64_t> train_labels;
  std::vector<std::string> test;
  std::vector<std::int64_t> test_labels;
  std::int64_t classes = 0;
};

// Labelled texts whose vectors' clusters are compared with their labels.
struct ClusterTexts {
  std::vector<std::string> texts;
  std::vector<std::int64_t> labels;
  std::int64_t classes = 0;
};

struct EvaluationSets {
  std::optional<ScoredPairs> sts;
  std::optional<ScoredPairs> pairs;
  std::optional<Retrieval> retrieval;
  std::optional<ProbeTexts> probe;
  std::optional<ClusterTexts> clusters;
  std::vector<std::filesystem::path> files;
  std::vector<std::string> warnings;
  [[nodiscard]] bool empty() const { return !sts && !pairs && !retrieval && !probe && !clusters; }
};

// Those of the split `which` ("validation", "test"). Throws ConfigError naming the parameter at
// fault, or DataError "file:line: ..." for an empty text or query, a score that is no number, a
// pair that is neither 0 nor 1, a judgement of a query or a document that is not there, a label
// without training texts, or clusters of one label.
EvaluationSets read_sets(const Params& params, const std::string& which);

// The parameters that say where they are.
std::vector<ParamSpec> set_params();

}  // namespace mvn
