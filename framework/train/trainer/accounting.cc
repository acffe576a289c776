#include "train/trainer/accounting.h"

#include <fstream>

#include "mvn/error.h"
#include "train/sdk/device.h"

namespace mvn {
namespace {

// The most memory that the process has held, since reset_peak_memory().
double peak_memory_bytes() {
  std::ifstream in("/proc/self/status");
  std::string word;
  while (in >> word) {
    if (word != "VmHWM:") continue;
    double kibibytes = 0;
    in >> kibibytes;
    return kibibytes * 1024;
  }
  return 0;
}

// An unknown device is the trial's to report.
torch::Device device_or_cpu(const std::string& name) {
  try {
    return device_named(name);
  } catch (const ConfigError&) {
    return torch::kCPU;
  }
}

double head_macs(const Experiment& experiment, const Batch& batch) {
  const double rows = static_cast<double>(batch.ids.size(0));
  if (experiment.task->head_kind() == HeadKind::kLanguageModel) {
    return rows * static_cast<double>(batch.ids.size(1)) *
           static_cast<double>(experiment.model->width()) *
           static_cast<double>(experiment.model->vocabulary());
  }
  double parameters = 0;
  if (experiment.head) {
    for (const auto& each : experiment.head->parameters()) {
      parameters += static_cast<double>(each.numel());
    }
  }
  return rows * parameters;
}

}  // namespace

void reset_peak_memory(torch::Device device) {
  std::ofstream("/proc/self/clear_refs") << "5\n";
  reset_peak_device_bytes(device);
}

Window::Window(torch::Device device)
    : loss_sum_(torch::zeros({}, torch::dtype(torch::kFloat64).device(device))) {}

void Window::add_loss(const torch::Tensor& sum) { loss_sum_.add_(sum.detach()); }

void Window::add_batch(const Batch& batch, double tokens, double flops) {
  tokens_ += tokens;
  flops_ += flops;
  cells_ += static_cast<double>(batch.ids.numel());
}

double Window::loss() const { return loss_sum_.item<double>() / loss_count_; }

double Window::padding_share() const { return cells_ > 0 ? 1 - tokens_ / cells_ : 0; }

void Window::clear() {
  loss_sum_.zero_();
  loss_count_ = tokens_ = cells_ = flops_ = seconds_ = 0;
}

Json Window::state() const {
  return {{"loss_sum", loss_sum_.item<double>()},
          {"loss_count", loss_count_},
          {"tokens", tokens_},
          {"cells", cells_},
          {"flops", flops_},
          {"seconds", seconds_}};
}

void Window::load_state(const Json& state) {
  loss_sum_.fill_(state.at("loss_sum").get<double>());
  state.at("loss_count").get_to(loss_count_);
  state.at("tokens").get_to(tokens_);
  state.at("cells").get_to(cells_);
  flops_ = state.value("flops", 0.0);
  state.at("seconds").get_to(seconds_);
}

double training_flops(const Experiment& experiment, const Batch& batch) {
  const double rows = static_cast<double>(batch.ids.size(0));
  const double forward =
      2 * (rows * experiment.model->forward_macs(batch.ids.size(1)) + head_macs(experiment, batch));
  return experiment.passes * forward;
}

Cost::Cost(const std::string& device)
    : device_(device_or_cpu(device)), energy_(device), start_(std::chrono::steady_clock::now()) {
  // A persistent worker's peak is otherwise that of all its trials.
  reset_peak_memory(device_);
}

void Cost::add_training(const Batch& batch, double tokens, double flops) {
  tokens_ += tokens;
  examples_ += static_cast<double>(batch.ids.size(0));
  flops_ += flops;
}

Numbers Cost::take() {
  const auto now = std::chrono::steady_clock::now();
  Numbers spent = {{"seconds", std::chrono::duration<double>(now - start_).count()},
                   {"evaluation_seconds", evaluation_seconds_},
                   {"tokens", tokens_},
                   {"examples", examples_},
                   {"flops", flops_},
                   {"peak_host_bytes", peak_memory_bytes()}};
  if (!device_.is_cpu()) spent["peak_device_bytes"] = peak_device_bytes(device_);
  if (checkpoint_bytes_ > 0) spent["peak_checkpoint_bytes"] = checkpoint_bytes_;
  if (const auto joules = energy_.take_joules()) spent["energy_joules"] = *joules;
  start_ = now;
  tokens_ = examples_ = flops_ = evaluation_seconds_ = 0;
  return spent;
}

}  // namespace mvn
