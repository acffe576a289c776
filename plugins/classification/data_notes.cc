#include "data_notes.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

namespace mvn {
namespace {

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::map<std::string, std::size_t> label_counts(const LabelledRows& rows) {
  std::map<std::string, std::size_t> counts;
  for (const auto& row : rows.rows) ++counts[row.label];
  return counts;
}

std::string files_text(const LabelledRows& rows) {
  const auto more = rows.files.size() - 1;
  return rows.files.front().string() + (more == 0 ? "" : " and " + counted(more, "file") + " more");
}

// "0: 3310, 1: 3610", the most frequent first.
std::string classes_text(const LabelledRows& rows) {
  constexpr std::size_t kListed = 6;
  const auto counts = label_counts(rows);
  std::vector<std::pair<std::string, std::size_t>> order(counts.begin(), counts.end());
  std::ranges::stable_sort(order, std::greater<>(), &std::pair<std::string, std::size_t>::second);
  std::string text;
  for (std::size_t i = 0; i < std::min(order.size(), kListed); ++i) {
    text.append(i == 0 ? "" : ", ").append(order[i].first).append(": ");
    text.append(std::to_string(order[i].second));
  }
  if (order.size() > kListed) text += " and " + std::to_string(order.size() - kListed) + " more";
  return text;
}

// The first of some, as an example: "train.tsv:17".
std::string at(const LabelledRows& rows, const LabelledRow& row) {
  auto place = rows.where(row);
  place.resize(place.size() - 2);  // without ": "
  return place;
}

std::string of_split(const NamedRows& split) {
  return split.split + " (" + files_text(*split.rows) + ")";
}

void add_empty_texts(const NamedRows& split, std::vector<std::string>& warnings) {
  std::size_t count = 0;
  const LabelledRow* first = nullptr;
  for (const auto& row : split.rows->rows) {
    if (!row.lacks_text()) continue;
    if (count++ == 0) first = &row;
  }
  if (count == 0) return;
  warnings.push_back(counted(count, "text") + " of " + of_split(split) + " " +
                     (count == 1 ? "is" : "are") + " empty, the first at " +
                     at(*split.rows, *first));
}

// By text, its first row in the split.
using FirstRows = std::unordered_map<std::string_view, const LabelledRow*>;

// One text twice, and under two labels.
FirstRows add_repeated_texts(const NamedRows& split, std::vector<std::string>& warnings) {
  FirstRows first;
  std::size_t repeated = 0;
  std::set<std::string_view> torn;  // texts that have two labels
  std::string example;
  for (const auto& row : split.rows->rows) {
    const auto [known, is_new] = first.try_emplace(row.text, &row);
    if (is_new || row.text.empty()) continue;
    ++repeated;
    if (known->second->label == row.label || !torn.insert(row.text).second) continue;
    if (torn.size() == 1) {
      example = at(*split.rows, *known->second) + " ('" + known->second->label + "') and " +
                at(*split.rows, row) + " ('" + row.label + "')";
    }
  }
  if (repeated > 0) {
    warnings.push_back(counted(repeated, "text") + " of " + of_split(split) + " " +
                       (repeated == 1 ? "repeats" : "repeat") + " an earlier one");
  }
  if (!torn.empty()) {
    warnings.push_back(counted(torn.size(), "text") + " of " + of_split(split) + " " +
                       (torn.size() == 1 ? "has" : "have") + " two labels: " + example);
  }
  return first;
}

void add_shared_texts(const NamedRows& train, const FirstRows& trained, const NamedRows& other,
                      std::vector<std::string>& warnings) {
  std::size_t shared = 0;
  const LabelledRow* first = nullptr;
  for (const auto& row : other.rows->rows) {
    if (row.text.empty() || !trained.contains(row.text)) continue;
    if (shared++ == 0) first = &row;
  }
  if (shared == 0) return;
  warnings.push_back(
      counted(shared, "text") + " of " + other.split + " " + (shared == 1 ? "is" : "are") + " in " +
      train.split + ", too, which flatters the result: the first is at " + at(*other.rows, *first));
}

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What two labels have in common that somebody may have meant to be one: "Pos" and "pos", "01" and
// "1", ["a","b"] and ["b","a"].
std::string likeness(const std::string& label) {
  std::string small;
  for (const char c : label) {
    if (c != ' ' && c != '\t')
      small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (const auto number = number_of(small)) return std::to_string(*number);
  if (!small.starts_with("[")) return small;
  std::ranges::sort(small);
  return small;
}

void add_like_labels(const NamedRows& split, std::vector<std::string>& warnings) {
  std::map<std::string, std::vector<std::string>> alike;
  for (const auto& [label, count] : label_counts(*split.rows)) {
    alike[likeness(label)].push_back(label);
  }
  for (const auto& [key, labels] : alike) {
    if (labels.size() < 2) continue;
    std::string text;
    for (const auto& label : labels)
      text.append(text.empty() ? "'" : ", '").append(label).append("'");
    warnings.push_back("labels of " + of_split(split) + " that may be one: " + text);
  }
}

void add_scores(const NamedRows& split, std::vector<std::string>& warnings) {
  constexpr std::size_t kMany = 20;
  const auto counts = label_counts(*split.rows);
  if (counts.size() <= kMany) return;
  bool fractions = false;
  for (const auto& [label, count] : counts) {
    const auto number = number_of(label);
    if (!number) return;
    fractions = fractions || *number != static_cast<double>(static_cast<std::int64_t>(*number));
  }
  if (!fractions) return;
  warnings.push_back("the labels of " + of_split(split) + " are " + std::to_string(counts.size()) +
                     " different numbers, of which each becomes a class; are they scores?");
}

// How many texts end in a space, by what `group` says of a row.
using Spaced = std::map<std::string, std::pair<double, double>>;  // with one, all

void add_uneven(const Spaced& groups, const std::string& what, std::vector<std::string>& warnings) {
  constexpr double kApart = 0.2;
  constexpr double kLeast = 10;  // rows; of fewer a share says nothing
  const auto share = [](const auto& group) { return group.second.first / group.second.second; };
  const Spaced::value_type* low = nullptr;
  const Spaced::value_type* high = nullptr;
  for (const auto& group : groups) {
    if (group.second.second < kLeast) continue;
    if (low == nullptr || share(group) < share(*low)) low = &group;
    if (high == nullptr || share(group) > share(*high)) high = &group;
  }
  if (low == nullptr || share(*high) - share(*low) < kApart) return;
  const auto percent = [&](const auto& group) {
    return std::to_string(static_cast<int>(100 * share(group) + 0.5)) + " % of " + group.first;
  };
  warnings.push_back("spaces at the end of texts differ from " + what + " to " + what + " (" +
                     percent(*high) + ", " + percent(*low) +
                     "), and a model that reads the last token learns them; task.strip: true takes "
                     "them off");
}

void add_spaces(const std::vector<NamedRows>& splits, std::vector<std::string>& warnings) {
  Spaced by_split;
  for (const auto& split : splits) {
    Spaced by_label;
    for (const auto& row : split.rows->rows) {
      const bool spaced =
          !row.text.empty() && std::isspace(static_cast<unsigned char>(row.text.back())) != 0;
      for (auto* group : {&by_label["'" + row.label + "'"], &by_split[split.split]}) {
        group->first += spaced ? 1 : 0;
        group->second += 1;
      }
    }
    if (split.split == "train") add_uneven(by_label, "label", warnings);
  }
  add_uneven(by_split, "split", warnings);
}

}  // namespace

std::vector<std::string> data_summary(const std::vector<NamedRows>& splits) {
  std::vector<std::string> lines;
  for (const auto& [split, rows] : splits) {
    const auto classes = label_counts(*rows).size();
    const bool pairs = !rows->rows.empty() && rows->rows.front().second;
    lines.push_back(split + ": " + counted(rows->rows.size(), pairs ? "pair" : "text") + " of " +
                    files_text(*rows) + ", " + std::to_string(classes) +
                    (classes == 1 ? " class (" : " classes (") + classes_text(*rows) + ")");
  }
  return lines;
}

std::vector<std::string> data_warnings(const std::vector<NamedRows>& splits, bool stripped) {
  std::vector<std::string> warnings;
  FirstRows trained;
  const NamedRows* train = nullptr;
  for (const auto& split : splits) {
    add_empty_texts(split, warnings);
    auto first = add_repeated_texts(split, warnings);
    if (split.split == "train") {
      train = &split;
      trained = std::move(first);
      add_like_labels(split, warnings);
      add_scores(split, warnings);
    } else if (train != nullptr) {
      add_shared_texts(*train, trained, split, warnings);
    }
  }
  if (!stripped) add_spaces(splits, warnings);
  return warnings;
}

}  // namespace mvn
