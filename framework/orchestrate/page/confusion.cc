#include "orchestrate/page/confusion.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>

#include "common/files.h"
#include "common/json.h"

namespace mvn {
namespace {

constexpr std::uintmax_t kLargestFile = 64'000'000;

void grow(Confusion& confusion, std::size_t classes) {
  if (confusion.size() >= classes) return;
  confusion.resize(classes);
  for (auto& row : confusion) row.resize(classes);
}

std::optional<std::size_t> class_in(const Json& line, const char* key) {
  if (!line.is_object() || !line.contains(key) || !line[key].is_number_integer()) return {};
  const auto index = line[key].get<std::int64_t>();
  if (index < 0 || index >= kMostClasses) return {};
  return static_cast<std::size_t>(index);
}

std::optional<std::int64_t> as_integer(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace

std::optional<Confusion> read_confusion(const std::filesystem::path& predictions) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(predictions, ignored) ||
      std::filesystem::file_size(predictions, ignored) > kLargestFile) {
    return {};
  }
  Confusion confusion;
  std::istringstream lines(read_file(predictions));
  for (std::string line; std::getline(lines, line);) {
    const auto json = try_parse_json(line);
    const auto label = class_in(json, "label");
    const auto predicted = class_in(json, "predicted");
    if (!label || !predicted) return {};
    grow(confusion, std::max(*label, *predicted) + 1);
    ++confusion[*label][*predicted];
  }
  if (confusion.empty()) return {};
  return confusion;
}

void add_confusion(Confusion& sum, const Confusion& other) {
  grow(sum, other.size());
  for (std::size_t i = 0; i < other.size(); ++i) {
    for (std::size_t j = 0; j < other.size(); ++j) sum[i][j] += other[i][j];
  }
}

std::optional<std::vector<std::string>> class_names(
    const Confusion& confusion, const std::map<std::string, std::int64_t>& labelled) {
  std::vector<std::string> names;
  for (const auto& [name, count] : labelled) names.push_back(name);
  if (std::ranges::all_of(names, [](const auto& name) { return as_integer(name).has_value(); })) {
    std::ranges::sort(names, {}, [](const auto& name) { return *as_integer(name); });
  }
  if (names.empty() || names.size() < confusion.size()) return {};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::int64_t in_matrix =
        i < confusion.size()
            ? std::accumulate(confusion[i].begin(), confusion[i].end(), std::int64_t{0})
            : 0;
    if (in_matrix != labelled.at(names[i])) return {};
  }
  return names;
}

const std::optional<Confusion>& ConfusionCache::read(const std::filesystem::path& predictions) {
  auto& entry = entries_[predictions];
  std::error_code ignored;
  const auto changed = std::filesystem::last_write_time(predictions, ignored);
  const auto size = std::filesystem::file_size(predictions, ignored);
  if (entry.changed != changed || entry.size != size) {
    entry = {changed, size, read_confusion(predictions)};
  }
  return entry.confusion;
}

}  // namespace mvn
