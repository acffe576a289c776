// Real models, adapters and tasks, killed from outside at random moments: what is left is bit for
// bit what an uninterrupted run leaves.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <random>

#include "common/files.h"
#include "common/spool.h"
#include "common/trial.h"
#include "support/temporary_folder.h"
#include "worker_process.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;

// Wakes up whenever one of a folder's files changes.
class FolderWatch {
 public:
  explicit FolderWatch(const fs::path& folder) : watch_(::inotify_init1(IN_CLOEXEC)) {
    ::inotify_add_watch(watch_, folder.c_str(), IN_MODIFY | IN_CREATE);
  }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;
  ~FolderWatch() { ::close(watch_); }

  void wait() const {
    std::array<char, 4096> events{};
    static_cast<void>(::read(watch_, events.data(), events.size()) == 0);
  }

 private:
  int watch_;
};

struct Case {
  const char* name;
  Json model;
  Json adapter;
  const char* task;
};

void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

const Json kMamba = {
    {"plugin", "mamba"},
    {"config", {{"hidden_size", 16}, {"num_hidden_layers", 2}, {"state_size", 4}}}};
const Json kNeo = {
    {"plugin", "gptneo"},
    {"config",
     {{"hidden_size", 16},
      {"num_layers", 2},
      {"num_heads", 2},
      {"max_position_embeddings", 64},
      {"window_size", 8},
      {"attention_types", Json::array({Json::array({Json::array({"global", "local"}), 1})})}}}};
const Json kLora = {{"plugin", "lora"}, {"r", 4}, {"lora_dropout", 0.1}};
const Json kNone = {{"plugin", "none"}};

class RealTrialsTest : public testing::TestWithParam<Case> {
 protected:
  RealTrialsTest() {
    Json vocabulary = {{"<|endoftext|>", 0}, {"\u0120", 1}};
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      vocabulary[std::string(1, letter)] = 2 + letter - 'a';
    }
    folder_.write("tokenizer/vocab.json", vocabulary.dump());
    folder_.write("tokenizer/merges.txt", "#version: 0.2\n");
    std::string rows = "text\tlabel\n";
    std::string text;
    std::mt19937 random(1);
    for (int i = 0; i < 60; ++i) {
      std::string words;
      for (auto k = 3 + random() % 20; k > 0; --k) {
        words += static_cast<char>(random() % 5 == 0 ? ' ' : 'a' + random() % 26);
      }
      // The last letter tells the label: something to learn.
      rows += "x" + words + "xyz"[i % 3] + "\t" + std::to_string(i % 3) + "\n";
      text += words + "\n";
    }
    folder_.write("train.tsv", rows);
    folder_.write("train.txt", text);
  }

  [[nodiscard]] Json configuration() const {
    Json config = {{"model", GetParam().model},
                   {"adapter", GetParam().adapter},
                   {"task", task()},
                   {"optimizer", {{"lr", 0.01}, {"max_grad_norm", 1.0}}},
                   {"schedule", {{"name", "linear"}, {"warmup_ratio", 0.2}}},
                   {"training",
                    {{"steps", 16},
                     {"batch_size", 8},
                     {"micro_batch_size", 5},
                     {"log_every", 1},
                     {"checkpoint_every", 1}}},
                   {"seed", 3}};
    config["model"]["tokenizer"] = (folder_ / "tokenizer").string();
    return config;
  }

  [[nodiscard]] Json task() const {
    const std::string name = GetParam().task;
    const std::string text = (folder_ / "train.txt").string();
    if (name == "pretraining") {
      return {{"plugin", name}, {"train", text}, {"validation", text}, {"block", 16}};
    }
    const std::string rows = (folder_ / "train.tsv").string();
    Json task = {{"plugin", name}, {"train", rows}, {"text", "text"}, {"label", "label"}};
    if (name == "classification") {
      task["validation"] = rows;
    } else {
      task["validation_probe_train"] = rows;
      task["validation_probe"] = rows;
    }
    return task;
  }

  [[nodiscard]] fs::path write_trial(const std::string& name, int number) const {
    const TrialPaths paths{folder_ / name};
    TrialFile trial;
    trial.sweep = "test";
    trial.id = name;
    trial.attempt = number;
    trial.config = configuration();
    trial.folder = paths.folder;
    trial.spool = paths.spool(number);
    trial.threads = 2;
    write_file_atomically(paths.trial_file(number), to_json(trial).dump());
    return paths.trial_file(number);
  }

  // Runs an attempt; kills it once it has recorded the metrics of `records` steps, if it is not
  // done before. Returns the exit code, or -1.
  int run_and_kill_after(const std::string& name, int attempt, int records) const {
    const auto trial = write_trial(name, attempt);
    const FolderWatch watch(trial.parent_path());
    WorkerProcess process({"run", trial.string()}, {}, folder_.path());
    while (true) {
      int metrics = 0;
      for (const auto& record : read_spool(TrialPaths{folder_ / name}.spool(attempt), 0).records) {
        if (record.at("type") == "end") return process.wait().code;
        metrics += record.at("type") == "metric" ? 1 : 0;
      }
      if (metrics >= records) break;
      watch.wait();
    }
    process.signal(SIGKILL);
    return process.wait().code;
  }

  using Metrics = std::map<std::pair<std::int64_t, std::string>, Json>;
  [[nodiscard]] Metrics metrics(const std::string& name, int attempts) const {
    Metrics all;
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      for (const auto& record : read_spool(TrialPaths{folder_ / name}.spool(attempt), 0).records) {
        if (record.at("type") != "metric") continue;
        for (const auto& [metric, value] : record.at("values").items()) {
          const bool timed = metric == "train/tokens_per_second" || metric == "train/peak_share";
          if (!timed) all[{record.at("step"), metric}] = value;
        }
      }
    }
    return all;
  }

  // Every file of the trained model, by name.
  [[nodiscard]] std::map<std::string, std::string> model(const std::string& name) const {
    std::map<std::string, std::string> files;
    const auto folder = TrialPaths{folder_ / name}.model();
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".safetensors") continue;
      files[fs::relative(entry.path(), folder)] = read_file(entry.path());
    }
    return files;
  }

  TemporaryFolder folder_;
};

TEST_P(RealTrialsTest, KilledAndResumedIsBitForBitTheSame) {
  const auto whole = run_worker({"run", write_trial("whole", 1).string()}, folder_.path());
  ASSERT_EQ(whole.code, 0) << whole.error;
  std::mt19937 random(4);
  int attempt = 1;
  while (run_and_kill_after("killed", attempt, 1 + static_cast<int>(random() % 4)) != 0) {
    ASSERT_LT(++attempt, 40) << read_file(folder_ / "stderr.txt");
  }
  EXPECT_EQ(metrics("killed", attempt), metrics("whole", 1));
  EXPECT_FALSE(model("whole").empty());
  EXPECT_EQ(model("killed"), model("whole"));
}

// Layers computed twice give the same gradients, and what they need is not there in between.
TEST_P(RealTrialsTest, ActivationCheckpointingChangesNoBit) {
  const auto run = [&](const std::string& name, bool checkpointing) {
    Json trial = Json::parse(read_file(write_trial(name, 1)));
    trial["config"]["training"]["activation_checkpointing"] = checkpointing;
    trial["config"]["training"]["steps"] = 6;
    write_file_atomically(TrialPaths{folder_ / name}.trial_file(1), trial.dump());
    const auto end =
        run_worker({"run", TrialPaths{folder_ / name}.trial_file(1).string()}, folder_.path());
    EXPECT_EQ(end.code, 0) << end.error;
  };
  run("kept", false);
  run("again", true);
  EXPECT_EQ(metrics("again", 1), metrics("kept", 1));
  EXPECT_FALSE(model("kept").empty());
  EXPECT_EQ(model("again"), model("kept"));
}

TEST_P(RealTrialsTest, CudaGraphsWithoutAGpuAreRefused) {
  Json trial = Json::parse(read_file(write_trial("graphs", 1)));
  trial["config"]["training"]["cuda_graphs"] = true;
  trial["config"]["training"].erase("micro_batch_size");
  write_file_atomically(TrialPaths{folder_ / "graphs"}.trial_file(1), trial.dump());
  const auto end =
      run_worker({"run", TrialPaths{folder_ / "graphs"}.trial_file(1).string()}, folder_.path());
  EXPECT_EQ(end.code, 64);
  EXPECT_EQ(end.error,
            "mvn-worker: training.cuda_graphs: needs an NVIDIA GPU, but the trial runs on 'cpu' "
            "(resources.device)\n");
}

// The loss falls, and adapter, head and optimizer are fp32 whatever the base is.
TEST_P(RealTrialsTest, TrainsInBf16WithFp32States) {
  Json trial = Json::parse(read_file(write_trial("half", 1)));
  auto& training = trial["config"]["training"];
  training["precision"] = "bf16";
  training["steps"] = 40;
  training["keep_every"] = 40;
  write_file_atomically(TrialPaths{folder_ / "half"}.trial_file(1), trial.dump());
  const auto end =
      run_worker({"run", TrialPaths{folder_ / "half"}.trial_file(1).string()}, folder_.path());
  ASSERT_EQ(end.code, 0) << end.error;
  const auto recorded = metrics("half", 1);
  EXPECT_LT(recorded.at({40, "train/loss"}).get<double>(),
            0.95 * recorded.at({1, "train/loss"}).get<double>());
  const auto checkpoint = TrialPaths{folder_ / "half"}.checkpoints() / "step-40";
  const std::string bytes = read_file(checkpoint / "tensors.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  int states = 0;
  const Json header = Json::parse(bytes.substr(8, length));
  for (const auto& [name, tensor] : header.items()) {
    if (!name.starts_with("parameter.") && !name.starts_with("optimizer.")) continue;
    EXPECT_EQ(tensor.at("dtype"), "F32") << name;
    ++states;
  }
  EXPECT_GT(states, 6);
}

class OnlyMeasuredTest : public RealTrialsTest {
 protected:
  // The loss of the model as it is.
  [[nodiscard]] double loss(const std::string& name, const char* precision, bool saves) const {
    Json trial = Json::parse(read_file(write_trial(name, 1)));
    trial["config"]["training"] = {
        {"steps", 0}, {"batch_size", 8}, {"precision", precision}, {"save_model", saves}};
    write_file_atomically(TrialPaths{folder_ / name}.trial_file(1), trial.dump());
    const auto end =
        run_worker({"run", TrialPaths{folder_ / name}.trial_file(1).string()}, folder_.path());
    EXPECT_EQ(end.code, 0) << end.error;
    return metrics(name, 1).at({0, "eval/loss"}).get<double>();
  }
};

// Weights that are neither trained nor saved are held in bf16; those that are saved lose nothing.
TEST_P(OnlyMeasuredTest, InBf16AModelIsSavedAsItWas) {
  const double wide = loss("wide", "fp32", /*saves=*/true);
  EXPECT_NEAR(loss("saved", "bf16", /*saves=*/true), wide, 0.01 * wide);
  EXPECT_NEAR(loss("measured", "bf16", /*saves=*/false), wide, 0.01 * wide);
  EXPECT_FALSE(model("wide").empty());
  EXPECT_EQ(model("saved"), model("wide"));
  EXPECT_FALSE(fs::exists(TrialPaths{folder_ / "measured"}.model()));
}

// The tokens are made once; who comes later takes them from the cache.
TEST_P(RealTrialsTest, TokensAreCachedBesideTheTrials) {
  ASSERT_EQ(run_worker({"run", write_trial("one", 1).string()}, folder_.path()).code, 0);
  std::map<fs::path, fs::file_time_type> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / ".cache/tokens")) {
    if (entry.path().extension() == ".tokens") files[entry.path()] = entry.last_write_time();
  }
  // Training and validation data are one file here, of which an embedding makes different texts.
  EXPECT_EQ(files.size(), std::string(GetParam().task) == "embedding" ? 2U : 1U);
  ASSERT_EQ(run_worker({"run", write_trial("two", 1).string()}, folder_.path()).code, 0);
  for (const auto& [file, time] : files) EXPECT_EQ(fs::last_write_time(file), time);
  EXPECT_EQ(metrics("two", 1), metrics("one", 1));
}

class WarmWorkerTest : public RealTrialsTest {
 protected:
  // The trial `name` of four steps with this model and adapter; `index` makes it differ from
  // others.
  [[nodiscard]] std::string write(const std::string& name, std::size_t index, const Json& model,
                                  const Json& adapter) const {
    Json trial = Json::parse(read_file(write_trial(name, 1)));
    trial["config"]["model"] = model;
    trial["config"]["adapter"] = adapter;
    trial["config"]["optimizer"]["lr"] = 0.01 + 0.001 * static_cast<double>(index);
    trial["config"]["training"]["steps"] = 4;
    write_file_atomically(TrialPaths{folder_ / name}.trial_file(1), trial.dump());
    return TrialPaths{folder_ / name}.trial_file(1).string();
  }

  // Runs a trial with each adapter, one after the other in one worker, and each in a process of its
  // own: they leave the same.
  void expect_same(const Json& model_section, const std::vector<Json>& adapters) const {
    std::string lines;
    for (std::size_t i = 0; i < adapters.size(); ++i) {
      const auto trial = write("warm-" + std::to_string(i), i, model_section, adapters[i]);
      lines += Json{{"trial", trial}}.dump() + "\n";
    }
    const auto served = run_worker({"serve"}, folder_.path(), {}, lines);
    ASSERT_EQ(served.code, 0) << served.error;
    for (std::size_t i = 0; i < adapters.size(); ++i) {
      const auto name = std::to_string(i);
      const auto trial = write("fresh-" + name, i, model_section, adapters[i]);
      const auto fresh = run_worker({"run", trial}, folder_.path());
      ASSERT_EQ(fresh.code, 0) << fresh.error;
      EXPECT_FALSE(model("fresh-" + name).empty());
      EXPECT_EQ(model("warm-" + name), model("fresh-" + name)) << adapters[i];
      EXPECT_EQ(metrics("warm-" + name, 1), metrics("fresh-" + name, 1)) << adapters[i];
    }
  }
};

// Whatever the trials before it left in the worker: a base as it was loaded, one that PiSSA wrote
// to, one with trained biases, none at all.
TEST_P(WarmWorkerTest, ATrialIsBitForBitTheSameAsInAProcessOfItsOwn) {
  Json pissa = kLora;
  pissa["init_lora_weights"] = "pissa";
  pissa["r"] = 1;  // no more than the smallest layer has
  Json biases = kLora;
  biases["bias"] = "all";
  expect_same(configuration()["model"], {kLora, kLora, pissa, kLora, biases, kLora, kNone, kLora});
}

// From a folder of weights, which has a head for the first of these tasks.
TEST_P(WarmWorkerTest, ATrialStartsFromTheSameCheckpoint) {
  const auto base =
      run_worker({"run", write("base", 0, configuration()["model"], kNone)}, folder_.path());
  ASSERT_EQ(base.code, 0) << base.error;
  const Json weights = TrialPaths{folder_ / "base"}.model().string();
  expect_same({{"plugin", GetParam().model["plugin"]}, {"weights", weights}},
              {kLora, kLora, kLora});
}

INSTANTIATE_TEST_SUITE_P(, RealTrialsTest,
                         testing::Values(Case{"mamba_lora", kMamba, kLora, "classification"},
                                         Case{"gptneo_lora", kNeo, kLora, "classification"},
                                         Case{"mamba_pretraining", kMamba, kNone, "pretraining"},
                                         Case{"gptneo_pretraining", kNeo, kNone, "pretraining"},
                                         Case{"mamba_embedding", kMamba, kLora, "embedding"},
                                         Case{"gptneo_embedding", kNeo, kLora, "embedding"}),
                         [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(, OnlyMeasuredTest,
                         testing::Values(Case{"mamba", kMamba, kNone, "pretraining"},
                                         Case{"gptneo", kNeo, kNone, "pretraining"}),
                         [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    , WarmWorkerTest,
    testing::Values(Case{"mamba_classification", kMamba, kLora, "classification"},
                    Case{"gptneo_classification", kNeo, kLora, "classification"},
                    Case{"gptneo_pretraining", kNeo, kLora, "pretraining"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace mvn::test
