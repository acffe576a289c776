// The comparison as people read it.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/text.h"
#include "orchestrate/answers/arm_comparison.h"
#include "orchestrate/answers/words.h"

namespace mvn {
namespace {

PageTable results_table(const ArmComparison& comparison, const std::string& by) {
  const auto& evidence = comparison.evidence;
  const int decimals = decimals_of(evidence);
  PageTable table;
  table.columns = {"data set", by, "n", "mean", "sd", "chosen of", "configuration"};
  for (const auto& set : evidence.sets) {
    for (std::size_t i = 0; i < evidence.arms.size(); ++i) {
      const auto& arm = set.arms[i];
      const auto values = values_of(arm);
      table.rows.push_back({set.name, evidence.arms[i],
                            std::to_string(values.size()) + " of " + std::to_string(arm.trials),
                            values.empty() ? "-" : fixed(mean_of(values), decimals),
                            values.size() < 2 ? "-" : "± " + fixed(deviation_of(values), decimals),
                            std::to_string(arm.draws), arm.configuration});
    }
  }
  if (evidence.chosen_by.empty()) {
    table.drop_column(6);
    table.drop_column(5);
  }
  if (evidence.sets.size() == 1) table.drop_column(0);
  return table;
}

std::string verdict_text(const ArmComparison& comparison, const ComparedPair& pair,
                         const SetJudgement& set) {
  switch (set.verdict) {
    case Verdict::kBetter:
      return comparison.evidence.arms[pair.a];
    case Verdict::kWorse:
      return comparison.evidence.arms[pair.b];
    default:
      return verdict_word(set.verdict);
  }
}

std::vector<std::string> pair_row(const ArmComparison& comparison, const ComparedPair& pair,
                                  std::size_t index) {
  const auto& set = pair.judgement.sets[index];
  const auto& evidence = comparison.evidence;
  const int decimals = decimals_apart(set.mean_a, set.mean_b, decimals_of(evidence));
  const bool answers = set.answers();
  const auto& chance = set.superiority;
  return {evidence.sets[pair.sets[index]].name,
          evidence.arms[pair.a] + " - " + evidence.arms[pair.b],
          fixed(set.difference.estimate, decimals),
          answers ? interval_text(set.difference.low, set.difference.high, decimals) : "-",
          answers ? p_text(set.difference.p) + (set.paired ? " (paired)" : "") : "-",
          set.permutation ? p_text(set.permutation->p) : "-",
          answers ? p_text(set.adjusted) : "-",
          fixed(chance.probability, 2) + " (" + interval_text(chance.low, chance.high, 2) + ")",
          answers ? fixed(set.g, 2) : "-",
          verdict_text(comparison, pair, set),
          set.more_seeds ? "about " + std::to_string(*set.more_seeds) : "-"};
}

PageTable pairs_table(const ArmComparison& comparison) {
  PageTable table;
  table.columns = {"data set", "arms",    "difference", "95 % interval",
                   "p",        "exact p", "Holm's p",   "P(first is better)",
                   "g",        "better",  "more seeds"};
  bool some_exact = false;
  bool some_more = false;
  for (const auto& pair : comparison.pairs) {
    for (std::size_t i = 0; i < pair.sets.size(); ++i) {
      table.rows.push_back(pair_row(comparison, pair, i));
      some_exact = some_exact || pair.judgement.sets[i].permutation.has_value();
      some_more = some_more || pair.judgement.sets[i].more_seeds.has_value();
    }
  }
  if (!some_more) table.drop_column(10);
  if (comparison.asked < 2) table.drop_column(6);
  if (!some_exact) table.drop_column(5);
  if (comparison.evidence.sets.size() == 1) table.drop_column(0);
  return table;
}

std::string friedman_text(const ArmComparison& comparison, const FriedmanTest& test) {
  std::vector<std::string> ranks;
  for (std::size_t i = 0; i < test.mean_ranks.size(); ++i) {
    ranks.push_back(comparison.evidence.arms[i] + " " + fixed(test.mean_ranks[i], 2));
  }
  return "Over " + std::to_string(comparison.evidence.sets.size()) +
         " data sets the mean ranks are " + listed(ranks, 12) + ": Friedman's test " +
         (test.p < kSignificance ? "says that some differ" : "does not tell them apart") +
         " (chi squared " + fixed(test.statistic, 2) + ", p " + (test.p < 0.001 ? "" : "= ") +
         p_text(test.p) + ").";
}

// The arms on a line by their mean ranks, the best one first, and which of them lie closer
// together than the test can tell.
class RankDiagram {
 public:
  RankDiagram(const std::vector<std::string>& arms, const std::vector<double>& mean_ranks)
      : arms_(arms), ranks_(mean_ranks), order_(arms.size()), title_(columns(kTitle)) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t arm) { return ranks_[arm]; });
    for (const auto& arm : arms_) title_ = std::max(title_, columns(arm));
  }

  std::vector<std::string> lines(double critical) {
    add_scale();
    for (const std::size_t arm : order_) {
      add(arms_[arm], std::string(at(ranks_[arm]), ' ') + "* " + fixed(ranks_[arm], 2));
    }
    add_stretches(critical);
    add("", "critical difference " + fixed(critical, 2) + " (Nemenyi); === joins what is within");
    return std::move(lines_);
  }

 private:
  static constexpr std::string_view kTitle = "mean rank";
  static constexpr double kWidth = 48;  // characters

  [[nodiscard]] std::size_t at(double rank) const {
    const auto most = static_cast<double>(arms_.size());
    return static_cast<std::size_t>(std::lround((rank - 1) / (most - 1) * kWidth));
  }

  void add(std::string_view title, const std::string& text) {
    lines_.emplace_back(title);
    lines_.back().append(title_ + 2 - columns(title), ' ').append(text);
  }

  void add_scale() {
    std::string numbers;
    std::string scale(at(static_cast<double>(arms_.size())) + 1, '-');
    for (std::size_t rank = 1; rank <= arms_.size(); ++rank) {
      const auto place = at(static_cast<double>(rank));
      numbers.resize(std::max(place, numbers.size()), ' ');
      numbers += std::to_string(rank);
      scale[place] = '+';
    }
    add(kTitle, numbers);
    add("", scale);
  }

  // Each stretch of arms within the critical difference, unless a longer one holds it.
  void add_stretches(double critical) {
    std::size_t reached = 0;
    for (std::size_t first = 0; first < order_.size(); ++first) {
      std::size_t end = first + 1;
      while (end < order_.size() && ranks_[order_[end]] - ranks_[order_[first]] <= critical) {
        ++end;
      }
      if (end == first + 1 || end <= reached) continue;
      reached = end;
      const auto from = at(ranks_[order_[first]]);
      const auto to = at(ranks_[order_[end - 1]]);
      add("", std::string(from, ' ') + std::string(to - from + 1, '='));
    }
  }

  const std::vector<std::string>& arms_;
  const std::vector<double>& ranks_;
  std::vector<std::size_t> order_;  // of the arms, best first
  std::size_t title_;               // columns
  std::vector<std::string> lines_;
};

// What the columns are.
std::string tests_note(const ArmComparison& comparison) {
  bool exact = false;
  bool welch = false;
  bool paired = false;
  std::int64_t sampled = 0;
  for (const auto& pair : comparison.pairs) {
    for (const auto& set : pair.judgement.sets) {
      if (!set.answers()) continue;
      (set.paired ? paired : welch) = true;
      exact = exact || set.permutation;
      if (set.permutation) sampled = std::max(sampled, set.permutation->sampled);
    }
  }
  if (!welch && !paired) return "";
  std::string text = "Interval and p are ";
  text += welch ? "Welch's" : "";
  text += welch && paired ? ", or " : "";
  text += paired ? "of pairs that share seed and start" : "";
  if (exact) {
    text += "; exact p is that of the permutation test (";
    text += sampled > 0 ? "up to " + std::to_string(kMostCounted) +
                              " values all arrangements, of "
                              "more " +
                              std::to_string(sampled) + " at random"
                        : "all arrangements counted";
    text += "), and both must be below " + short_number(kSignificance);
  } else if (welch) {
    text += "; so few seeds cannot make an exact test significant";
  }
  if (comparison.asked > 1) {
    text += "; Holm's p is the larger one among " + std::to_string(comparison.asked) +
            " questions, and decides";
  }
  text += "; g is Hedges'";
  const double region = comparison.evidence.region;
  if (region > 0) {
    text +=
        "; within " + short_number(region) + " on either side of 0 (--rope) arms are equivalent";
  }
  return text + ".";
}

}  // namespace

Page page_of(const ArmComparison& comparison, const CompareRequest& request) {
  const auto& evidence = comparison.evidence;
  Page page;
  page.heading = request.sweep + ": " + evidence.metric + " by " + request.by + " (" +
                 (evidence.maximize ? "higher" : "lower") + " is better)";
  if (!evidence.chosen_by.empty()) {
    page.heading += ", each arm's best configuration by " + evidence.chosen_by;
  }
  page.tables = {results_table(comparison, request.by), pairs_table(comparison)};
  if (const auto& test = comparison.friedman) {
    page.sentences.push_back(friedman_text(comparison, *test));
    page.diagram = RankDiagram(evidence.arms, test->mean_ranks)
                       .lines(nemenyi_difference(evidence.arms.size(), evidence.sets.size()));
  }
  for (const auto& pair : comparison.pairs) page.sentences.push_back(pair.sentence);
  page.notes = comparison.notes;
  if (const auto tests = tests_note(comparison); !tests.empty()) page.notes.push_back(tests);
  return page;
}

}  // namespace mvn
