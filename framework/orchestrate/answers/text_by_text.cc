#include "orchestrate/answers/text_by_text.h"

#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "common/files.h"
#include "common/json.h"

namespace mvn {
namespace {

struct Answer {
  std::int64_t label = 0;
  bool right = false;
};
using PredictedTexts = std::map<std::int64_t, Answer>;  // by example

std::optional<PredictedTexts> read_predictions(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  PredictedTexts texts;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const auto json = try_parse_json(line);
    const auto is_number = [&](const char* key) {
      return json.is_object() && json.contains(key) && json[key].is_number_integer();
    };
    if (!is_number("example") || !is_number("label") || !is_number("predicted")) return {};
    const auto label = json["label"].get<std::int64_t>();
    texts[json["example"].get<std::int64_t>()] = {label,
                                                  label == json["predicted"].get<std::int64_t>()};
  }
  return texts;
}

}  // namespace

std::optional<TextByText> compare_predictions(const std::filesystem::path& a,
                                              const std::filesystem::path& b) {
  const auto one = read_predictions(a);
  const auto other = read_predictions(b);
  if (!one || !other || one->empty() || one->size() != other->size()) return {};
  TextByText result;
  result.texts = static_cast<std::int64_t>(one->size());
  for (auto left = one->begin(), right = other->begin(); left != one->end(); ++left, ++right) {
    if (left->first != right->first || left->second.label != right->second.label) return {};
    result.only_a += left->second.right && !right->second.right ? 1 : 0;
    result.only_b += right->second.right && !left->second.right ? 1 : 0;
  }
  result.test = mcnemar_test(result.only_a, result.only_b);
  return result;
}

}  // namespace mvn
