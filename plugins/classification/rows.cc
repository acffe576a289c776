#include "rows.h"

#include "mvn/data.h"
#include "mvn/error.h"

namespace mvn {
namespace {

using Paths = std::vector<std::filesystem::path>;

// "1.0" and "1" are one class.
std::string plain_label(const std::string& label) {
  const auto dot = label.find('.');
  if (dot == std::string::npos || dot == 0) return label;
  if (label.find_first_not_of("0", dot + 1) != std::string::npos || dot + 1 == label.size()) {
    return label;
  }
  const std::string whole = label.substr(0, dot);
  const bool digits =
      whole.find_first_not_of("0123456789", whole[0] == '-' ? 1 : 0) == std::string::npos;
  return digits && whole != "-" ? whole : label;
}

class RowReader {
 public:
  explicit RowReader(const Params& params) : params_(params), strip_(params.get_bool("strip")) {}

  LabelledRows take() { return std::move(result_); }

  void read_table_of(const std::filesystem::path& path, const std::string& which) {
    auto options = table_options(params_);
    const auto text_names = text_columns();
    const auto label_name = required("label").front();
    options.needed = options.joined = text_names;
    options.needed.push_back(label_name);
    Table table = read_table(path, options, params_.key(which));
    const auto text = table.column(text_names.front(), params_.key("text"));
    const auto second = table.column(text_names.back(), params_.key("text"));
    const auto label = table.column(label_name, params_.key("label"));
    if (table.rows.empty()) throw DataError(path.string() + ": has no rows");
    result_.files.push_back(path);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      auto& cells = table.rows[row];
      const std::string label_cell = cells[label];  // the text may be of the same column
      auto& added = add(std::move(cells[text]), label_cell, table.lines[row],
                        "the label in column '" + label_name + "' is empty");
      if (second != text) add_second(added, cells[second]);
    }
  }

  // Two files of as many lines.
  void read_lines_of(const std::filesystem::path& texts, const std::filesystem::path& labels,
                     const std::string& which) {
    const auto encoding = params_.get_text("encoding");
    auto text_lines = read_lines(texts, encoding, params_.key(which));
    const auto label_lines = read_lines(labels, encoding, params_.key(which + "_labels"));
    if (text_lines.size() != label_lines.size()) {
      throw DataError(labels.string() + ": has " + std::to_string(label_lines.size()) +
                      " lines where " + texts.string() + " has " +
                      std::to_string(text_lines.size()) + "; line by line they belong together");
    }
    if (text_lines.empty()) throw DataError(texts.string() + ": has no rows");
    result_.files.push_back(texts);
    for (std::size_t line = 0; line < text_lines.size(); ++line) {
      add(std::move(text_lines[line]), label_lines[line], static_cast<std::int64_t>(line) + 1,
          "its label, in " + labels.string() + ", is empty");
    }
  }

 private:
  [[nodiscard]] std::vector<std::string> required(const std::string& name) const {
    if (params_.has(name)) return params_.get_text_list(name);
    throw ConfigError(params_.key(name),
                      "is required: the name of the column with the " + name + "s");
  }

  // One, or the two of a pair.
  [[nodiscard]] std::vector<std::string> text_columns() const {
    auto names = required("text");
    if (names.size() == 1 || (names.size() == 2 && names[0] != names[1])) return names;
    throw ConfigError(params_.key("text"),
                      "names the column with the texts, or two columns that are read as a pair, "
                      "such as [premise, hypothesis]");
  }

  void add_second(LabelledRow& row, const std::string& text) const {
    row.second = row.text.size() + 1;
    row.text.append("\n").append(strip_ ? stripped(text) : text);
  }

  LabelledRow& add(std::string text, const std::string& label, std::int64_t line,
                   const std::string& no_label) {
    LabelledRow row{.text = strip_ ? stripped(text) : std::move(text),
                    .label = plain_label(strip_ ? stripped(label) : label),
                    .file = result_.files.size() - 1,
                    .line = line};
    if (row.label.empty()) throw DataError(result_.where(row) + no_label);
    result_.rows.push_back(std::move(row));
    return result_.rows.back();
  }

  const Params& params_;
  bool strip_;
  LabelledRows result_;
};

}  // namespace

bool LabelledRow::lacks_text() const {
  if (!second) return text.empty();
  return *second == 1 || *second == text.size();
}

std::string LabelledRows::where(const LabelledRow& row) const {
  return files[row.file].string() + ":" + std::to_string(row.line) + ": ";
}

LabelledRows read_rows(const Params& params, const std::string& which) {
  const auto files = expand_files(params.get_path_list(which), params.key(which));
  const auto labels_key = which + "_labels";
  RowReader reader(params);
  if (!params.has(labels_key)) {
    for (const auto& file : files) reader.read_table_of(file, which);
    return reader.take();
  }
  const Paths labels = expand_files(params.get_path_list(labels_key), params.key(labels_key));
  if (labels.size() != files.size()) {
    throw ConfigError(params.key(labels_key), "names " + std::to_string(labels.size()) +
                                                  " files where " + params.key(which) + " names " +
                                                  std::to_string(files.size()));
  }
  for (std::size_t i = 0; i < files.size(); ++i) reader.read_lines_of(files[i], labels[i], which);
  return reader.take();
}

}  // namespace mvn
