// What a user should know of labelled texts before anything is trained on them.
#pragma once

#include <string>
#include <vector>

#include "rows.h"

namespace mvn {

struct NamedRows {
  std::string split;  // "train", "validation", "test"
  const LabelledRows* rows = nullptr;
};

// How many rows and classes each split has, in a line.
std::vector<std::string> data_summary(const std::vector<NamedRows>& splits);

// What may make results meaningless, a line each: empty texts, one text under two labels, texts
// that train and another split share, texts that occur twice, labels that differ in case or writing
// alone, numbers that look like scores, spaces at the end that differ from label to label or split
// to split (`stripped`: they were taken off, so that no model sees them).
std::vector<std::string> data_warnings(const std::vector<NamedRows>& splits, bool stripped);

}  // namespace mvn
