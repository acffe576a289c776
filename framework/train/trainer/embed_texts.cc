#include "train/trainer/embed_texts.h"

#include <chrono>
#include <utility>

#include "common/hashing.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/vector_task.h"
#include "train/checkpoint/weights.h"
#include "train/sdk/device.h"
#include "train/trainer/batches.h"
#include "train/trainer/experiment.h"
#include "train/trainer/model_in_folder.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"
#include "train/trainer/vector_file.h"
#include "train/trainer/warm.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What a kill may cost, and what a save, which waits for the disk, may.
constexpr auto kBetweenSaves = std::chrono::seconds(5);

// An integer of the folder's file; 0 where it is not there.
std::int64_t number_in(const fs::path& file, const char* key) {
  if (!fs::exists(file)) return 0;
  const Json value = read_json(file).value(key, Json());
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

// The length that sentence-transformers cuts texts to, where the folder says one: in a file of its
// own until version 5, in the tokenizer's since.
void add_max_length(const fs::path& folder, Json& training) {
  if (training.contains("max_length")) return;
  auto limit = number_in(folder / "sentence_bert_config.json", "max_seq_length");
  if (limit <= 0) limit = number_in(folder / "tokenizer_config.json", "model_max_length");
  if (limit > 0 && limit < 1'000'000) training["max_length"] = limit;  // more stands for no limit
}

// The trial that evaluates the model in the folder on nothing.
TrialFile trial_of(const PluginHost& host, const EmbedRequest& request) {
  Json model = {{"weights", request.folder.string()}, {"tokenizer", request.folder.string()}};
  Json adapter;
  fs::path base = request.folder;
  if (holds_adapter(host, request.folder)) {
    const AdapterEntry& entry = adapter_of(host, request.folder);
    base = base_of(request.folder, entry, entry.read_files(request.folder).base, request.base);
    model["weights"] = base.string();
    adapter = {{"plugin", entry.name}, {"weights", request.folder.string()}};
  }
  model["plugin"] =
      request.plugin.empty() ? plugin_of(host, base, read_model_config(base)) : request.plugin;
  if (request.model_config.is_object()) model["config"] = request.model_config;
  Json task = request.task;
  task["plugin"] = "embedding";
  Json training = request.training;
  training["steps"] = 0;
  training["save_model"] = false;
  if (fs::exists(request.folder / "modules.json")) {
    task["settings"] = request.folder.string();
    add_max_length(request.folder, training);
  }
  if (!task.contains("settings") && !task.contains("pooling")) {
    throw ConfigError("--pooling", request.folder.string() +
                                       " does not say how its hidden states become a vector " +
                                       "(no modules.json): last, mean, weighted_mean, cls or max");
  }
  TrialFile trial;
  trial.config = {
      {"model", std::move(model)}, {"task", std::move(task)}, {"training", std::move(training)}};
  if (!adapter.is_null()) trial.config["adapter"] = std::move(adapter);
  const auto known = devices();
  trial.device = !request.device.empty() ? request.device : known.size() > 1 ? known[1] : known[0];
  trial.threads = request.threads;
  return trial;
}

// All that the vectors depend on.
std::string identity_of(const TrialFile& trial, const Experiment& experiment) {
  const auto& model = experiment.configuration.model;
  Json all = {trial.config, trial.device, TokenizerCache::identity(experiment.tokenizer_path),
              state_of_weights(model.at("weights").as_text()),
              state_of_files(experiment.task->data_files())};
  const auto& adapter = experiment.configuration.adapter;
  if (const auto weights = adapter.find("weights"); weights != adapter.end()) {
    all.push_back(state_of_weights(weights->second.as_text()));
  }
  return sha256(canonical_json(all));
}

class EmbeddingRun {
 public:
  EmbeddingRun(const TrialFile& trial, const Experiment& experiment, const fs::path& output)
      : experiment_(experiment),
        task_(dynamic_cast<VectorTask&>(*experiment.task)),
        batches_(plan_evaluation(experiment.task->lengths(Split::kTest), experiment.training)),
        progress_{.texts = experiment.task->size(Split::kTest), .width = experiment.model->width()},
        file_(output, progress_.texts, progress_.width, identity_of(trial, experiment)) {}

  bool run(const std::function<void(const EmbedProgress&)>& show, const std::atomic<bool>& stop) {
    const auto first = static_cast<std::size_t>(file_.saved());
    for (std::size_t i = 0; i < first; ++i) count(batches_[i]);
    auto last_save = std::chrono::steady_clock::now();
    show(progress_);
    for (std::size_t i = first; i < batches_.size(); ++i) {
      embed(batches_[i]);
      count(batches_[i]);
      show(progress_);
      const auto now = std::chrono::steady_clock::now();
      if (now - last_save < kBetweenSaves && !stop) continue;
      file_.save(static_cast<std::int64_t>(i) + 1);
      last_save = now;
      if (stop) return false;
    }
    file_.finish();
    return true;
  }

 private:
  void count(const ExampleList& batch) {
    progress_.done += static_cast<std::int64_t>(batch.size());
  }

  void embed(const ExampleList& examples) {
    const PlacedBatch placed(experiment_.task->collate(Split::kTest, examples), experiment_.device);
    const auto vectors = task_.text_vectors(*experiment_.model, placed.batch()).contiguous();
    const auto width = static_cast<std::size_t>(vectors.size(1));
    for (std::size_t row = 0; row < examples.size(); ++row) {
      file_.write_row(examples[row], {vectors.data_ptr<float>() + row * width, width});
    }
  }

  const Experiment& experiment_;
  VectorTask& task_;
  std::vector<ExampleList> batches_;
  EmbedProgress progress_;
  VectorFile file_;
};

std::string text_of(const Json& request, const char* key) {
  return request.value(key, std::string());
}

}  // namespace

EmbedRequest read_embed_request(const Json& request) {
  if (!request.is_object()) throw DataError("mvn-worker embed: expected a JSON object on stdin");
  return {.folder = text_of(request, "folder"),
          .base = text_of(request, "base"),
          .plugin = text_of(request, "plugin"),
          .model_config = request.value("model_config", Json()),
          .task = request.value("task", Json::object()),
          .training = request.value("training", Json::object()),
          .output = text_of(request, "output"),
          .device = text_of(request, "device"),
          .threads = request.value("threads", 1)};
}

bool embed_texts(const PluginHost& host, const EmbedRequest& request,
                 const std::function<void(const EmbedProgress&)>& show,
                 const std::function<void(const std::string&)>& warn,
                 const std::atomic<bool>& stop) {
  check_vector_file(request.output);
  const TrialFile trial = trial_of(host, request);
  set_numerics(trial.threads,
               training_options(read_configuration(trial.config).training).precision);
  Warm warm;
  const Experiment experiment = build_experiment(host, trial, warm, warn);
  for (const auto& warning : experiment.task->warnings()) warn(warning);
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(experiment.autocast(), experiment.device);
  experiment.set_training(false);
  experiment.freeze();
  return EmbeddingRun(trial, experiment, request.output).run(show, stop);
}

}  // namespace mvn
