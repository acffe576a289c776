#include "orchestrate/exports/datasette_texts.h"

#include <algorithm>

namespace mvn {

const std::vector<DescribedView>& described_views() {
  static const std::vector<DescribedView> kViews = {
      {"artifacts", "A checkpoint or model that a trial wrote"},
      {"best",
       "A trial's best value of its metric, the step it was reached at, and the last value"},
      {"comparisons",
       "A configuration beside the best one of its stage: difference of the means and its "
       "interval"},
      {"costs", "What a trial cost in all its attempts: seconds, tokens, ..."},
      {"curves",
       "A metric at a step over the seeds of a configuration: mean, sd, smallest, largest"},
      {"environments", "What an attempt ran on"},
      {"events", "A warning of a trial, or a damaged line of its spool"},
      {"failures",
       "An attempt that failed or diverged: message, exit code or signal, last lines of its log"},
      {"finals", "The last value of a metric of a trial"},
      {"group_metrics", "Every metric's last value over the seeds of a configuration"},
      {"group_stats",
       "The objective over the seeds of a configuration: n, mean, sd, 95 % interval, best first"},
      {"importance", "How much of its stage's metric a parameter decides"},
      {"metrics", "A value of a metric of a trial at a step"},
      {"params", "A parameter of a trial by its dotted name, swept or not"},
      {"predictions", "What a trained model said of an example, where the trial kept it"},
      {"stops", "An attempt that early_terminate ended: at which iteration, and why"},
      {"sweeps", "How far a sweep is"},
      {"trials", "A trial: its parameters, seed, state, objective, time, folder"}};
  return kViews;
}

std::string_view column_description(std::string_view column) {
  static constexpr std::pair<std::string_view, std::string_view> kColumns[] = {
      {"attempt", "Of a trial that was interrupted or failed there are several"},
      {"current", "1: the sweep file as last run names the trial"},
      {"draw", "Of a method: bayes, the number of the draw, from 0"},
      {"folder", "Below the results folder"},
      {"group_id", "Shared by the trials that differ in their seed alone"},
      {"high", "Upper end of the 95 % interval (Student's t)"},
      {"id", "SHA-256 of the resolved configuration"},
      {"low", "Lower end of the 95 % interval (Student's t)"},
      {"mean", "Over the seeds"},
      {"missing", "Trials of the configuration that gave no value"},
      {"n", "Trials that are done and have a finite value"},
      {"objective", "The last recorded value of the stage's metric"},
      {"parameters", "The swept parameters, complete, as JSON"},
      {"params", "The swept parameters, readable: what sets the configuration apart"},
      {"rank", "Within the stage; 1 is best"},
      {"sd", "Standard deviation over the seeds (n - 1)"},
      {"special", "NaN, Infinity or -Infinity; of a NaN, value is NULL"},
      {"state", "planned, running, done, diverged, failed, interrupted, stopped or blocked"},
      {"stopped", "Trials that early_terminate ended"},
      {"swept", "1: the sweep varies it"},
      {"trial", "The first 12 digits of the trial's id, and the name of its folder"}};
  const auto* found =
      std::ranges::find(kColumns, column, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kColumns) ? std::string_view() : found->second;
}

const std::vector<StoredQuery>& stored_queries() {
  static const std::vector<StoredQuery> kQueries = {
      {"best_configurations", "Which configuration is best?",
       "The best three of each stage, with the interval over their seeds.",
       R"(SELECT sweep, stage, rank, params, n, mean, low, high, metric, missing
FROM group_stats
WHERE (:sweep = '' OR sweep = :sweep) AND rank <= 3)"},
      {"learning_curves", "Learning curves",
       "The stage's metric at each step, over the seeds of each configuration.",
       R"(SELECT c.sweep, c.stage, c.params, c.step, c.mean, c.min, c.max, c.n
FROM curves c
WHERE (:sweep = '' OR c.sweep = :sweep)
  AND c.name IN (SELECT t.metric FROM trials t WHERE t.sweep = c.sweep AND t.stage = c.stage)
ORDER BY c.sweep, c.stage, c.params, c.step)"},
      {"by_parameter", "The objective by a parameter",
       "Its mean for each value of one parameter: name it as the sweep file does (optimizer.lr).",
       R"(SELECT t.sweep, t.stage, p.value, count(*) AS n, avg(t.objective) AS mean,
  min(t.objective) AS min, max(t.objective) AS max
FROM trials t JOIN params p ON p.sweep = t.sweep AND p.trial = t.trial
WHERE (:sweep = '' OR t.sweep = :sweep) AND p.name = :parameter AND t.state = 'done'
GROUP BY t.sweep, t.stage, p.value
ORDER BY mean DESC)"},
      {"what_went_wrong", "What went wrong?", "Attempts that failed or diverged, newest first.",
       R"(SELECT sweep, params, seed, state, message, exit_code, signal, trial, log
FROM failures
WHERE :sweep = '' OR sweep = :sweep)"},
      {"what_it_cost", "What did it cost?", "Each configuration's costs over all its trials.",
       R"(SELECT sweep, stage, params, name, sum(value) AS total
FROM costs
WHERE :sweep = '' OR sweep = :sweep
GROUP BY sweep, stage, params, name)"},
      {"warnings", "Warnings", "What trials warned of, and lines of spools that were damaged.",
       R"(SELECT time, level, message, sweep, params, seed, trial
FROM events
WHERE :sweep = '' OR sweep = :sweep)"}};
  return kQueries;
}

}  // namespace mvn
