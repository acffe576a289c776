// How fast metrics get from a spool into results.db, and answers out of it.
#include <benchmark/benchmark.h>

#include <sstream>

#include "common/trial.h"
#include "orchestrate/answers/compare.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

constexpr int kValuesPerRecord = 4;

std::string id_of(int trial) {
  const std::string digits = std::to_string(trial);
  return std::string(12 - digits.size(), '0') + digits + std::string(52, 'f');
}

// Configurations of four seeds each.
SweepPlan plan_of(int trials) {
  SweepPlan plan;
  plan.name = "s";
  plan.file = "/sweeps/s.yaml";
  plan.resolved = Json::object();
  plan.metrics[""] = {"eval/accuracy", true};
  for (int i = 0; i < trials; ++i) {
    PlannedTrial trial;
    trial.id = id_of(i);
    trial.group = id_of(i / 4);
    trial.seed = i % 4;
    trial.config = Json{{"optimizer", {{"lr", i / 4}}}, {"seed", i % 4}};
    trial.parameters = Json{{"optimizer.lr", i / 4}};
    plan.trials.push_back(trial);
  }
  return plan;
}

std::string spool_text(int records) {
  std::string text;
  for (int step = 0; step < records; ++step) {
    text += R"({"step":)" + std::to_string(step) +
            R"(,"time":1764064800000,"type":"metric","values":{"eval/accuracy":0.8125,)" +
            R"("train/grad_norm":1.0625,"train/loss":0.33203125,"train/lr":0.0006}})" + "\n";
  }
  return text;
}

void run_trial(Store& store, const test::TemporaryFolder& results, int trial,
               const std::string& text) {
  const int attempt = store.start_attempt("s", id_of(trial), "worker 1", "cpu");
  const auto spool = trial_paths(results.path(), "s", id_of(trial)).spool(attempt);
  results.write(std::filesystem::relative(spool, results.path()).string(), text);
  store.end_attempt("s", id_of(trial), attempt, {});
}

// The rate is in metric values per second.
void ingest(benchmark::State& state) {
  const int records = static_cast<int>(state.range(0));
  const std::string text = spool_text(records);
  const test::TemporaryFolder results;
  Store store(database_path(results.path()));
  store.record_plan(plan_of(1));
  for (auto _ : state) run_trial(store, results, 0, text);
  state.SetItemsProcessed(state.iterations() * records * kValuesPerRecord);
}
BENCHMARK(ingest)->Arg(1)->Arg(100)->Arg(100'000)->Unit(benchmark::kMillisecond);

// On 200 trials of 500 records: 400 000 values.
void query(benchmark::State& state, const char* sql) {
  const test::TemporaryFolder results;
  Store store(database_path(results.path()));
  store.record_plan(plan_of(200));
  const std::string text = spool_text(500);
  for (int trial = 0; trial < 200; ++trial) run_trial(store, results, trial, text);
  for (auto _ : state) {
    std::ostringstream out;
    run_query(database_path(results.path()), sql, {RowFormat::kCsv, {}}, out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK_CAPTURE(query, trials, "SELECT * FROM trials")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query, group_stats, "SELECT * FROM group_stats")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query, best, "SELECT * FROM best")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query, curves, "SELECT * FROM curves WHERE name = 'train/loss'")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(query, one_trial, "SELECT * FROM metrics WHERE trial = '000000000007'")
    ->Unit(benchmark::kMillisecond);

// 1,000 trials: two models on ten data sets, ten learning rates, five seeds, with the configuration
// of a fine-tuning and 50 records each.
SweepPlan comparison_plan() {
  SweepPlan plan;
  plan.name = "s";
  plan.file = "/sweeps/s.yaml";
  plan.resolved = Json::object();
  plan.metrics[""] = {"eval/accuracy", true};
  for (int i = 0; i < 1000; ++i) {
    PlannedTrial trial;
    const std::string model = i / 500 == 0 ? "mamba" : "gptneo";
    const std::string data = "data/" + std::to_string(i / 50 % 10) + "/train.tsv";
    trial.id = id_of(i);
    trial.group = id_of(i / 5);
    trial.seed = i % 5;
    trial.parameters = {
        {"model.plugin", model}, {"task.train", data}, {"optimizer.lr", i / 5 % 10}};
    Json training;
    for (int key = 0; key < 40; ++key) training["setting_" + std::to_string(key)] = key;
    trial.config = Json{{"model", {{"plugin", model}, {"weights", "models/" + model}}},
                        {"task", {{"train", data}}},
                        {"optimizer", {{"lr", i / 5 % 10}}},
                        {"training", training},
                        {"seed", i % 5}};
    plan.trials.push_back(trial);
  }
  return plan;
}

void compare(benchmark::State& state) {
  const test::TemporaryFolder results;
  Store store(database_path(results.path()));
  store.record_plan(comparison_plan());
  for (int trial = 0; trial < 1000; ++trial) {
    std::string text = spool_text(50);
    text += R"({"step":50,"time":1764064800000,"type":"metric","values":{"eval/accuracy":)" +
            std::to_string(0.8 + trial * 7919 % 1000 / 10'000.0) + "}}\n";
    run_trial(store, results, trial, text);
  }
  for (auto _ : state) {
    std::ostringstream out;
    compare_arms(database_path(results.path()), {.sweep = "s", .by = "model.plugin"},
                 CompareFormat::kTable, out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(compare)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mvn
