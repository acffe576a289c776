// mvn-worker as the runner sees it: what it answers, and what is left of a trial that was killed,
// stopped, or could not work.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <regex>

#include "common/description.h"
#include "common/files.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "support/temporary_folder.h"
#include "worker_process.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;

using Metrics = std::map<std::pair<std::int64_t, std::string>, Json>;

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    folder_.write("tokenizer/vocab.json", R"({"a": 0, "b": 1, "<|endoftext|>": 2})");
    folder_.write("tokenizer/merges.txt", "#version: 0.2\n");
  }

  [[nodiscard]] Json configuration() const {
    return {{"model",
             {{"plugin", "toy"},
              {"config", {{"hidden_size", 8}, {"vocab_size", 16}}},
              {"tokenizer", (folder_ / "tokenizer").string()}}},
            {"adapter", {{"plugin", "all"}}},
            {"task", {{"plugin", "toy"}, {"examples", 48}}},
            {"optimizer", {{"lr", 0.02}, {"max_grad_norm", 1.0}}},
            {"schedule", {{"name", "cosine"}, {"warmup_steps", 3}}},
            {"training",
             {{"epochs", 4},
              {"batch_size", 8},
              {"micro_batch_size", 3},
              {"log_every", 3},
              {"checkpoint_every", 2}}},
            {"seed", 5}};
  }

  // trial.json of attempt `number` of the trial `name`.
  [[nodiscard]] fs::path write_trial(const std::string& name, int number,
                                     const Json& config) const {
    const TrialPaths paths = paths_of(name);
    TrialFile trial;
    trial.sweep = "test";
    trial.id = name;
    trial.attempt = number;
    trial.config = config;
    trial.folder = paths.folder;
    trial.spool = paths.spool(number);
    trial.threads = 2;
    write_file_atomically(paths.trial_file(number), to_json(trial).dump());
    return paths.trial_file(number);
  }

  [[nodiscard]] TrialPaths paths_of(const std::string& name) const { return {folder_ / name}; }

  [[nodiscard]] Finished run(const fs::path& trial, const Environment& environment = {}) const {
    return run_worker({"run", trial.string(), "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(),
                      environment);
  }

  [[nodiscard]] std::vector<Json> records(const std::string& name, int attempt) const {
    return read_spool(paths_of(name).spool(attempt), 0).records;
  }

  // The metrics of a trial as the database has them: an attempt's count up to where the next one
  // began. Those that measure time are left out.
  [[nodiscard]] Metrics metrics(const std::string& name, int attempts) const {
    Metrics all;
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      for (const auto& record : records(name, attempt)) {
        if (record.at("type") == "start") {
          const std::int64_t resumed = record.at("resumed_step");
          std::erase_if(all, [&](const auto& each) { return each.first.first > resumed; });
        }
        if (record.at("type") != "metric") continue;
        for (const auto& [metric, value] : record.at("values").items()) {
          if (metric == "train/tokens_per_second" || metric == "train/peak_share") continue;
          all[{record.at("step").get<std::int64_t>(), metric}] = value;
        }
      }
    }
    return all;
  }

  [[nodiscard]] Json end_of(const std::string& name, int attempt) const {
    const auto all = records(name, attempt);
    if (all.empty() || all.back().at("type") != "end") return nullptr;
    return {{"code", all.back().at("code")}, {"message", all.back().at("message")}};
  }

  TemporaryFolder folder_;
};

TEST_F(WorkerTest, DescribesPluginsAndSections) {
  const auto finished = run_worker({"describe", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path());
  ASSERT_EQ(finished.code, 0) << finished.error;
  const Description description = description_from_json(Json::parse(finished.out));
  EXPECT_NE(description.find("task", "toy"), nullptr);
  EXPECT_EQ(description.devices.at(0), "cpu");
  EXPECT_EQ(description.sections.size(), 3U);
  EXPECT_EQ(description.sections.at("optimizer").at(0).name, "name");
}

TEST_F(WorkerTest, RefusesAnInstructionSetThatIsNone) {
  const auto finished = run_worker({"describe", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(),
                                   {{"MVN_CPU_ISA", "sse9"}});
  EXPECT_EQ(finished.code, 64);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(finished.error,
            "mvn-worker: the environment's MVN_CPU_ISA is 'sse9', which is no instruction set: "
            "give portable, avx2, avx512 or avx512_bf16\n");
}

TEST_F(WorkerTest, ChecksAListOfConfigurations) {
  Json bad = configuration();
  bad["task"]["plugin"] = "toi";
  const Json list = Json::array({configuration(), bad});
  const auto finished =
      run_worker({"check", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(), {}, list.dump());
  ASSERT_EQ(finished.code, 0) << finished.error;
  const Json results = Json::parse(finished.out);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].at("errors"), Json::array());
  ASSERT_EQ(results[1].at("errors").size(), 1U);
  EXPECT_EQ(results[1].at("errors")[0].at("key"), "task.plugin");
}

TEST_F(WorkerTest, RunsATrialToItsEndOnce) {
  const auto finished = run(write_trial("a", 1, configuration()));
  ASSERT_EQ(finished.code, 0) << finished.error;
  const auto all = records("a", 1);
  EXPECT_EQ(all.front().at("type"), "start");
  EXPECT_EQ(all.front().at("resumed_step"), 0);
  EXPECT_EQ(end_of("a", 1), (Json{{"code", 0}, {"message", ""}}));
  EXPECT_TRUE(fs::exists(paths_of("a").model() / "model.safetensors"));
  EXPECT_TRUE(fs::exists(paths_of("a").model() / "vocab.json"));
  EXPECT_TRUE(fs::exists(paths_of("a").predictions()));
  EXPECT_FALSE(fs::exists(paths_of("a").checkpoints()));
  EXPECT_TRUE(metrics("a", 1).contains({24, "eval/accuracy"}));

  EXPECT_EQ(run(write_trial("a", 2, configuration())).code, 0);
  const auto again = records("a", 2);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again.front().at("resumed_step"), 24);
  EXPECT_EQ(end_of("a", 2), (Json{{"code", 0}, {"message", ""}}));
}

// 24 steps of three calls of loss() each; every attempt is killed a few calls after its start, in
// the middle of a step, twenty times over.
TEST_F(WorkerTest, KilledAtTwentyRandomStepsItIsBitForBitTheUninterruptedRun) {
  ASSERT_EQ(run(write_trial("whole", 1, configuration())).code, 0);
  std::mt19937 random(20);
  int attempt = 0;
  while (attempt < 20) {
    const auto trial = write_trial("killed", ++attempt, configuration());
    const auto finished = run(trial, {{"TOY_KILL_AT", std::to_string(1 + random() % 10)}});
    ASSERT_EQ(finished.signal, SIGKILL) << finished.error;
  }
  ASSERT_EQ(run(write_trial("killed", ++attempt, configuration())).code, 0);
  EXPECT_EQ(metrics("killed", attempt), metrics("whole", 1));
  EXPECT_EQ(read_file(paths_of("killed").model() / "model.safetensors"),
            read_file(paths_of("whole").model() / "model.safetensors"));
  EXPECT_EQ(read_file(paths_of("killed").predictions()),
            read_file(paths_of("whole").predictions()));
}

TEST_F(WorkerTest, SigtermFinishesTheStepAndTheNextAttemptGoesOnFromThere) {
  ASSERT_EQ(run(write_trial("whole", 1, configuration())).code, 0);
  const auto finished = run(write_trial("stopped", 1, configuration()), {{"TOY_STOP_AT", "13"}});
  EXPECT_EQ(finished.code, 75);
  EXPECT_EQ(
      end_of("stopped", 1),
      (Json{{"code", 75}, {"message", "interrupted after step 5 of 24; run it again to go on"}}));
  ASSERT_EQ(run(write_trial("stopped", 2, configuration())).code, 0);
  EXPECT_EQ(records("stopped", 2).front().at("resumed_step"), 5);
  EXPECT_EQ(metrics("stopped", 2), metrics("whole", 1));
  EXPECT_EQ(read_file(paths_of("stopped").model() / "model.safetensors"),
            read_file(paths_of("whole").model() / "model.safetensors"));
}

TEST_F(WorkerTest, ADamagedCheckpointFallsBackToTheOneBeforeAndSaysSo) {
  Json config = configuration();
  config["training"]["keep_checkpoints"] = 2;
  ASSERT_EQ(run(write_trial("whole", 1, config)).code, 0);
  ASSERT_EQ(run(write_trial("damaged", 1, config), {{"TOY_KILL_AT", "22"}}).signal, SIGKILL);
  const auto newest = paths_of("damaged").checkpoints() / "step-6";
  fs::resize_file(newest / "tensors.safetensors", 100);
  ASSERT_EQ(run(write_trial("damaged", 2, config)).code, 0);
  const auto all = records("damaged", 2);
  EXPECT_EQ(all.at(0).at("resumed_step"), 4);
  EXPECT_EQ(all.at(1).at("message"), "checkpoint " + newest.string() + " is damaged and skipped: " +
                                         (newest / "tensors.safetensors").string() +
                                         ": its bytes are not those that were written");
  EXPECT_EQ(metrics("damaged", 2), metrics("whole", 1));
}

TEST_F(WorkerTest, ADivergedTrialHasItsOwnCode) {
  Json config = configuration();
  config["task"]["nan_at"] = 8;
  const auto finished = run(write_trial("nan", 1, config));
  EXPECT_EQ(finished.code, 78);
  const std::string message =
      "diverged in step 3 of 24: the loss is NaN; a lower optimizer.lr or more warm-up may help";
  EXPECT_EQ(finished.error, "mvn-worker: " + message + "\n");
  EXPECT_EQ(end_of("nan", 1), (Json{{"code", 78}, {"message", message}}));
}

TEST_F(WorkerTest, ABadConfigurationHasItsOwnCode) {
  Json config = configuration();
  config["training"]["bath_size"] = 8;
  const auto finished = run(write_trial("bad", 1, config));
  EXPECT_EQ(finished.code, 64);
  EXPECT_EQ(finished.error,
            "mvn-worker: training.bath_size: unknown parameter; did you mean 'batch_size'?\n");
}

TEST_F(WorkerTest, ATrialFileThatIsNoneIsNamed) {
  const auto trial = folder_.write("trial.json", "{}");
  const auto finished = run(trial);
  EXPECT_NE(finished.code, 0);
  EXPECT_TRUE(finished.error.starts_with("mvn-worker: " + trial.string() + ": not a trial file: "))
      << finished.error;
}

TEST_F(WorkerTest, AFullDiskIsReported) {
  const auto file = write_trial("full", 1, configuration());
  Json trial = Json::parse(read_file(file));
  trial["spool"] = "/dev/full";
  write_file_atomically(file, trial.dump());
  const auto finished = run(file);
  EXPECT_EQ(finished.code, 74);
  EXPECT_EQ(finished.error, "mvn-worker: /dev/full: cannot write: No space left on device\n");
}

TEST_F(WorkerTest, ServesTrialsUntilItsInputEnds) {
  Json bad = configuration();
  bad["optimizer"].erase("lr");
  const auto one = write_trial("one", 1, configuration());
  const auto two = write_trial("two", 1, bad);
  const auto three = write_trial("three", 1, configuration());
  std::string requests;
  for (const auto& trial : {one, two, three}) {
    requests += Json{{"trial", trial.string()}}.dump() + "\n";
  }
  const auto finished =
      run_worker({"serve", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(), {}, requests);
  EXPECT_EQ(finished.code, 0) << finished.error;
  const std::string message =
      "optimizer.lr: is required: give a peak learning rate, or a recipe that has lr_by_size";
  EXPECT_EQ(finished.out,
            Json({{"trial", one.string()}, {"code", 0}, {"message", ""}}).dump() + "\n" +
                Json({{"trial", two.string()}, {"code", 64}, {"message", message}}).dump() + "\n" +
                Json({{"trial", three.string()}, {"code", 0}, {"message", ""}}).dump() + "\n");
  const std::regex log(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info    began .*/trial\.json\n)"
                       R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} error   (.*)\n)");
  const auto logged = read_file(paths_of("two").log(1));
  std::smatch found;
  ASSERT_TRUE(std::regex_match(logged, found, log)) << logged;
  EXPECT_EQ(found[1], message);
  EXPECT_EQ(finished.error, "");
  // A worker that has run other trials before is as good as a new one.
  EXPECT_EQ(metrics("three", 1), metrics("one", 1));
  EXPECT_EQ(read_file(paths_of("three").model() / "model.safetensors"),
            read_file(paths_of("one").model() / "model.safetensors"));
}

TEST_F(WorkerTest, AServingWorkerThatIsStoppedAnswersAndGoes) {
  const auto trial = write_trial("one", 1, configuration());
  const auto finished =
      run_worker({"serve", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(),
                 {{"TOY_STOP_AT", "4"}}, Json{{"trial", trial.string()}}.dump() + "\n");
  EXPECT_EQ(finished.code, 75);
  EXPECT_EQ(Json::parse(finished.out).at("code"), 75);
}

TEST_F(WorkerTest, ALineEndsATrialAtACheckpoint) {
  const auto trial = write_trial("one", 1, configuration());
  const auto requests = Json{{"trial", trial.string()}}.dump() + "\n" +
                        Json{{"checkpoint", trial.string()}}.dump() + "\n";
  const auto finished =
      run_worker({"serve", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(), {}, requests);
  EXPECT_EQ(finished.code, 75);
  EXPECT_EQ(Json::parse(finished.out).at("code"), 75);
  EXPECT_LT(metrics("one", 1).size(), 24U);
}

TEST_F(WorkerTest, ALineForATrialThatHasEndedMeansNothing) {
  const auto one = write_trial("one", 1, configuration());
  const auto two = write_trial("two", 1, configuration());
  const auto requests = Json{{"checkpoint", two.string()}}.dump() + "\n" +
                        Json{{"trial", one.string()}}.dump() + "\n" +
                        Json{{"checkpoint", two.string()}}.dump() + "\n";
  const auto finished =
      run_worker({"serve", "--plugin-dir", MVN_TEST_PLUGINS}, folder_.path(), {}, requests);
  EXPECT_EQ(finished.code, 0) << finished.error;
  EXPECT_EQ(Json::parse(finished.out).at("code"), 0);
}

TEST_F(WorkerTest, AnIdleServingWorkerEndsAtASignal) {
  WorkerProcess process({"serve", "--plugin-dir", MVN_TEST_PLUGINS}, {}, folder_.path());
  // Once it has answered, it waits for the next line.
  const auto trial = write_trial("bad", 1, Json::object());
  process.write(Json{{"trial", trial.string()}}.dump() + "\n");
  while (read_file(folder_ / "stdout.txt").empty()) {
  }
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().code, 0);
}

}  // namespace
}  // namespace mvn::test
