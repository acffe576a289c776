// Labelled texts: what classification reads from its tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

// The classes, in the order of their indices: the sorted set of the labels, as numbers where all of
// them are integers, else as texts.
class Classes {
 public:
  explicit Classes(const std::vector<std::string>& labels);
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(names_.size()); }
  [[nodiscard]] std::optional<std::int64_t> index(const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::int64_t> indices_;
};

struct Examples {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> texts;    // of pairs the first and the second, in turns
  std::vector<std::int64_t> labels;  // indices of classes
  bool are_pairs = false;
};

struct Dataset {
  Classes classes;
  // Empty where no file was given.
  Examples train;
  Examples validation;
  Examples test;
  std::vector<std::string> summary;   // a line for each split
  std::vector<std::string> warnings;  // what of it may make results meaningless
};

// The parameters that say where the data is and what it looks like.
std::vector<ParamSpec> dataset_params();

// Reads every file of the task, takes validation and test rows off the training rows where shares
// of them are asked for, and leaves out what the limits leave out. The classes are `classes` where
// that is given, else those of the training file, and where there is none those of the other files.
// Throws ConfigError naming the parameter at fault, or DataError "file:line: ..." for an empty
// label, a file without rows, a single class, or a label that is no class.
Dataset read_dataset(const Params& params);

}  // namespace mvn
