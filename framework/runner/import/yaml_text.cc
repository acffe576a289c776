#include "runner/import/yaml_text.h"

#include <algorithm>
#include <string_view>

#include "common/json.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

bool is_plain(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./+-").find(c) != std::string_view::npos;
  };
  return !text.empty() && text != "-" && std::all_of(text.begin(), text.end(), plain);
}

}  // namespace

std::string quoted(const std::string& text) { return Json(text).dump(); }

std::string yaml_text(const std::string& text) {
  const bool other = core_bool(text) || core_real(text) || text == "null" || text == "Null" ||
                     text == "NULL" || text == "~";
  return is_plain(text) && !other ? text : quoted(text);
}

std::string yaml(const Node& node) {
  if (node.is_scalar()) return is_plain(node.text) && !node.quoted ? node.text : quoted(node.text);
  if (node.is_null()) return "null";
  std::string text;
  for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + yaml(item);
  for (const Entry& entry : node.entries) {
    text += (text.empty() ? "" : ", ") + yaml_text(entry.key) + ": " + yaml(entry.value);
  }
  return node.is_list() ? "[" + text + "]" : "{" + text + "}";
}

}  // namespace mvn
