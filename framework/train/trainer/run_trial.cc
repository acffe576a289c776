#include "train/trainer/run_trial.h"

#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "common/disk_full.h"
#include "common/files.h"
#include "common/spool.h"
#include "mvn/error.h"
#include "train/sdk/device.h"
#include "train/sdk/graph.h"
#include "train/sdk/host_memory.h"
#include "train/sdk/out_of_memory.h"
#include "train/trainer/environment.h"
#include "train/trainer/peak.h"
#include "train/trainer/precision.h"
#include "train/trainer/save_result.h"
#include "train/trainer/trainer.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void record_start(SpoolWriter& spool, std::int64_t resumed_step) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  spool.write(StartRecord{::getpid(), host.data(), resumed_step});
}

void record_end(SpoolWriter& spool, const TrialEnd& end) {
  spool.write(EndRecord{end.code, end.message});
  spool.sync();
}

void record_event(SpoolWriter& spool, const std::string& level, const std::string& message) {
  spool.write(EventRecord{level, message});
}

// Records on the side what git says: it takes longer than all else before a warm worker's first
// step. The spool takes whole lines from several writers.
std::jthread record_git_state(const fs::path& spool) {
  return std::jthread([spool] {
    try {
      if (const auto values = git_state(); !values.empty()) {
        SpoolWriter(spool).write(EnvironmentRecord{values});
      }
    } catch (...) {
      // A spool that cannot be written to is the trial's own to report.
    }
  });
}

// What it is made from, so that a change can be told later.
void record_files(const Experiment& experiment, SpoolWriter& spool) {
  Json values = hashes_of("data", experiment.task->data_files());
  values.update(hashes_of("tokenizer", TokenizerCache::files(experiment.tokenizer_path)));
  if (!experiment.base.empty()) values.update(hashes_of("weights", weight_files(experiment.base)));
  spool.write(EnvironmentRecord{std::move(values)});
  Json card = Json::object();
  for (const auto& [name, value] : experiment.task->card()) card["card." + name] = to_json(value);
  if (!card.empty()) spool.write(EnvironmentRecord{std::move(card)});
  for (const auto& warning : experiment.task->warnings()) record_event(spool, "warning", warning);
}

// The step a trial ended at that has nothing left to do.
std::optional<std::int64_t> done_at(const TrialPaths& paths) {
  if (!fs::exists(paths.done())) return std::nullopt;
  return read_json(paths.done()).at("step").get<std::int64_t>();
}

TrialEnd train(const TrialFile& trial, const PluginHost& host, Warm& warm, SpoolWriter& spool,
               const Snapshot& snapshot, Cost& cost, const std::atomic<bool>& stop) {
  const Configuration configuration = read_configuration(trial.config);
  set_numerics(trial.threads, training_options(configuration.training).precision);
  spool.write(EnvironmentRecord{environment_of(trial, host, configuration)});
  const std::jthread git = record_git_state(trial.spool);
  const double peak_flops =
      device_peak_flops(trial, training_options(configuration.training).precision);
  Experiment experiment = build_experiment(host, trial, warm, [&](const std::string& warning) {
    record_event(spool, "warning", warning);
  });
  record_files(experiment, spool);
  experiment.peak_flops = peak_flops;
  spool.write(EnvironmentRecord{{{"device.peak_flops", peak_flops}}});
  const auto graphs =
      experiment.training.cuda_graphs ? cuda_graph_recorder(experiment.device) : nullptr;
  Trainer trainer(experiment, trial, snapshot, spool, cost, stop, graphs.get());
  if (trainer.train() == ExitCode::kCheckpointed) {
    return {static_cast<int>(ExitCode::kCheckpointed),
            "interrupted after step " + std::to_string(trainer.step()) + " of " +
                std::to_string(trainer.steps()) + "; run it again to go on"};
  }
  save_result(experiment, trial, trainer.step(), spool);
  return {};
}

// A persistent worker may wait long for its next trial, beside others on its GPU.
void release_memory(torch::Device device) {
  release_kept_memory();
  try {
    release_device_memory(device);
  } catch (const c10::Error&) {
    // After an error of the GPU nothing can be done there; the trial has reported it.
  }
}

TrialEnd run(const TrialFile& trial, const PluginHost& host, Warm& warm, SpoolWriter& spool,
             const std::atomic<bool>& stop) {
  const TrialPaths paths{trial.folder};
  if (const auto step = done_at(paths)) {
    record_start(spool, *step);
    return {};
  }
  std::vector<std::string> problems;
  const Snapshot snapshot = CheckpointStore(paths.checkpoints(), 1).load_newest(problems);
  record_start(spool, snapshot.step);
  for (const auto& problem : problems) record_event(spool, "warning", problem);
  Cost cost(trial.device);
  TrialEnd end;
  try {
    end = train(trial, host, warm, spool, snapshot, cost, stop);
  } catch (...) {
    end = end_of(std::current_exception());
  }
  spool.write(CostRecord{cost.take()});
  release_memory(cost.device());
  return end;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

TrialEnd end_of(const std::exception_ptr& error) {
  const auto out_of_memory = static_cast<int>(ExitCode::kOutOfMemory);
  const std::string advice = "; a smaller training.micro_batch_size or training.max_length helps";
  try {
    std::rethrow_exception(error);
  } catch (const RecordingFailed& e) {
    return {e.exit_code(), e.what(), /*spoils_worker=*/true};
  } catch (const Error& e) {
    return {e.exit_code(), e.what()};
  } catch (const std::bad_alloc&) {
    return {out_of_memory, "out of memory" + advice};
  } catch (const c10::Error& e) {
    const std::string line = first_line(e.what_without_backtrace());
    if (is_out_of_memory(e)) return {out_of_memory, "out of memory: " + line + advice};
    return {1, line};
  } catch (const std::system_error& e) {
    return {is_disk_full(e.code().value()) ? kDiskFullCode : 1, e.what()};
  } catch (const std::exception& e) {
    if (speaks_of_memory(e.what())) return {out_of_memory, e.what() + advice};
    return {1, e.what()};
  } catch (...) {
    return {1, "an exception of unknown type"};
  }
}

TrialEnd run_trial(const fs::path& trial_file, const PluginHost& host, Warm& warm,
                   const std::atomic<bool>& stop) noexcept {
  try {
    const TrialFile trial = read_trial_file(trial_file);
    SpoolWriter spool(trial.spool);
    TrialEnd end;
    try {
      end = run(trial, host, warm, spool, stop);
    } catch (...) {
      end = end_of(std::current_exception());
    }
    record_end(spool, end);
    return end;
  } catch (...) {
    return end_of(std::current_exception());
  }
}

}  // namespace mvn
