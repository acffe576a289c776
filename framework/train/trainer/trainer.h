// The training loop of one trial.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/torch.h"
#include "train/recipe/optimizer.h"
#include "train/recipe/schedule.h"
#include "train/trainer/accounting.h"
#include "train/trainer/batches.h"
#include "train/trainer/checkpoints.h"
#include "train/trainer/experiment.h"
#include "train/trainer/graphed_steps.h"

namespace mvn {

// Trains an experiment from a snapshot to its last step and records what happens. Two runs of one
// trial, interrupted anywhere and resumed or not, on one machine with one number of threads, leave
// the same weights and the same metrics, bit for bit (but for those that measure time).
class Trainer {
 public:
  // `snapshot` of step 0 starts afresh. `stop` may be set by a signal handler at any time. `graphs`
  // records the steps, which without it are made plainly.
  Trainer(Experiment& experiment, const TrialFile& trial, const Snapshot& snapshot,
          SpoolWriter& spool, Cost& cost, const std::atomic<bool>& stop,
          GraphRecorder* graphs = nullptr);

  // Trains to the end, then returns kDone; or, once `stop` is set, finishes the step, saves a
  // checkpoint and returns kCheckpointed. Throws Diverged when the loss or a gradient is no finite
  // number.
  ExitCode train();

  [[nodiscard]] std::int64_t step() const { return step_; }
  [[nodiscard]] std::int64_t steps() const { return steps_; }

 private:
  const ExampleList& next_batch();
  void make_step(const ExampleList& examples);
  void make_plain_step(const ExampleList& examples);
  void backward_part_by_part(const ExampleList& examples, double count);
  void make_graphed_step(const ExampleList& examples);
  // The examples of a step as they go through the model.
  [[nodiscard]] std::vector<std::span<const std::int64_t>> parts_of(
      const ExampleList& examples) const;
  // A batch, or a part of one, of the training split; counted.
  Batch collate(std::span<const std::int64_t> examples);
  void record();
  void evaluate();
  std::map<std::string, double> evaluate_split(Split split, const std::string& prefix);
  // Saves the model where `values` of this evaluation are the best so far.
  void keep_best(const std::map<std::string, double>& values);
  void save_checkpoint();

  [[nodiscard]] bool record_due() const;
  [[nodiscard]] bool evaluation_due() const;
  [[nodiscard]] bool checkpoint_due() const;
  // Throws Diverged, naming `step`, where the loss since the last record or the norm of the
  // gradients is no finite number.
  void expect_finite(std::int64_t step) const;
  [[nodiscard]] std::int64_t count_steps() const;
  [[nodiscard]] ScheduleOptions schedule_in_steps() const;
  void record_choices();
  [[nodiscard]] Snapshot snapshot();
  void restore(const Snapshot& snapshot);

  Experiment& experiment_;
  const TrialPaths paths_;
  SpoolWriter& spool_;
  Cost& cost_;
  const std::atomic<bool>& stop_;
  const CheckpointStore checkpoints_;

  std::int64_t steps_;  // of the whole trial
  Schedule schedule_;
  Optimizer optimizer_;

  std::int64_t step_ = 0;      // optimizer steps done
  std::int64_t epoch_ = 0;     // of the next batch
  std::int64_t position_ = 0;  // of the next batch in its epoch
  std::int64_t planned_epoch_ = -1;
  std::vector<ExampleList> plan_;  // of planned_epoch_
  torch::Tensor grad_norm_;        // of the last step
  Window window_;
  std::optional<GraphedSteps> graphed_;
  std::optional<double> best_;  // value of training.keep_best's metric
};

}  // namespace mvn
