// A sweep of 60 real trials, disturbed at random moments: workers and runners are killed, workers
// hang, the disk is full. At the end its database holds what that of an undisturbed run holds, bit
// for bit, and so does one made anew from the spools.
//
// MVN_CHAOS_SEED chooses the moments (1), MVN_CHAOS_ROUNDS how often it is done (1), each time with
// the next seed. The disk that gets full is a file system in memory, which takes root to mount:
// without it that kind of trouble is left out.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <tuple>

#include "common/json.h"
#include "orchestrate/process/process.h"
#include "orchestrate/store/rebuild.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;

constexpr int kTrials = 60;

constexpr const char* kSweep = R"(
name: chaos
metric: {name: eval/accuracy, goal: maximize}
adapter: {plugin: lora, r: 2, lora_dropout: 0.1}
task: {plugin: classification, train: train.tsv, validation: train.tsv, text: text, label: label}
optimizer: {max_grad_norm: 1.0}
schedule: {name: linear, warmup_ratio: 0.2}
training:
  steps: 12
  batch_size: 8
  micro_batch_size: 5
  log_every: 1
  eval_every: 6
  checkpoint_every: 2
parameters:
  model:
    values:
      - plugin: mamba
        tokenizer: tokenizer
        config: {hidden_size: 16, num_hidden_layers: 1, state_size: 4}
      - plugin: gptneo
        tokenizer: tokenizer
        config:
          hidden_size: 16
          num_layers: 2
          num_heads: 2
          max_position_embeddings: 64
          window_size: 8
          attention_types: [[[global, local], 1]]
  optimizer.lr: {values: [0.001, 0.003, 0.01, 0.03, 0.1]}
repeats: {seeds: [0, 1, 2, 3, 4, 5]}
resources: {workers: 2, threads: 1, device: cpu}
retry: {crash: 100, node: 100, hang: 100}
limits: {silence: 10s, grace: 0.2s}
)";

int variable(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::stoi(value);
}

std::vector<pid_t> children_of(pid_t process) {
  const auto pid = std::to_string(process);
  std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<pid_t> children;
  for (pid_t each = 0; list >> each;) children.push_back(each);
  return children;
}

// mvn-runner on the sweep, with what it printed.
class Runner {
 public:
  Runner(const fs::path& folder, const fs::path& results) : process_(spec(folder, results)) {}

  // False when it has ended. Otherwise waits a moment for what it prints.
  bool lives() {
    pollfd watched = {process_.output().get(), POLLIN, 0};
    ::poll(&watched, 1, 5);
    take();
    return !process_.try_wait();
  }
  ProcessEnd wait() {
    while (lives()) {
    }
    take();
    return process_.wait();
  }
  void kill() {
    process_.send_signal(SIGKILL);
    wait();
  }
  [[nodiscard]] const std::string& printed() const { return printed_; }

  // The workers and the processes that supervise them, which the runner started.
  [[nodiscard]] std::vector<pid_t> supervisors() const { return children_of(process_.pid()); }
  [[nodiscard]] std::vector<pid_t> workers() const {
    std::vector<pid_t> workers;
    for (const auto supervisor : supervisors()) {
      for (const auto worker : children_of(supervisor)) workers.push_back(worker);
    }
    return workers;
  }

 private:
  static ProcessSpec spec(const fs::path& folder, const fs::path& results) {
    ProcessSpec spec;
    spec.command = {MVN_RUNNER, "sweep.yaml", "--results", results.string()};
    spec.folder = folder;
    spec.supervised = false;  // what is killed is mvn-runner itself
    spec.environment = {{"MVN_WORKER", MVN_WORKER},
                        {"XDG_CACHE_HOME", (folder / "cache").string()},
                        {"MVN_PLUGIN_PATH", ""},
                        {"CUDA_VISIBLE_DEVICES", ""}};
    return spec;
  }
  void take() {
    out_.read_available(process_.output());
    err_.read_available(process_.errors());
    printed_ += out_.take_rest() + err_.take_rest();
  }

  Process process_;
  LineReader out_;
  LineReader err_;
  std::string printed_;
};

// A small file system in memory, or a plain folder where none can be mounted.
class Disk {
 public:
  explicit Disk(fs::path path) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=256m") == 0;
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool can_be_filled() const { return mounted_; }

  void fill() const {
    const int file = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    for (std::size_t bytes = 1 << 20; bytes > 0;) {
      const std::string zeros(bytes, '\0');
      if (::write(file, zeros.data(), zeros.size()) <= 0) bytes /= 2;
    }
    ::close(file);
  }
  void clear() const { fs::remove(ballast()); }

 private:
  [[nodiscard]] fs::path ballast() const { return path_ / "ballast"; }

  fs::path path_;
  bool mounted_ = false;
};

// Bytes that the trials have reported so far.
std::uintmax_t reported(const fs::path& results) {
  std::uintmax_t bytes = 0;
  std::error_code gone;  // a folder that is replaced meanwhile
  if (!fs::exists(results / "chaos")) return 0;
  for (const auto& trial : fs::directory_iterator(results / "chaos", gone)) {
    if (!fs::is_directory(trial.path() / "attempts", gone)) continue;
    for (const auto& attempt : fs::directory_iterator(trial.path() / "attempts", gone)) {
      const auto size = fs::file_size(attempt.path() / "spool.jsonl", gone);
      if (!gone) bytes += size;
    }
  }
  return bytes;
}

using Metrics = std::map<std::tuple<std::string, std::string, std::int64_t>, std::uint64_t>;

// The bits of every value, but for those that measure time; of a step that several attempts
// reported the last one's, as everybody sees them.
Metrics metrics(const fs::path& results) {
  SQLite::Database database(results / "results.db", SQLite::OPEN_READONLY);
  SQLite::Statement row(database,
                        "SELECT t.id, m.name, m.step, m.value FROM metrics m JOIN trials t USING "
                        "(trial) WHERE m.name NOT IN ('train/tokens_per_second', "
                        "'train/peak_share')");
  Metrics values;
  while (row.executeStep()) {
    values[{row.getColumn(0), row.getColumn(1), row.getColumn(2).getInt64()}] =
        std::bit_cast<std::uint64_t>(row.getColumn(3).getDouble());
  }
  return values;
}

int count(const fs::path& results, const std::string& sql) {
  SQLite::Database database(results / "results.db", SQLite::OPEN_READONLY);
  return database.execAndGet(sql);
}

enum class Trouble { kKillWorker, kKillSupervisor, kKillRunner, kHang, kFullDisk };

const char* name_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::kKillWorker:
      return "a worker is killed";
    case Trouble::kKillSupervisor:
      return "a worker's supervisor is killed";
    case Trouble::kKillRunner:
      return "the runner is killed";
    case Trouble::kHang:
      return "a worker hangs";
    case Trouble::kFullDisk:
      return "the disk is full";
  }
  return "";
}

class Chaos : public testing::Test {
 protected:
  Chaos() {
    Json vocabulary = {{"<|endoftext|>", 0}, {"\u0120", 1}};
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      vocabulary[std::string(1, letter)] = 2 + letter - 'a';
    }
    folder_.write("tokenizer/vocab.json", vocabulary.dump());
    folder_.write("tokenizer/merges.txt", "#version: 0.2\n");
    std::string rows = "text\tlabel\n";
    std::mt19937 random(1);
    for (int i = 0; i < 60; ++i) {
      std::string words;
      for (auto k = 3 + random() % 20; k > 0; --k) {
        words += static_cast<char>(random() % 5 == 0 ? ' ' : 'a' + random() % 26);
      }
      rows += "x" + words + "xyz"[i % 3] + "\t" + std::to_string(i % 3) + "\n";
    }
    folder_.write("train.tsv", rows);
    folder_.write("sweep.yaml", kSweep);
  }

  [[nodiscard]] fs::path undisturbed() const { return folder_ / "undisturbed"; }
  void disturb(unsigned seed, std::uintmax_t bytes, const Metrics& expected);
  void run_disturbed(const fs::path& results, std::vector<Trouble>& troubles, std::mt19937& random,
                     std::uintmax_t bytes, const Disk& disk);

  TemporaryFolder folder_;
};

// Sends a signal to one of the processes; false where there is none.
bool disturb_one(const std::vector<pid_t>& processes, int signal, std::mt19937& random) {
  return !processes.empty() && ::kill(processes[random() % processes.size()], signal) == 0;
}

// Fills the disk until the runner waits for space, or has given up.
void fill_for_a_while(Runner& runner, const Disk& disk) {
  const auto told = runner.printed().size();
  disk.fill();
  while (runner.lives() && runner.printed().find("WAITING for space", told) == std::string::npos) {
    disk.fill();
  }
  disk.clear();
}

// False where there is nothing to disturb just then.
bool cause(Trouble trouble, Runner& runner, const Disk& disk, std::mt19937& random) {
  switch (trouble) {
    case Trouble::kKillWorker:
      return disturb_one(runner.workers(), SIGKILL, random);
    case Trouble::kKillSupervisor:
      return disturb_one(runner.supervisors(), SIGKILL, random);
    case Trouble::kHang:
      return disturb_one(runner.workers(), SIGSTOP, random);
    case Trouble::kKillRunner:
      runner.kill();
      return true;
    case Trouble::kFullDisk:
      fill_for_a_while(runner, disk);
      return true;
  }
  return false;
}

// Runs the sweep until it is done, starting the runner again where it died. The next trouble comes
// once the trials have reported so many bytes; those are left that had none to disturb by then.
void Chaos::run_disturbed(const fs::path& results, std::vector<Trouble>& troubles,
                          std::mt19937& random, std::uintmax_t bytes, const Disk& disk) {
  std::vector<std::uintmax_t> moments(troubles.size());
  for (auto& moment : moments) moment = random() % bytes;
  std::ranges::sort(moments, std::greater());
  std::string printed;
  for (int start = 0; start < 50; ++start) {
    Runner runner(folder_.path(), results);
    while (runner.lives()) {
      if (troubles.empty() || reported(results) < moments.back()) continue;
      if (!cause(troubles.back(), runner, disk, random)) continue;
      std::cout << "after " << moments.back() << " bytes " << name_of(troubles.back()) << std::endl;
      troubles.pop_back();
      moments.pop_back();
    }
    const auto end = runner.wait();
    printed += runner.printed() + "-- " + to_string(end) + "\n";
    if (end.exit_code == 0) break;
  }
  ASSERT_EQ(count(results, "SELECT count(*) FROM trials WHERE state = 'done'"), kTrials) << printed;
}

void Chaos::disturb(unsigned seed, std::uintmax_t bytes, const Metrics& expected) {
  std::cout << "MVN_CHAOS_SEED=" << seed << std::endl;
  std::mt19937 random(seed);
  const fs::path folder = folder_ / ("disk-" + std::to_string(seed));
  const Disk disk(folder);
  std::vector<Trouble> troubles(4, Trouble::kKillWorker);
  troubles.insert(troubles.end(), 1, Trouble::kKillSupervisor);
  troubles.insert(troubles.end(), 3, Trouble::kKillRunner);
  troubles.insert(troubles.end(), 2, Trouble::kHang);
  if (disk.can_be_filled()) troubles.insert(troubles.end(), 2, Trouble::kFullDisk);
  std::shuffle(troubles.begin(), troubles.end(), random);
  int more_attempts = 0;
  // A sweep may end before all its troubles came: another one has the rest.
  for (int sweep = 1; !troubles.empty(); ++sweep) {
    const auto results = folder / ("results-" + std::to_string(sweep));
    ASSERT_NO_FATAL_FAILURE(run_disturbed(results, troubles, random, bytes, disk));
    more_attempts += count(results, "SELECT count(*) FROM mvn_attempt") - kTrials;
    ASSERT_EQ(metrics(results), expected);
    rebuild_database(results);
    ASSERT_EQ(metrics(results), expected);
  }
  EXPECT_GT(more_attempts, 0);
}

TEST_F(Chaos, ADisturbedSweepEndsWithTheMetricsOfAnUndisturbedOne) {
  Runner runner(folder_.path(), undisturbed());
  ASSERT_EQ(runner.wait().exit_code, 0) << runner.printed();
  const auto expected = metrics(undisturbed());
  ASSERT_GE(expected.size(), 12U * kTrials);
  const auto first = static_cast<unsigned>(variable("MVN_CHAOS_SEED", 1));
  const auto rounds = static_cast<unsigned>(variable("MVN_CHAOS_ROUNDS", 1));
  for (unsigned round = 0; round < rounds; ++round) {
    disturb(first + round, reported(undisturbed()), expected);
  }
}

}  // namespace
}  // namespace mvn::test
