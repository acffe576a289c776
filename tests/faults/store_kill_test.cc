// A runner that is killed while it ingests loses nothing and counts nothing twice.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <random>

#include "common/spool.h"
#include "common/trial.h"
#include "orchestrate/store/rebuild.h"
#include "orchestrate/store/store.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 25;
const std::string kId(64, 'a');

SweepPlan plan() {
  SweepPlan plan;
  plan.name = "s";
  plan.file = "s.yaml";
  plan.metrics[""] = {"loss", false};
  PlannedTrial trial;
  trial.id = kId;
  trial.group = kId;
  trial.config = Json{{"seed", 0}};
  trial.parameters = Json::object();
  plan.trials.push_back(trial);
  return plan;
}

// A trial and its runner in one: reports and ingests, a byte on `signs` for each round, for ever.
[[noreturn]] void work(const fs::path& results, int signs) {
  Store store(database_path(results));
  store.record_plan(plan());
  const int attempt = store.start_attempt("s", kId, "worker 1", "cpu");
  const fs::path spool = trial_paths(results, "s", kId).spool(attempt);
  SpoolWriter writer(spool);
  for (std::int64_t step = 0;; ++step) {
    writer.write(MetricRecord{step, {{"loss", 0.5}, {"accuracy", 0.25}}});
    writer.write(EventRecord{{}, "x"});
    if (step % 8 != 0) continue;
    store.ingest("s", kId, attempt, spool);
    if (::write(signs, "x", 1) != 1) ::_exit(1);
  }
}

// Starts such a process and kills it after `rounds` signs of life, wherever it then is.
void run_and_kill(const fs::path& results, int rounds) {
  std::array<int, 2> signs{};
  ASSERT_EQ(::pipe(signs.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(signs[0]);
    work(results, signs[1]);
  }
  ::close(signs[1]);
  char sign = 0;
  for (int i = 0; i < rounds; ++i) ASSERT_EQ(::read(signs[0], &sign, 1), 1);
  ::kill(child, SIGKILL);
  ::close(signs[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

struct Counts {
  std::int64_t metrics = 0;
  std::int64_t events = 0;  // a row each: one that counts twice shows
  bool operator==(const Counts&) const = default;
};

Counts on_disk(const fs::path& results) {
  Counts counts;
  for (int attempt = 1; attempt <= kRounds; ++attempt) {
    const auto batch = read_spool(trial_paths(results, "s", kId).spool(attempt), 0, 1U << 30);
    EXPECT_TRUE(batch.damaged.empty());
    for (const auto& record : batch.records) {
      counts.metrics += record["type"] == "metric" ? 2 : 0;
      counts.events += record["type"] == "event" ? 1 : 0;
    }
  }
  return counts;
}

Counts in_database(const fs::path& results) {
  SQLite::Database db(database_path(results).string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("PRAGMA integrity_check").getString(), "ok");
  return {db.execAndGet("SELECT count(*) FROM mvn_metric").getInt64(),
          db.execAndGet("SELECT count(*) FROM mvn_event").getInt64()};
}

TEST(StoreKill, EveryRecordCountsExactlyOnce) {
  const test::TemporaryFolder results;
  std::mt19937 random(7);
  std::uniform_int_distribution<int> rounds(1, 40);
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_NO_FATAL_FAILURE(run_and_kill(results.path(), rounds(random)));
  }
  { Store(database_path(results.path())).record_plan(plan()); }
  const Counts expected = on_disk(results.path());
  EXPECT_GE(expected.events, kRounds);
  const Counts found = in_database(results.path());
  EXPECT_EQ(found.metrics, expected.metrics);
  EXPECT_EQ(found.events, expected.events);

  rebuild_database(results.path());
  EXPECT_EQ(in_database(results.path()), found);
}

}  // namespace
}  // namespace mvn
