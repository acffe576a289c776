// Regular expressions as Python's users write them, in time that grows with the text alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace mvn {

// What means the same here and in Python's re: no back references, no look-behind, and look-ahead
// at the beginning alone ("^(?!.*lm_head).*proj"). Copies share the compiled form.
class Pattern {
 public:
  // Throws Error naming what Python would understand and this cannot, so that nothing silently
  // means something else, or what is wrong with an expression that Python refuses as well.
  explicit Pattern(const std::string& expression);

  // Python's re.fullmatch and re.search. `text` may not hold line ends.
  [[nodiscard]] bool matches(std::string_view text) const;
  [[nodiscard]] bool found_in(std::string_view text) const;
  // What the last group of a whole match took; absent where there is no such match.
  [[nodiscard]] std::optional<std::string> last_group_of_match(std::string_view text) const;

 private:
  // A condition on what the text begins with.
  struct LookAhead {
    std::shared_ptr<const re2::RE2> expression;
    bool wanted;
  };
  [[nodiscard]] bool looks_right(std::string_view text) const;

  std::vector<LookAhead> look_aheads_;
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace mvn
