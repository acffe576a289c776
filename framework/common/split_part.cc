#include "common/split_part.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mvn {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// What stands behind the last '-', which is taken off with it.
std::string_view take_last(std::string_view& text) {
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos) return {};
  const auto last = text.substr(dash + 1);
  text = text.substr(0, dash);
  return last;
}

}  // namespace

std::optional<SplitPart> split_part(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  std::string_view rest = std::string_view(name).substr(0, name.find('.'));
  const auto count = take_last(rest);
  const auto of = take_last(rest);
  const auto number = take_last(rest);
  if (of != "of" || !is_number(count) || !is_number(number)) return std::nullopt;
  return SplitPart{std::string(rest), std::stoul(std::string(count))};
}

}  // namespace mvn
