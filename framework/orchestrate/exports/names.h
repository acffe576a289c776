// Names that other programs take: made from what users called things, which may be anything.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace mvn {

// A name of a file or folder: letters and digits of ASCII, and "._=+-" within; '_' stands for the
// rest. At most `length` bytes, and never empty.
std::string file_name(std::string_view name, std::size_t length = 100);

// The first `count` characters of UTF-8 text.
std::string first_characters(std::string_view text, std::size_t count);

// Gives each name one that another program takes, always the same, and no two the same: where
// `rule` makes them so, "_2" and so on tells them apart.
class RenamedKeys {
 public:
  explicit RenamedKeys(std::function<std::string(std::string_view name)> rule)
      : rule_(std::move(rule)) {}
  const std::string& operator()(const std::string& name);
  // Names that had to change.
  [[nodiscard]] std::size_t changed() const { return changed_; }

 private:
  std::function<std::string(std::string_view)> rule_;
  std::map<std::string, std::string> known_;
  std::set<std::string> taken_;
  std::size_t changed_ = 0;
};

}  // namespace mvn
