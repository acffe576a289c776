#include "train/trainer/trainer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "mvn/nearest.h"
#include "mvn/recompute.h"
#include "train/trainer/evaluate.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"
#include "train/trainer/random.h"
#include "train/trainer/save_result.h"
#include "train/trainer/whole_batch_step.h"

namespace mvn {
namespace {

using Clock = std::chrono::steady_clock;

// Counts its own life as time spent on training.
class Timer {
 public:
  explicit Timer(Window& window) : window_(window) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { window_.add_seconds(std::chrono::duration<double>(Clock::now() - start_).count()); }

 private:
  Window& window_;
  Clock::time_point start_ = Clock::now();
};

torch::Generator default_generator(torch::Device device) {
  return at::globalContext().defaultGenerator(device);
}

// LibTorch's own generators, which dropout draws from.
std::map<std::string, torch::Tensor> generator_states(torch::Device device) {
  std::map<std::string, torch::Tensor> states;
  states["generator.cpu"] = default_generator(torch::kCPU).get_state();
  if (!device.is_cpu()) states["generator.device"] = default_generator(device).get_state();
  return states;
}

void seed_generators(std::int64_t seed, torch::Device device) {
  default_generator(torch::kCPU).set_current_seed(stream_seed(seed, "dropout"));
  if (!device.is_cpu()) {
    default_generator(device).set_current_seed(stream_seed(seed, "dropout"));
  }
}

std::string number(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "infinite" : "minus infinity";
}

}  // namespace

Trainer::Trainer(Experiment& experiment, const TrialFile& trial, const Snapshot& snapshot,
                 SpoolWriter& spool, Cost& cost, const std::atomic<bool>& stop,
                 GraphRecorder* graphs)
    : experiment_(experiment),
      paths_{trial.folder},
      spool_(spool),
      cost_(cost),
      stop_(stop),
      checkpoints_(paths_.checkpoints(), experiment.training.keep_checkpoints,
                   experiment.training.keep_every.value_or(0)),
      steps_(count_steps()),
      schedule_(schedule_in_steps(),
                peak_learning_rate(experiment.optimizer, experiment.base_parameters), steps_),
      optimizer_(experiment.optimizer, experiment.trainables()),
      window_(experiment.device) {
  seed_generators(experiment.configuration.seed, experiment.device);
  if (graphs != nullptr) graphed_.emplace(experiment_, optimizer_, window_, *graphs);
  if (snapshot.step > 0) restore(snapshot);
  record_choices();
}

ExitCode Trainer::train() {
  spool_.write(ProgressRecord{step_, steps_});
  if (steps_ == 0) evaluate();
  while (step_ < steps_) {
    if (stop_) return ExitCode::kCheckpointed;
    make_step(next_batch());
    if (record_due()) record();
    if (evaluation_due()) evaluate();
    if (checkpoint_due() || stop_) save_checkpoint();
  }
  return ExitCode::kDone;
}

const ExampleList& Trainer::next_batch() {
  if (planned_epoch_ != epoch_) {
    plan_ = plan_epoch(experiment_.task->lengths(Split::kTrain), experiment_.training,
                       experiment_.configuration.seed, epoch_);
    planned_epoch_ = epoch_;
  }
  const auto& batch = plan_.at(static_cast<std::size_t>(position_));
  if (++position_ == static_cast<std::int64_t>(plan_.size())) {
    position_ = 0;
    ++epoch_;
  }
  return batch;
}

Batch Trainer::collate(std::span<const std::int64_t> examples) {
  Batch batch = experiment_.task->collate(Split::kTrain, examples);
  const double tokens = batch.mask.sum().item<double>();
  const double flops = training_flops(experiment_, batch);
  window_.add_batch(batch, tokens, flops);
  cost_.add_training(batch, tokens, flops);
  return batch;
}

void Trainer::make_step(const ExampleList& examples) {
  const Timer timer(window_);
  experiment_.set_training(true);
  graphed_ ? make_graphed_step(examples) : make_plain_step(examples);
  ++step_;
}

void Trainer::make_plain_step(const ExampleList& examples) {
  optimizer_.zero_gradients();
  const double count = experiment_.task->loss_count(Split::kTrain, examples);
  if (auto* whole = whole_batch_task(*experiment_.task)) {
    std::vector<Batch> batches;
    for (const auto part : parts_of(examples)) batches.push_back(collate(part));
    const LossSum loss = backward_of_whole_batch(experiment_, *whole, batches, count);
    window_.add_loss(loss.sum);
    window_.add_loss_count(loss.count);
  } else {
    backward_part_by_part(examples, count);
  }
  grad_norm_ = optimizer_.clip_gradients();
  // Reading a number from a GPU waits for it: there, divergence shows at the next record.
  if (experiment_.device.is_cpu()) expect_finite(step_ + 1);
  optimizer_.step(schedule_.at(step_));
}

std::vector<std::span<const std::int64_t>> Trainer::parts_of(const ExampleList& examples) const {
  const auto micro = static_cast<std::size_t>(experiment_.training.micro_batch_size);
  std::vector<std::span<const std::int64_t>> parts;
  for (std::size_t begin = 0; begin < examples.size(); begin += micro) {
    parts.emplace_back(examples.data() + begin, std::min(micro, examples.size() - begin));
  }
  return parts;
}

void Trainer::backward_part_by_part(const ExampleList& examples, double count) {
  for (const auto part : parts_of(examples)) {
    const PlacedBatch placed(collate(part), experiment_.device);
    const LossSum loss = [&] {
      const AutocastScope autocast(experiment_.autocast(), experiment_.device);
      const RecomputeScope recompute(experiment_.training.activation_checkpointing);
      return experiment_.task->loss(*experiment_.model, placed.batch());
    }();
    window_.add_loss(loss.sum);
    window_.add_loss_count(loss.count);
    // Sums over the parts, divided by the whole batch's count: the gradient of its mean loss
    // however it is cut.
    (loss.sum / count).backward();
  }
}

void Trainer::make_graphed_step(const ExampleList& examples) {
  const double count = experiment_.task->loss_count(Split::kTrain, examples);
  window_.add_loss_count(count);
  graphed_->step(collate(examples), count, schedule_.at(step_));
  grad_norm_ = graphed_->grad_norm();
}

void Trainer::record() {
  {
    const Timer timer(window_);  // a GPU is waited for here
    expect_finite(step_);
  }
  std::map<std::string, double> values = {{"train/loss", window_.loss()},
                                          {"train/lr", schedule_.at(step_ - 1)},
                                          {"train/grad_norm", grad_norm_.item<double>()},
                                          {"train/tokens_per_second", window_.tokens_per_second()},
                                          {"data/padding_share", window_.padding_share()}};
  if (experiment_.peak_flops > 0) {
    values["train/peak_share"] = window_.flops_per_second() / experiment_.peak_flops;
  }
  spool_.write(MetricRecord{step_, values});
  spool_.write(ProgressRecord{step_, steps_});
  window_.clear();
}

void Trainer::evaluate() {
  const auto start = Clock::now();
  keep_best(evaluate_split(Split::kValidation, "eval/"));
  if (step_ == steps_ && experiment_.task->size(Split::kTest) > 0) {
    evaluate_split(Split::kTest, "test/");
  }
  cost_.add_evaluation(std::chrono::duration<double>(Clock::now() - start).count());
}

std::map<std::string, double> Trainer::evaluate_split(Split split, const std::string& prefix) {
  auto result = mvn::evaluate(experiment_, split);
  std::map<std::string, double> values;
  for (const auto& metric : result.metrics) values[prefix + metric.name] = metric.value;
  spool_.write(MetricRecord{step_, values});
  if (step_ == steps_ && !result.predictions.empty()) {
    write_predictions(split == Split::kTest ? paths_.test_predictions() : paths_.predictions(),
                      std::move(result.predictions));
  }
  return values;
}

void Trainer::keep_best(const std::map<std::string, double>& values) {
  const auto& name = experiment_.training.keep_best;
  if (name.empty()) return;
  const auto found = values.find(name);
  if (found == values.end()) {
    std::vector<std::string> known;
    for (const auto& [metric, ignored] : values) known.push_back(metric);
    throw ConfigError("training.keep_best",
                      "the evaluation has no metric '" + name + "'" + suggest(name, known));
  }
  const double value = found->second;
  const bool better =
      !best_ || (experiment_.training.best_is_smallest ? value < *best_ : value > *best_);
  if (!better || std::isnan(value)) return;
  best_ = value;
  save_best_model(experiment_, paths_, step_, spool_);
}

bool Trainer::record_due() const {
  return step_ == steps_ || step_ % experiment_.training.log_every == 0;
}

bool Trainer::evaluation_due() const {
  if (step_ == steps_) return true;
  const auto every = experiment_.training.eval_every;
  return every ? step_ % *every == 0 : position_ == 0;
}

bool Trainer::checkpoint_due() const {
  if (step_ == steps_) return true;
  const auto kept = experiment_.training.keep_every;
  if (kept && step_ % *kept == 0) return true;
  const auto every = experiment_.training.checkpoint_every;
  return every ? step_ % *every == 0 : position_ == 0;
}

void Trainer::expect_finite(std::int64_t step) const {
  const double loss = window_.loss();
  const double grad_norm = grad_norm_.item<double>();
  if (std::isfinite(loss) && std::isfinite(grad_norm)) return;
  const bool by_loss = !std::isfinite(loss);
  throw Diverged("diverged in step " + std::to_string(step) + " of " + std::to_string(steps_) +
                 ": " + (by_loss ? "the loss is " : "the norm of the gradients is ") +
                 number(by_loss ? loss : grad_norm) +
                 "; a lower optimizer.lr or more warm-up may help");
}

void Trainer::save_checkpoint() {
  if (!experiment_.device.is_cpu()) expect_finite(step_);
  spool_.write(CostRecord{cost_.take()});
  // Whoever resumes from here records nothing of the steps before.
  spool_.sync();
  checkpoints_.save(snapshot());
  cost_.note_checkpoints(checkpoints_.bytes());
}

std::int64_t Trainer::count_steps() const {
  const auto& training = experiment_.training;
  const auto lengths = experiment_.task->lengths(Split::kTrain);
  const auto steps_of = [&](std::int64_t epoch) {
    const auto size = static_cast<std::int64_t>(lengths.size());
    // All batches but the last are full.
    if (!training.batch_tokens) return (size + training.batch_size - 1) / training.batch_size;
    return static_cast<std::int64_t>(
        plan_epoch(lengths, training, experiment_.configuration.seed, epoch).size());
  };
  if (!training.epochs) return *training.steps;
  const auto whole = static_cast<std::int64_t>(std::floor(*training.epochs));
  const double part = *training.epochs - static_cast<double>(whole);
  std::int64_t steps = 0;
  // Batches by tokens are not equally many in each epoch.
  if (training.batch_tokens) {
    for (std::int64_t epoch = 0; epoch < whole; ++epoch) steps += steps_of(epoch);
  } else {
    steps = whole * steps_of(0);
  }
  if (part > 0) {
    steps += static_cast<std::int64_t>(std::ceil(part * static_cast<double>(steps_of(whole))));
  }
  return std::min(steps, training.steps.value_or(steps));
}

// A warm-up in tokens counts in steps of the mean batch.
ScheduleOptions Trainer::schedule_in_steps() const {
  ScheduleOptions options = experiment_.schedule;
  if (steps_ == 0) {  // there may be no learning rate and no training data
    options = {};
    options.name = "constant";
  }
  if (!options.warmup_tokens) return options;
  const auto lengths = experiment_.task->lengths(Split::kTrain);
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  const auto batches =
      plan_epoch(lengths, experiment_.training, experiment_.configuration.seed, 0).size();
  options.warmup_steps = static_cast<std::int64_t>(
      std::ceil(*options.warmup_tokens * static_cast<double>(batches) / tokens));
  return options;
}

void Trainer::record_choices() {
  const auto& training = experiment_.training;
  double trained = 0;
  for (const auto& each : experiment_.trainables()) {
    trained += static_cast<double>(each.value.numel());
  }
  Json values = {{"model.parameters", experiment_.base_parameters},
                 {"model.trained_parameters", trained}};
  if (!experiment_.optimizer.lr && steps_ > 0) values["optimizer.lr"] = schedule_.peak();
  if (!training.steps || *training.steps != steps_) values["training.steps"] = steps_;
  if (!training.batch_tokens_by_size.empty()) {
    values["training.batch_tokens"] = *training.batch_tokens;
  }
  if (experiment_.schedule.warmup_ratio || experiment_.schedule.warmup_tokens)
    values["schedule.warmup_steps"] = schedule_.warmup_steps();
  spool_.write(ParamRecord{std::move(values)});
  if (schedule_.warmup_steps() < steps_ || steps_ == 0) return;
  spool_.write(
      EventRecord{"warning", "the warm-up takes " + std::to_string(schedule_.warmup_steps()) +
                                 " steps, but the training only " + std::to_string(steps_) +
                                 ": set schedule.warmup_steps or warmup_ratio"});
}

Snapshot Trainer::snapshot() {
  Snapshot snapshot;
  snapshot.step = step_;
  snapshot.state = {{"epoch", epoch_}, {"position", position_}, {"window", window_.state()}};
  if (best_) snapshot.state["best"] = number_to_json(*best_);
  snapshot.tensors = optimizer_.state();
  for (const auto& each : experiment_.trainables()) {
    snapshot.tensors["parameter." + each.name] = each.value.detach();
  }
  snapshot.tensors.merge(generator_states(experiment_.device));
  return snapshot;
}

void Trainer::restore(const Snapshot& snapshot) {
  const torch::NoGradGuard no_grad;
  step_ = snapshot.step;
  snapshot.state.at("epoch").get_to(epoch_);
  snapshot.state.at("position").get_to(position_);
  window_.load_state(snapshot.state.at("window"));
  if (snapshot.state.contains("best")) best_ = number_from_json(snapshot.state.at("best"));
  optimizer_.load_state(snapshot.tensors);
  for (auto& each : experiment_.trainables()) {
    each.value.copy_(snapshot.tensors.at("parameter." + each.name));
  }
  default_generator(torch::kCPU).set_state(snapshot.tensors.at("generator.cpu").clone());
  if (!experiment_.device.is_cpu()) {
    default_generator(experiment_.device)
        .set_state(snapshot.tensors.at("generator.device").clone());
  }
}

}  // namespace mvn
