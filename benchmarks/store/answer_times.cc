// How long answers take out of a database of many values:
//   answer_times [trials = 1000] [metrics = 10] [steps = 1000] [evaluate every = 10] [folder to
//   keep]
// The values come in through spools, as a runner takes them in; every trial reports every metric at
// every step and the objective at every so many-th, and every tenth trial was interrupted and went
// on. Prints
// what a value costs on its way in, and for each question the median of its times, the file being
// opened anew each time as mvn-runner does.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <span>
#include <sstream>

#include "common/trial.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kSeeds = 5;
constexpr std::size_t kRounds = 9;
constexpr double kPatience = 5000;  // milliseconds: what takes longer is asked once
constexpr int kInterrupted = 10;    // every so many-th trial

struct Size {
  int trials = 1000;
  int metrics = 10;
  int steps = 1000;
  int every = 10;

  [[nodiscard]] double values() const {
    return static_cast<double>(trials) * (static_cast<double>(metrics) * steps + steps / every);
  }
};

std::string id_of(int trial) {
  const std::string digits = std::to_string(trial);
  return std::string(12 - digits.size(), '0') + digits + std::string(52, 'f');
}

SweepPlan plan_of(int trials) {
  SweepPlan plan;
  plan.name = "s";
  plan.file = "/sweeps/s.yaml";
  plan.resolved = Json::object();
  plan.metrics[""] = {"eval/accuracy", true};
  for (int i = 0; i < trials; ++i) {
    PlannedTrial trial;
    trial.id = id_of(i);
    trial.group = id_of(i / kSeeds);
    trial.seed = i % kSeeds;
    trial.config = Json{{"optimizer", {{"lr", i / kSeeds}}}, {"seed", trial.seed}};
    trial.parameters = Json{{"optimizer.lr", i / kSeeds}};
    plan.trials.push_back(trial);
  }
  return plan;
}

// Values that neither rise nor fall alone.
double value_at(int trial, int metric, int step) {
  return static_cast<double>((trial * 7919 + metric * 104'729 + step * 31) % 10'007) / 10'007.0;
}

std::string spool_text(const Size& size, int trial, int first, int last) {
  std::string text;
  for (int step = first; step <= last; ++step) {
    Json values = Json::object();
    if (step % size.every == 0) values["eval/accuracy"] = value_at(trial, 0, step);
    for (int metric = 1; metric <= size.metrics; ++metric) {
      values["train/metric " + std::to_string(metric)] = value_at(trial, metric, step);
    }
    text +=
        Json{{"type", "metric"}, {"time", 1764064800000 + step}, {"step", step}, {"values", values}}
            .dump() +
        "\n";
  }
  return text;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Takes in one attempt; returns the processor's seconds that this took.
double run_attempt(Store& store, const fs::path& results, int trial, const std::string& text,
                   TrialState state) {
  const int attempt = store.start_attempt("s", id_of(trial), "worker 1", "cpu");
  const auto spool = trial_paths(results, "s", id_of(trial)).spool(attempt);
  fs::create_directories(spool.parent_path());
  std::ofstream(spool, std::ios::binary) << text;
  AttemptEnd end;
  end.state = state;
  const double before = cpu_seconds();
  store.end_attempt("s", id_of(trial), attempt, end);
  const double took = cpu_seconds() - before;
  fs::remove(spool);
  return took;
}

double fill(const fs::path& results, const Size& size) {
  Store store(database_path(results));
  store.record_plan(plan_of(size.trials));
  double seconds = 0;
  for (int trial = 0; trial < size.trials; ++trial) {
    const bool interrupted = trial % kInterrupted == kInterrupted - 1;
    const int half = size.steps / 2;
    if (interrupted) {
      const auto text = spool_text(size, trial, 1, half);
      seconds += run_attempt(store, results, trial, text, TrialState::kInterrupted);
    }
    std::string text;
    if (interrupted) {
      text = Json{{"type", "start"}, {"time", 1764064800000}, {"resumed_step", half}}.dump() + "\n";
    }
    text += spool_text(size, trial, interrupted ? half + 1 : 1, size.steps);
    seconds += run_attempt(store, results, trial, text, TrialState::kDone);
  }
  return seconds;
}

// What asking once took.
struct Took {
  double wall = 0;       // milliseconds
  double processor = 0;  // milliseconds of it
  std::size_t rows = 0;
};

Took ask(const fs::path& database, const std::string& sql) {
  const auto before = Clock::now();
  const double spent = cpu_seconds();
  std::ostringstream out;
  run_query(database, sql, {RowFormat::kCsv, {}}, out);
  Took took;
  took.wall = std::chrono::duration<double, std::milli>(Clock::now() - before).count();
  took.processor = 1000 * (cpu_seconds() - spent);
  took.rows = static_cast<std::size_t>(std::ranges::count(out.str(), '\n')) - 1;
  return took;
}

void time_answers(const fs::path& database) {
  const std::string trial = id_of(7).substr(0, 12);
  const std::vector<std::pair<std::string, std::string>> questions = {
      {"best value of each trial", "SELECT sweep, trial, best, step, last FROM best"},
      {"the ten best trials",
       "SELECT trial, params, best, step FROM best ORDER BY best DESC LIMIT 10"},
      {"objective of each trial", "SELECT trial, objective FROM trials"},
      {"group_stats", "SELECT params, mean, low, high FROM group_stats"},
      {"last values of a trial", "SELECT name, value FROM finals WHERE trial = '" + trial + "'"},
      {"curve of a trial", "SELECT step, value FROM metrics WHERE trial = '" + trial +
                               "' AND name = 'train/metric 1' ORDER BY step"},
      {"curve of a configuration",
       "SELECT step, mean, sd FROM curves WHERE name = 'train/metric 1' AND params = 'lr=1'"},
      {"all values of a trial",
       "SELECT name, step, value FROM metrics WHERE trial = '" + trial + "'"},
  };
  for (const auto& [question, sql] : questions) {
    std::vector<Took> rounds;
    do {
      rounds.push_back(ask(database, sql));
    } while (rounds.size() < kRounds && rounds.front().wall < kPatience);
    std::ranges::sort(rounds, {}, &Took::wall);
    const Took& median = rounds[rounds.size() / 2];
    std::printf("%-26s %9.1f ms (%.1f to %.1f), %.1f of a processor; %zu rows\n", question.c_str(),
                median.wall, rounds.front().wall, rounds.back().wall, median.processor,
                median.rows);
  }
}

int run(const Size& size, const fs::path& kept) {
  const test::TemporaryFolder scratch;
  const fs::path results = kept.empty() ? scratch.path() : kept;
  const auto database = database_path(results);
  if (!fs::exists(database)) {
    const double seconds = fill(results, size);
    std::printf(
        "%.0f values of %d trials taken in, %.2f microseconds of a processor each; %.0f MB\n",
        size.values(), size.trials, 1e6 * seconds / size.values(),
        static_cast<double>(fs::file_size(database)) / 1e6);
  } else {
    Store(database).settle();  // brought up to date
  }
  time_answers(database);
  return 0;
}

}  // namespace
}  // namespace mvn

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const auto number = [&](std::size_t place, int otherwise) {
    return place < arguments.size() ? std::stoi(arguments[place]) : otherwise;
  };
  const mvn::Size size{number(1, 1000), number(2, 10), number(3, 1000), number(4, 10)};
  return mvn::run(size, arguments.size() > 5 ? arguments[5] : "");
}
