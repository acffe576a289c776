// What a classifier got right and wrong, and the figures made of it.
#pragma once

#include <cstdint>
#include <vector>

namespace mvn {

class Confusion {
 public:
  explicit Confusion(std::int64_t classes);
  void add(std::int64_t label, std::int64_t predicted);

  [[nodiscard]] std::int64_t total() const { return total_; }
  // Examples of class `label`, and how often it was predicted.
  [[nodiscard]] std::int64_t labelled(std::int64_t label) const;
  [[nodiscard]] std::int64_t predicted(std::int64_t label) const;

  [[nodiscard]] double accuracy() const;
  // Accuracy of always answering the most frequent class.
  [[nodiscard]] double majority() const;
  // Mean of the classes' F1 as scikit-learn takes it: over the classes that occur among the labels
  // or the predictions; 0 for a class without a true positive.
  [[nodiscard]] double macro_f1() const;
  // Matthews correlation (the multi-class R_K), 0 where it is undefined.
  [[nodiscard]] double matthews() const;

 private:
  [[nodiscard]] std::int64_t count(std::int64_t label, std::int64_t predicted) const;

  std::int64_t classes_;
  std::int64_t total_ = 0;
  std::vector<std::int64_t> counts_;  // [label, predicted]
};

}  // namespace mvn
