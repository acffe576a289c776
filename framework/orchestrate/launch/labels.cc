#include "orchestrate/launch/labels.h"

#include <algorithm>
#include <filesystem>

#include "orchestrate/store/label.h"

namespace mvn {
namespace {

bool seeds_differ(const SweepPlan& plan) {
  return std::any_of(plan.trials.begin(), plan.trials.end(),
                     [&](const auto& trial) { return trial.seed != plan.trials.front().seed; });
}

}  // namespace

std::vector<std::string> trial_labels(const SweepPlan& plan) {
  auto labels = label_trials(plan);
  const TrialNames name{plan.name, seeds_differ(plan)};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = name(plan.trials[i].stage, labels[i], plan.trials[i].seed);
  }
  return labels;
}

std::string path_text(const std::filesystem::path& path) {
  const auto relative = path.lexically_relative(std::filesystem::current_path());
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  const std::size_t keep = width > 3 ? width - 3 : 0;
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (starts && count++ == keep) break;
  }
  return text.substr(0, end) + std::string("...").substr(0, std::min<std::size_t>(3, width));
}

}  // namespace mvn
