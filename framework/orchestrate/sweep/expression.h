// The conditions of `exclude` and `when`: "adapter.r == 16 && training.batch_size in [64, 128]".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"

namespace mvn {

// Comparisons (==, !=, <, <=, >, >=, in [...]) of keys and constants (numbers, 'texts', true,
// false, null), combined by && (and), || (or), ! (not) and parentheses. A key without a value is
// null: equal to null alone, and neither less nor greater than anything.
class Expression {
 public:
  using Lookup = std::function<Json(const std::string& key)>;

  // Throws ConfigError with the position in the text where it cannot be read.
  explicit Expression(std::string_view text);

  // Throws ConfigError where it compares a number with a text by order.
  [[nodiscard]] bool holds(const Lookup& lookup) const;
  // The keys it names, in the text's order.
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }

  struct Term;

 private:
  std::vector<std::string> keys_;
  std::shared_ptr<const Term> root_;
};

}  // namespace mvn
