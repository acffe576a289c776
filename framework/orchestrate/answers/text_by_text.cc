#include "orchestrate/answers/text_by_text.h"

#include <utility>
#include <vector>

namespace mvn {
namespace {

// The texts of a split: numbers and labels.
using Texts = std::vector<std::pair<std::int64_t, std::int64_t>>;

struct Model {
  std::int64_t seed = 0;
  std::vector<unsigned char> rights;  // by text
};

class TextReader {
 public:
  TextReader(Database& db, const std::string& sweep, const std::string& split)
      : db_(db), sweep_(sweep), split_(split) {}

  // Those of the trials that kept their predictions.
  std::vector<Model> models(const TrialsBySeed& trials) {
    std::vector<Model> found;
    for (const auto& [seed, id] : trials) {
      Texts texts;
      Model model{seed, {}};
      db_.each(
          "SELECT p.example, p.label, p.label = p.predicted FROM mvn_trial t"
          " JOIN mvn_prediction p ON p.trial = t.id AND p.split = ?3"
          " WHERE t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?1) AND t.hash = ?2"
          " ORDER BY p.example",
          [&](SQLite::Statement& row) {
            texts.emplace_back(row.getColumn(0).getInt64(), row.getColumn(1).getInt64());
            model.rights.push_back(row.getColumn(2).getInt() != 0 ? 1 : 0);
          },
          sweep_, id, split_);
      if (texts.empty()) continue;
      if (texts_.empty()) texts_ = texts;
      same_ = same_ && texts == texts_;
      found.push_back(std::move(model));
    }
    return found;
  }

  // Whether all models read were asked the same.
  [[nodiscard]] bool same() const { return same_; }

 private:
  Database& db_;
  const std::string& sweep_;
  const std::string& split_;
  Texts texts_;  // of the first model
  bool same_ = true;
};

Rights rights_of(const std::vector<Model>& models) {
  Rights rights;
  for (const auto& model : models) rights.push_back(model.rights);
  return rights;
}

TextByText::Two compare_two(std::int64_t seed, const Model& a, const Model& b) {
  TextByText::Two two;
  two.seed = seed;
  for (std::size_t text = 0; text < a.rights.size(); ++text) {
    two.only_a += a.rights[text] > b.rights[text] ? 1 : 0;
    two.only_b += b.rights[text] > a.rights[text] ? 1 : 0;
  }
  two.test = mcnemar_test(two.only_a, two.only_b);
  return two;
}

}  // namespace

std::optional<TextByText> compare_texts(Database& db, const std::string& sweep,
                                        const std::string& split, const TrialsBySeed& a,
                                        const TrialsBySeed& b) {
  TextReader reader(db, sweep, split);
  const auto of_a = reader.models(a);
  const auto of_b = reader.models(b);
  if (of_a.empty() || of_b.empty() || !reader.same()) return {};
  TextByText result;
  result.texts = std::ssize(of_a.front().rights);
  if (of_a.size() > 1 && of_b.size() > 1) {
    const auto rights_a = rights_of(of_a);
    const auto rights_b = rights_of(of_b);
    result.many = {of_a.size(), of_b.size(), exchange_test(rights_a, rights_b),
                   bootstrap_interval(rights_a, rights_b)};
  }
  for (const auto& one : of_a) {
    for (const auto& other : of_b) {
      if (one.seed == other.seed && !result.two) result.two = compare_two(one.seed, one, other);
    }
  }
  return result;
}

}  // namespace mvn
