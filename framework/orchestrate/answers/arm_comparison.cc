#include "orchestrate/answers/arm_comparison.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "common/text.h"
#include "orchestrate/answers/words.h"

namespace mvn {
namespace {

// Whether the two began with the same model for each seed, so that the seeds are pairs.
bool share_start(const ArmResults& a, const ArmResults& b) {
  constexpr std::size_t kLeastPairs = 3;
  if (a.values.size() < kLeastPairs || a.values.size() != b.values.size()) return false;
  for (const auto& [seed, value] : a.values) {
    if (!b.values.contains(seed)) return false;
    const auto one = a.start.find(seed);
    const auto other = b.start.find(seed);
    if (one == a.start.end() || other == b.start.end() || one->second != other->second) {
      return false;
    }
  }
  return true;
}

std::vector<ComparedPair> pairs_of(const Evidence& evidence, const std::string& baseline) {
  std::vector<ComparedPair> pairs;
  const auto add = [&](std::size_t a, std::size_t b) {
    ComparedPair pair;
    pair.a = a;
    pair.b = b;
    for (std::size_t i = 0; i < evidence.sets.size(); ++i) {
      const auto& arms = evidence.sets[i].arms;
      if (!arms[a].values.empty() && !arms[b].values.empty()) pair.sets.push_back(i);
    }
    if (!pair.sets.empty()) pairs.push_back(std::move(pair));
  };
  const auto found = std::ranges::find(evidence.arms, baseline);
  const auto base = static_cast<std::size_t>(found - evidence.arms.begin());
  for (std::size_t a = 0; a < evidence.arms.size(); ++a) {
    if (found != evidence.arms.end()) {
      if (a != base) add(a, base);
      continue;
    }
    for (std::size_t b = a + 1; b < evidence.arms.size(); ++b) add(a, b);
  }
  return pairs;
}

std::optional<FriedmanTest> friedman_of(const Evidence& evidence) {
  if (evidence.arms.size() < 3 || evidence.sets.size() < 2) return {};
  std::vector<std::vector<double>> sets;
  for (const auto& set : evidence.sets) {
    std::vector<double> means;
    for (const auto& arm : set.arms) {
      if (arm.values.empty()) return {};
      const auto values = values_of(arm);
      means.push_back(mean_of(values) * (evidence.maximize ? -1 : 1));  // the best one has rank 1
    }
    sets.push_back(std::move(means));
  }
  const auto test = friedman_test(sets);
  return test.least < kSignificance ? std::optional(test) : std::nullopt;
}

std::string set_name(const Evidence& evidence, std::size_t set) {
  const auto& name = evidence.sets[set].name;
  return name.empty() ? "the data set" : name;
}

void judge(ArmComparison& comparison, const std::string& baseline) {
  const auto& evidence = comparison.evidence;
  const Terms terms = {.maximize = evidence.maximize, .region = evidence.region};
  std::vector<std::vector<SetSamples>> samples;
  for (const auto& pair : comparison.pairs) {
    auto& sets = samples.emplace_back();
    for (const std::size_t set : pair.sets) {
      const auto& a = evidence.sets[set].arms[pair.a];
      const auto& b = evidence.sets[set].arms[pair.b];
      sets.push_back({values_of(a), values_of(b), share_start(a, b)});
    }
  }
  const auto judged = judge_pairs(samples, terms);
  for (const auto& pair : judged) {
    comparison.asked += static_cast<std::size_t>(
        std::ranges::count_if(pair.sets, [](const SetJudgement& set) { return set.answers(); }));
  }
  const int decimals = decimals_of(evidence);
  for (std::size_t i = 0; i < judged.size(); ++i) {
    auto& pair = comparison.pairs[i];
    pair.judgement = judged[i];
    std::vector<std::string> names;
    for (const std::size_t set : pair.sets) names.push_back(set_name(evidence, set));
    pair.sentence = pair_sentence(
        pair.judgement, terms,
        {.a = evidence.arms[pair.a],
         .b = evidence.arms[pair.b],
         .metric = evidence.metric,
         .decimals = decimals,
         .texts = pair.sets.size() == 1 ? evidence.sets[pair.sets.front()].texts : std::nullopt,
         .asked = comparison.asked,
         .keep_order = !baseline.empty()},
        names);
  }
}

// What the seeds repeat, and so what the verdict is about.
std::string replication_note(const Evidence& evidence, const std::string& by) {
  std::set<Start> starts;
  std::set<std::string> checkpoints;
  for (const auto& set : evidence.sets) {
    for (const auto& arm : set.arms) {
      if (arm.values.empty()) continue;
      starts.insert(arm.from);
      if (arm.from == Start::kCheckpoint) checkpoints.insert(arm.checkpoint);
    }
  }
  const std::string replicated = "What the seeds repeat: ";
  if (starts.size() > 1) {
    return replicated +
           "of some arms the training from one checkpoint, of others more than that; the verdict "
           "is about these checkpoints.";
  }
  switch (*starts.begin()) {
    case Start::kCheckpoint:
      if (checkpoints.size() == 1) {
        return replicated + "the training from one checkpoint (" + *checkpoints.begin() +
               "). The verdict is about this checkpoint, and not about others of its architecture.";
      }
      return replicated + "the training from one checkpoint each (" +
             listed({checkpoints.begin(), checkpoints.end()}, 4) +
             "). The verdict is about these checkpoints: of architectures, of which each is one "
             "pretraining, the seeds say nothing.";
    case Start::kTrainedPerSeed:
      return replicated + "the whole training, that of the models that trials start from included.";
    case Start::kRandomWeights:
      return replicated + "the whole training, from random weights.";
    case Start::kProgram:
      break;
  }
  return replicated + "the trial's own program; what differs with `seed`, it decides. Where each " +
         by + " starts from one pretrained model, the verdict is about these models alone.";
}

std::string at(const Evidence& evidence, std::size_t arm, std::size_t set) {
  const auto& name = evidence.sets[set].name;
  const auto& chosen = evidence.sets[set].arms[arm].configuration;
  return evidence.arms[arm] + (chosen.empty() ? "" : " with " + chosen) +
         (name.empty() ? "" : " on " + name);
}

// Of every arm and set what is missing, as "1 of 5 trials of mamba on sst2 failed".
void add_losses(const Evidence& evidence, std::vector<std::string>& notes) {
  std::size_t failures = 0;
  for (std::size_t set = 0; set < evidence.sets.size(); ++set) {
    for (std::size_t i = 0; i < evidence.arms.size(); ++i) {
      const auto& arm = evidence.sets[set].arms[i];
      const auto all = " of " + plural(arm.trials, "trial") + " of " + at(evidence, i, set);
      if (arm.failed > 0) notes.push_back(std::to_string(arm.failed) + all + " failed.");
      if (arm.numberless > 0) {
        notes.push_back(std::to_string(arm.numberless) + all + " gave no finite " +
                        evidence.metric + ".");
      }
      if (arm.waiting > 0) notes.push_back(std::to_string(arm.waiting) + all + " did not end yet.");
      if (arm.stopped > 0) {
        notes.push_back("Stopped early and left out: " + plural(arm.stopped, "trial") + " of " +
                        at(evidence, i, set) + ".");
      }
      failures += arm.failed + arm.numberless;
    }
  }
  if (failures > 0) {
    notes.emplace_back(
        "Trials seldom fail by chance: the mean of those that are left may flatter the arm.");
  }
}

void add_choice(const Evidence& evidence, std::vector<std::string>& notes) {
  if (evidence.chosen_by.empty()) return;
  for (const auto& set : evidence.sets) {
    std::set<std::size_t> draws;
    std::vector<std::string> counts;
    for (std::size_t i = 0; i < evidence.arms.size(); ++i) {
      if (set.arms[i].draws == 0) continue;
      draws.insert(set.arms[i].draws);
      counts.push_back(evidence.arms[i] + " " + std::to_string(set.arms[i].draws));
    }
    if (draws.size() < 2) continue;
    notes.push_back("Not equally many configurations were tried" +
                    (set.name.empty() ? "" : " on " + set.name) + " (" + listed(counts, 12) +
                    "): the best of more is better by chance alone.");
  }
  if (evidence.chosen_by == evidence.metric) {
    notes.push_back("Each arm's configuration was chosen by the same " + evidence.metric +
                    " that it is judged by, which flatters all of them; a test split would not.");
  }
}

void read_texts(Database& db, const std::string& sweep, ArmComparison& comparison) {
  constexpr std::size_t kMostRead = 12;  // more would take long, and are more than is read
  const auto& evidence = comparison.evidence;
  std::size_t rows = 0;
  for (const auto& pair : comparison.pairs) rows += pair.sets.size();
  // An accuracy is what predictions count for; an old database has none.
  const bool wanted =
      evidence.metric.ends_with("/accuracy") && rows <= kMostRead &&
      db.integer("SELECT 1 FROM sqlite_schema WHERE name = 'mvn_prediction'").has_value();
  const std::string split = evidence.metric.starts_with("test/") ? "test" : "validation";
  for (auto& pair : comparison.pairs) {
    pair.texts.resize(pair.sets.size());
    for (std::size_t i = 0; wanted && i < pair.sets.size(); ++i) {
      const auto& arms = evidence.sets[pair.sets[i]].arms;
      pair.texts[i] = compare_texts(db, sweep, split, arms[pair.a].ids, arms[pair.b].ids);
    }
  }
}

std::string text_of_many(const TextByText::Many& many, const std::string& a, const std::string& b) {
  const int decimals = decimals_apart(many.test.difference, 0, 3);
  const bool a_leads = many.test.difference >= 0;
  const auto& interval = many.interval;
  return std::to_string(many.models_a) + " models of " + a + " and " +
         std::to_string(many.models_b) + " of " + b + ": " + (a_leads ? a : b) +
         " is right about " + fixed(std::abs(many.test.difference), decimals) +
         " of the texts more (" +
         (a_leads ? interval_text(interval.low, interval.high, decimals)
                  : interval_text(-interval.high, -interval.low, decimals)) +
         " over seeds and texts, by bootstrap); exchanging the arms text by text gives p " +
         (many.test.p < 0.001 ? "" : "= ") + p_text(many.test.p) +
         ". This is about these models on other texts.";
}

std::string text_of_two(const TextByText::Two& two, const std::string& a, const std::string& b) {
  return "the models of seed " + std::to_string(two.seed) + ": " + a + " alone is right on " +
         std::to_string(two.only_a) + ", " + b + " alone on " + std::to_string(two.only_b) +
         (two.test.can_answer()
              ? "; McNemar's exact p is " + p_text(two.test.p) + ", its mid-p " +
                    p_text(two.test.mid_p) +
                    ". This is about these two models on other texts, not about other seeds."
              : ": too few to tell the two models apart.");
}

void add_texts(const ArmComparison& comparison, std::vector<std::string>& notes) {
  const auto& evidence = comparison.evidence;
  for (const auto& pair : comparison.pairs) {
    for (std::size_t i = 0; i < pair.sets.size(); ++i) {
      const auto& texts = pair.texts[i];
      if (!texts || (!texts->many && !texts->two)) continue;
      const auto& a = evidence.arms[pair.a];
      const auto& b = evidence.arms[pair.b];
      notes.push_back(
          "Text by text, of " + std::to_string(texts->texts) + " texts" +
          (evidence.sets.size() > 1 ? " of " + set_name(evidence, pair.sets[i]) : "") + ", " +
          (texts->many ? text_of_many(*texts->many, a, b) : text_of_two(*texts->two, a, b)));
    }
  }
}

std::vector<std::string> notes_of(const ArmComparison& comparison, const std::string& by) {
  const auto& evidence = comparison.evidence;
  std::vector<std::string> notes = {replication_note(evidence, by)};
  add_losses(evidence, notes);
  add_choice(evidence, notes);
  if (!evidence.also.empty()) {
    notes.push_back("The arms differ in " + listed(evidence.also, 6) +
                    " too; the verdict is about all of it together.");
  }
  if (evidence.goal_is_guessed) {
    notes.push_back("The sweep does not say which " + evidence.metric +
                    " is better; by its name, " + (evidence.maximize ? "a higher" : "a lower") +
                    " one is.");
  }
  notes.insert(notes.end(), evidence.notes.begin(), evidence.notes.end());
  add_texts(comparison, notes);
  return notes;
}

}  // namespace

std::vector<double> values_of(const ArmResults& arm) {
  std::vector<double> values;
  for (const auto& [seed, value] : arm.values) values.push_back(value);
  return values;
}

int decimals_of(const Evidence& evidence) {
  std::vector<double> means;
  std::vector<double> spreads;
  for (const auto& set : evidence.sets) {
    for (const auto& arm : set.arms) {
      if (arm.values.empty()) continue;
      const auto values = values_of(arm);
      means.push_back(mean_of(values));
      if (values.size() > 1) spreads.push_back(deviation_of(values));
    }
  }
  return decimals_for(means, spreads);
}

ArmComparison compare_evidence(Database& db, Evidence evidence, const CompareRequest& request) {
  ArmComparison comparison;
  comparison.evidence = std::move(evidence);
  comparison.pairs = pairs_of(comparison.evidence, request.baseline);
  judge(comparison, request.baseline);
  read_texts(db, request.sweep, comparison);
  comparison.friedman = friedman_of(comparison.evidence);
  comparison.notes = notes_of(comparison, request.by);
  return comparison;
}

}  // namespace mvn
