// Trainers that log at a given rate, a runner that ingests, and a person who queries meanwhile:
//   metric_load [rows a second = 100000] [writers = 8] [rows a record = 5] [seconds = 10]
// Prints how long a call that logs takes, how long a row takes until it can be queried, and what
// went wrong for the reader. Rows are metric values. Writers and reader are processes.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <span>
#include <sstream>
#include <thread>

#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr auto kTick = std::chrono::milliseconds(200);  // between two looks of the runner
constexpr auto kSlice = std::chrono::milliseconds(1);   // a writer sleeps so long between bursts

struct Load {
  int rows_per_second = 100'000;
  int writers = 8;
  int rows_per_record = 5;
  int seconds = 10;

  // Of one writer.
  [[nodiscard]] std::size_t records() const {
    return static_cast<std::size_t>(rows_per_second) / static_cast<std::size_t>(writers) *
           static_cast<std::size_t>(seconds) / static_cast<std::size_t>(rows_per_record);
  }
};

struct ReaderResult {
  long queries = 0;
  long errors = 0;
  double slowest_ms = 0;
};

// Memory that this process shares with those it forks; lives as long as they do.
template <typename T>
std::span<T> shared(std::size_t count) {
  void* memory = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw Error("no memory to share");
  return {static_cast<T*>(memory), count};
}

template <typename Work>
pid_t in_a_process(Work work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  work();
  ::_exit(0);
}

std::string id_of(int trial) { return std::to_string(trial) + std::string(63, 'a'); }

SweepPlan plan_of(int trials) {
  SweepPlan plan;
  plan.name = "load";
  plan.resolved = Json::object();
  plan.metrics[""] = {"train/metric 0", true};
  for (int i = 0; i < trials; ++i) {
    PlannedTrial trial;
    trial.id = trial.group = id_of(i);
    trial.config = trial.parameters = Json{{"x", i}};
    plan.trials.push_back(trial);
  }
  return plan;
}

// Logs as a trainer does, at its rate: what it is late it catches up with.
void log_metrics(const std::filesystem::path& spool, const Load& load, std::span<float> took) {
  SpoolWriter writer(spool);
  std::map<std::string, double> values;
  for (int i = 0; i < load.rows_per_record; ++i) values["train/metric " + std::to_string(i)] = 0;
  const auto start = Clock::now();
  const double interval = static_cast<double>(load.seconds) / static_cast<double>(took.size());
  for (std::size_t i = 0; i < took.size(); ++i) {
    while (std::chrono::duration<double>(Clock::now() - start).count() <
           static_cast<double>(i) * interval) {
      std::this_thread::sleep_for(kSlice);
    }
    for (auto& [name, value] : values) value = 1.0 / static_cast<double>(i + 3);
    const auto before = Clock::now();
    writer.write(MetricRecord{static_cast<std::int64_t>(i), values});
    took[i] = static_cast<float>(Microseconds(Clock::now() - before).count());
  }
}

// Asks until it is killed.
void query(const std::filesystem::path& database, ReaderResult& result) {
  while (true) {
    const auto before = Clock::now();
    try {
      std::ostringstream out;
      run_query(database, "SELECT trial, name, value, step FROM finals;", {RowFormat::kCsv, {}},
                out);
    } catch (const Error& error) {
      std::cerr << "reader: " << error.what() << std::endl;
      ++result.errors;
    }
    const double took = Microseconds(Clock::now() - before).count() / 1000;
    result.slowest_ms = std::max(result.slowest_ms, took);
    ++result.queries;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// Milliseconds from a record's time until its transaction was over, one for each record.
class Ingest {
 public:
  Ingest(Store& store, const std::filesystem::path& results, int trials) : store_(store) {
    for (int i = 0; i < trials; ++i) {
      const int attempt = store.start_attempt("load", id_of(i), "worker 1", "cpu");
      spools_.push_back(trial_paths(results, "load", id_of(i)).spool(attempt));
    }
  }
  [[nodiscard]] const std::vector<std::filesystem::path>& spools() const { return spools_; }
  [[nodiscard]] std::vector<double>& lags() { return lags_; }

  void look() {
    for (std::size_t i = 0; i < spools_.size(); ++i) {
      const auto records = store_.ingest("load", id_of(static_cast<int>(i)), 1, spools_[i]);
      const auto now = now_ms();
      for (const auto& record : records) {
        lags_.push_back(static_cast<double>(now - record.time));
      }
    }
  }

 private:
  Store& store_;
  std::vector<std::filesystem::path> spools_;
  std::vector<double> lags_;
};

// Of this process alone.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double quantile(std::vector<double>& values, double q) {
  const auto place = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

void print(const char* what, const char* unit, std::vector<double> values) {
  std::printf("%-26s p50 %8.1f   p99 %8.1f   max %8.1f %s\n", what, quantile(values, 0.5),
              quantile(values, 0.99), quantile(values, 1), unit);
}

int run(const Load& load) {
  const test::TemporaryFolder results;
  const auto database = database_path(results.path());
  const auto took = shared<float>(load.records() * static_cast<std::size_t>(load.writers));
  auto& reader_result = shared<ReaderResult>(1)[0];
  Store store(database);
  store.record_plan(plan_of(load.writers));
  Ingest ingest(store, results.path(), load.writers);

  // The children leave the store of this process alone.
  std::vector<pid_t> writers;
  for (int i = 0; i < load.writers; ++i) {
    const auto place = static_cast<std::size_t>(i);
    writers.push_back(in_a_process([&] {
      log_metrics(ingest.spools()[place], load,
                  took.subspan(place * load.records(), load.records()));
    }));
  }
  const pid_t reader = in_a_process([&] { query(database, reader_result); });

  const auto start = Clock::now();
  const double cpu_before = cpu_seconds();
  double busy = 0;
  std::size_t left = writers.size();
  for (auto next = start + kTick; left > 0; next = std::max(next + kTick, Clock::now())) {
    std::this_thread::sleep_until(next);
    while (left > 0 && ::waitpid(-1, nullptr, WNOHANG) > 0) --left;
    const auto before = Clock::now();
    ingest.look();
    busy += std::chrono::duration<double>(Clock::now() - before).count();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double cpu = cpu_seconds() - cpu_before;
  ::kill(reader, SIGKILL);
  ::waitpid(reader, nullptr, 0);

  std::ostringstream stored;
  run_query(database, "SELECT count(*) FROM mvn_metric", {RowFormat::kCsv, {}}, stored);
  const auto logged = took.size() * static_cast<std::size_t>(load.rows_per_record);
  std::printf("%d writers, %d rows a record, %.1f s\n", load.writers, load.rows_per_record,
              seconds);
  std::printf("%-26s %.0f a second, %zu in all\n", "rows logged",
              static_cast<double>(logged) / seconds, logged);
  std::printf("%-26s %s", "rows stored", stored.str().substr(stored.str().find('\n') + 1).c_str());
  print("a call that logs", "us", {took.begin(), took.end()});
  print("until a row is queryable", "ms", ingest.lags());
  std::printf("%-26s %.0f %% of the time; %.2f us of processor time a row\n", "runner busy with it",
              100 * busy / seconds, 1e6 * cpu / static_cast<double>(logged));
  std::printf("%-26s %ld, slowest %.0f ms, errors %ld\n", "queries meanwhile",
              reader_result.queries, reader_result.slowest_ms, reader_result.errors);
  return 0;
}

int number(std::span<char*> arguments, std::size_t place, int otherwise) {
  return place < arguments.size() ? std::stoi(arguments[place]) : otherwise;
}

}  // namespace
}  // namespace mvn

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  mvn::Load load;
  load.rows_per_second = mvn::number(arguments, 1, load.rows_per_second);
  load.writers = mvn::number(arguments, 2, load.writers);
  load.rows_per_record = mvn::number(arguments, 3, load.rows_per_record);
  load.seconds = mvn::number(arguments, 4, load.seconds);
  return mvn::run(load);
}
