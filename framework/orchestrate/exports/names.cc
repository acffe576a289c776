#include "orchestrate/exports/names.h"

#include "common/utf8.h"

namespace mvn {

std::string file_name(std::string_view name, std::size_t length) {
  constexpr std::string_view kMarks = "._=+-";
  std::string result;
  for (const char c : name.substr(0, length)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    // Neither hidden, nor an option of a command, nor "..".
    const bool mark = !result.empty() && kMarks.find(c) != std::string_view::npos;
    result += plain || mark ? c : '_';
  }
  return result.empty() ? "_" : result;
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (!continues_utf8(text[end]) && count-- == 0) break;
  }
  return std::string(text.substr(0, end));
}

const std::string& RenamedKeys::operator()(const std::string& name) {
  const auto known = known_.find(name);
  if (known != known_.end()) return known->second;
  const std::string wanted = rule_(name);
  std::string given = wanted;
  for (int i = 2; !taken_.insert(given).second; ++i) given = wanted + "_" + std::to_string(i);
  if (given != name) ++changed_;
  return known_.emplace(name, given).first->second;
}

}  // namespace mvn
