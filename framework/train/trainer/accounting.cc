#include "train/trainer/accounting.h"

#include <fstream>

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

// A persistent worker's peak is otherwise that of all its trials.
void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5\n"; }

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

Window::Window(torch::Device device)
    : loss_sum_(torch::zeros({}, torch::dtype(torch::kFloat64).device(device))) {}

void Window::add_loss(const torch::Tensor& sum, double count) {
  loss_sum_.add_(sum.detach());
  loss_count_ += count;
}

void Window::add_batch(const Batch& batch, double tokens) {
  tokens_ += tokens;
  cells_ += static_cast<double>(batch.ids.numel());
}

double Window::loss() const { return loss_sum_.item<double>() / loss_count_; }

double Window::padding_share() const { return cells_ > 0 ? 1 - tokens_ / cells_ : 0; }

void Window::clear() {
  loss_sum_.zero_();
  loss_count_ = tokens_ = cells_ = seconds_ = 0;
}

Json Window::state() const {
  return {{"loss_sum", loss_sum_.item<double>()},
          {"loss_count", loss_count_},
          {"tokens", tokens_},
          {"cells", cells_},
          {"seconds", seconds_}};
}

void Window::load_state(const Json& state) {
  loss_sum_.fill_(state.at("loss_sum").get<double>());
  state.at("loss_count").get_to(loss_count_);
  state.at("tokens").get_to(tokens_);
  state.at("cells").get_to(cells_);
  state.at("seconds").get_to(seconds_);
}

Cost::Cost() : start_(std::chrono::steady_clock::now()) { reset_peak_memory(); }

void Cost::add_training(const Experiment& experiment, const Batch& batch, double tokens) {
  const double rows = static_cast<double>(batch.ids.size(0));
  const double forward =
      2 * (rows * experiment.model->forward_macs(batch.ids.size(1)) + head_macs(experiment, batch));
  const double passes = experiment.adapter->keeps_base() ? 2 : 3;
  tokens_ += tokens;
  examples_ += rows;
  flops_ += passes * forward;
}

Json Cost::take() {
  const auto now = std::chrono::steady_clock::now();
  Json spent = {{"seconds", std::chrono::duration<double>(now - start_).count()},
                {"evaluation_seconds", evaluation_seconds_},
                {"tokens", tokens_},
                {"examples", examples_},
                {"flops", flops_},
                {"peak_host_bytes", peak_memory_bytes()}};
  start_ = now;
  tokens_ = examples_ = flops_ = evaluation_seconds_ = 0;
  return spent;
}

}  // namespace mvn
