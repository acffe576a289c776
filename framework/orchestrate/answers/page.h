// Tables and sentences, for a terminal or to be pasted. Private to the answers.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/answers/compare.h"

namespace mvn {

struct PageTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  void drop_column(std::size_t column);
};

struct Page {
  std::string heading;
  std::vector<PageTable> tables;
  std::vector<std::string> diagram;  // lines of equally wide characters
  std::vector<std::string> sentences;
  std::vector<std::string> notes;
};

// Texts are made harmless for what shows them. `format` is not kJson.
void print_page(const Page& page, CompareFormat format, std::ostream& out,
                std::optional<std::size_t> width);

}  // namespace mvn
