#include "train/trainer/save_result.h"

#include <filesystem>
#include <string>

#include "common/atomic_file.h"
#include "common/files.h"
#include "mvn/json_file.h"
#include "train/checkpoint/weights.h"
#include "train/trainer/checkpoints.h"
#include "train/trainer/model_folder.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void write_model(const Experiment& experiment, const fs::path& folder,
                 const fs::path& final_folder) {
  const auto& task = *experiment.task;
  if (experiment.adapter->keeps_base()) {
    std::string base = experiment.base;
    if (base.empty()) {
      // Random weights exist nowhere else.
      save_model(*experiment.model, nullptr, HeadKind::kLanguageModel, {}, folder / "base");
      base = (final_folder / "base").string();
    }
    experiment.adapter->save(*experiment.model, experiment.head.get(), folder, base);
    if (experiment.head) write_json_file(folder / kHeadConfigFile, Value(task.config()));
  } else {
    save_model(*experiment.model, experiment.head.get(), task.head_kind(), task.config(), folder);
  }
  copy_tokenizer(experiment.tokenizer_path, folder);
  task.write_files(folder);
}

std::uintmax_t bytes_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

void record_artifact(SpoolWriter& spool, const std::string& kind, const fs::path& path,
                     std::int64_t step) {
  if (!fs::exists(path)) return;
  spool.write(ArtifactRecord{kind, path.string(), step, static_cast<std::int64_t>(bytes_of(path))});
}

void save_model_folder(const Experiment& experiment, const fs::path& folder) {
  // In place of an earlier best, or of what an attempt left that was killed after this point.
  write_folder(folder, Existing::kReplace,
               [&](const fs::path& temporary) { write_model(experiment, temporary, folder); });
}

}  // namespace

void save_result(const Experiment& experiment, const TrialFile& trial, std::int64_t step,
                 SpoolWriter& spool) {
  const TrialPaths paths{trial.folder};
  if (experiment.training.save_model) save_model_folder(experiment, paths.model());
  record_artifact(spool, "model", paths.model(), step);
  record_artifact(spool, "predictions", paths.predictions(), step);
  record_artifact(spool, "test-predictions", paths.test_predictions(), step);
  const CheckpointStore checkpoints(paths.checkpoints(), 1,
                                    experiment.training.keep_every.value_or(0));
  for (const auto& [kept_step, folder] : checkpoints.kept()) {
    record_artifact(spool, "checkpoint", folder, kept_step);
  }
  spool.sync();
  write_file_atomically(paths.done(), Json{{"step", step}}.dump() + "\n");
  checkpoints.clear();
}

void save_best_model(const Experiment& experiment, const TrialPaths& paths, std::int64_t step,
                     SpoolWriter& spool) {
  const fs::path folder = paths.folder / "best";
  save_model_folder(experiment, folder);
  record_artifact(spool, "best-model", folder, step);
}

}  // namespace mvn
