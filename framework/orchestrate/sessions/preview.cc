#include "orchestrate/sessions/preview.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <system_error>

#include "common/files.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/trial.h"
#include "orchestrate/run/labels.h"
#include "orchestrate/run/schedule.h"
#include "orchestrate/store/table.h"
#include "orchestrate/workers/prepare.h"

namespace mvn {
namespace {

// From so many columns on there is room for the ids.
constexpr std::size_t kWide = 100;

// "3 seeds": what a prediction rests on.
Cell basis_cell(const Prediction& prediction) {
  if (prediction.basis == Basis::kNone) return {};
  const auto* noun = prediction.basis == Basis::kSeeds ? "seed" : "alike";
  const auto count = std::to_string(prediction.trials) + " " + noun;
  return count + (prediction.basis == Basis::kSeeds && prediction.trials != 1 ? "s" : "") +
         (prediction.elsewhere ? ", other machine" : "");
}

Cell time_cell(const Prediction& prediction) {
  if (prediction.basis == Basis::kNone) return "unknown";
  return duration_text(prediction.seconds.expected);
}

void print_trials(const Preview& preview, std::optional<std::size_t> width, std::ostream& out) {
  const bool wide = !width || *width >= kWide;
  const auto table = make_row_writer(RowFormat::kTable, out, width);
  std::vector<std::string> names = {"trial", "state", "to do", "time", "by"};
  if (wide) names.emplace_back("id");
  table->columns(names);
  for (const auto& trial : preview.trials) {
    std::vector<Cell> cells = {trial.label, trial.state, trial.action};
    cells.push_back(trial.left ? time_cell(trial.prediction) : Cell("-"));
    cells.push_back(trial.left ? basis_cell(trial.prediction) : Cell("-"));
    if (wide) cells.emplace_back(short_id(trial.id));
    table->row(std::move(cells));
  }
  table->end();
}

// "demo: 12 trials, 3 done, 9 to run (6 new, 1 interrupted, 2 failed)"
std::string counts_line(const Preview& preview, const PreviewTotal& total) {
  std::map<std::string, std::size_t> states;
  for (const auto& trial : preview.trials) states[trial.state] += trial.left ? 1 : 0;
  std::string line = preview.sweep + ": " +
                     plural(preview.trials.size() + preview.to_draw, "trial") + ", " +
                     std::to_string(preview.trials.size() - total.left) + " done, " +
                     std::to_string(total.left + preview.to_draw) + " to run";
  if (preview.to_draw > 0) {
    line += ", " + std::to_string(preview.to_draw) + " of them drawn later by the results";
  }
  std::string detail;
  for (const auto& [state, count] : states) {
    if (count > 0) detail += (detail.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  }
  const bool all_new = states["new"] == total.left;
  return line + (all_new ? "" : " (" + detail + ")");
}

std::string range_text(const Range& range) {
  return duration_text(range.expected) + " (" + duration_text(range.low) + " to " +
         duration_text(range.high) + ")";
}

void print_total(const Preview& preview, const PreviewTotal& total, std::ostream& out) {
  const auto places = plural(preview.workers, "worker") + " of " +
                      plural(static_cast<std::size_t>(preview.threads), "thread") + " on " +
                      preview.device;
  if (total.predicted == 0) {
    out << "time: unknown on " << places << ": no earlier trial of these results is like them\n";
    return;
  }
  const bool part = total.predicted < total.left;
  out << "time: " << (part ? "more than " : "") << range_text(total.seconds) << " with " << places;
  if (part) {
    out << "; " << total.left - total.predicted << " of " << plural(total.left, "trial")
        << " unknown";
  }
  out << "\n";
  if (preview.gpu) out << "GPU time: " << range_text(total.device_seconds) << "\n";
  if (total.host_bytes > 0) {
    out << "memory: " << bytes_text(total.host_bytes) << " for the largest trial";
    if (total.device_bytes > 0) out << ", " << bytes_text(total.device_bytes) << " on the device";
    out << "\n";
  }
  if (total.disk_bytes > 0) {
    out << "disk: " << bytes_text(total.disk_bytes) << " to come, "
        << bytes_text(preview.free_disk_bytes) << " free\n";
  }
}

std::int64_t whole(double bytes) { return static_cast<std::int64_t>(bytes); }

Json to_json(const Range& range) {
  return {{"low", range.low}, {"expected", range.expected}, {"high", range.high}};
}

Json to_json(const Prediction& prediction) {
  if (prediction.basis == Basis::kNone) return nullptr;
  return {{"basis", prediction.basis == Basis::kSeeds ? "seeds" : "shape"},
          {"elsewhere", prediction.elsewhere},
          {"trials", prediction.trials},
          {"seconds", to_json(prediction.seconds)},
          {"peak_host_bytes", whole(prediction.host_bytes)},
          {"peak_device_bytes", whole(prediction.device_bytes)},
          {"kept_bytes", whole(prediction.kept_bytes)},
          {"checkpoint_bytes", whole(prediction.checkpoint_bytes)}};
}

Json to_json(const PreviewTrial& trial) {
  return {{"id", trial.id},         {"stage", trial.stage},
          {"label", trial.label},   {"state", trial.state},
          {"action", trial.action}, {"from_step", trial.from_step},
          {"left", trial.left},     {"prediction", to_json(trial.prediction)}};
}

// The nearest folder above `path` that exists.
std::filesystem::path existing(std::filesystem::path path) {
  while (!std::filesystem::exists(path) && path.has_relative_path()) path = path.parent_path();
  return path;
}

PreviewTrial preview_of(const PlannedTrial& planned, const std::string& label, TrialState state,
                        const TrialPaths& paths, bool running) {
  PreviewTrial trial;
  trial.id = planned.id;
  trial.stage = planned.stage;
  trial.label = label;
  trial.state = state == TrialState::kPlanned ? "new" : to_string(state);
  trial.left = !has_ended(state);
  trial.action = trial.left ? "train" : "-";
  if (!trial.left || state == TrialState::kPlanned) return trial;
  if (running && state == TrialState::kRunning) {
    trial.action = "runs now";
    return trial;
  }
  if (const auto steps = checkpoint_steps(paths.checkpoints()); !steps.empty()) {
    trial.from_step = steps.front();
    trial.action = "go on from step " + std::to_string(trial.from_step);
  } else if (state != TrialState::kBlocked) {
    trial.action = "train again";
  }
  return trial;
}

}  // namespace

Preview preview_of(const SweepPlan& plan, const std::map<std::string, TrialState>& known,
                   const std::filesystem::path& results, bool running) {
  Preview preview;
  preview.sweep = plan.name;
  const auto labels = trial_labels(plan);
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const auto& planned = plan.trials[i];
    const auto found = known.find(planned.id);
    auto trial =
        preview_of(planned, labels[i], found == known.end() ? TrialState::kPlanned : found->second,
                   trial_paths(results, plan.name, planned.id), running);
    for (const auto& id : planned.depends_on) {
      const auto upstream = index.find(id);
      if (upstream != index.end()) trial.after.push_back(upstream->second);
    }
    index[planned.id] = i;
    preview.trials.push_back(std::move(trial));
  }
  for (const auto& each : missing_preparations(plan)) {
    preview.first.push_back(shell_text(each.command));
  }
  return preview;
}

void place(Preview& preview, const std::vector<Place>& places,
           const std::filesystem::path& results) {
  const auto& first = places.front().name;
  const auto& last = places.back().name;
  preview.workers = places.size();
  preview.threads = places.front().threads;
  preview.device = first == last ? first : first + " to " + last;
  preview.gpu = first.starts_with("cuda");
  preview.memory_bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  std::error_code ignored;
  const auto space = std::filesystem::space(existing(results), ignored);
  preview.free_disk_bytes = static_cast<double>(space.available);
}

void predict(Preview& preview, const SweepPlan& plan, const std::vector<PastTrial>& past) {
  const Forecast forecast(past, {host_name(), preview.gpu, preview.threads}, plan.roles);
  for (std::size_t i = 0; i < preview.trials.size(); ++i) {
    auto& trial = preview.trials[i];
    if (trial.left) trial.prediction = forecast.predict(plan.trials[i], trial.from_step);
  }
}

PreviewTotal total_of(const Preview& preview) {
  PreviewTotal total;
  std::vector<Work> low;
  std::vector<double> checkpoints;
  for (const auto& trial : preview.trials) {
    const auto& prediction = trial.prediction;
    const bool predicted = trial.left && prediction.basis != Basis::kNone;
    low.push_back({predicted ? prediction.seconds.low : 0, trial.after});
    total.left += trial.left ? 1 : 0;
    if (!predicted) continue;
    ++total.predicted;
    total.basis = std::max(total.basis, prediction.trials);
    total.device_seconds.low += prediction.seconds.low;
    total.device_seconds.expected += prediction.seconds.expected;
    total.device_seconds.high += prediction.seconds.high;
    total.host_bytes = std::max(total.host_bytes, prediction.host_bytes);
    total.device_bytes = std::max(total.device_bytes, prediction.device_bytes);
    total.disk_bytes += prediction.kept_bytes;
    checkpoints.push_back(prediction.checkpoint_bytes);
  }
  auto expected = low;
  auto high = low;
  for (std::size_t i = 0; i < preview.trials.size(); ++i) {
    const auto& trial = preview.trials[i];
    if (!trial.left || trial.prediction.basis == Basis::kNone) continue;
    expected[i].seconds = trial.prediction.seconds.expected;
    high[i].seconds = trial.prediction.seconds.high;
  }
  total.seconds = {makespan(low, preview.workers), makespan(expected, preview.workers),
                   makespan(high, preview.workers)};
  // The checkpoints of the trials that run at the same time; at worst the largest ones.
  std::ranges::sort(checkpoints, std::greater<>());
  checkpoints.resize(std::min(checkpoints.size(), preview.workers));
  for (const double bytes : checkpoints) total.disk_bytes += bytes;
  return total;
}

std::vector<std::string> shortages(const Preview& preview, const PreviewTotal& total) {
  std::vector<std::string> warnings;
  if (total.disk_bytes > preview.free_disk_bytes) {
    warnings.push_back("the disk will be full: " + bytes_text(total.disk_bytes) + " to come, " +
                       bytes_text(preview.free_disk_bytes) +
                       " free; training.save_model: false or --results elsewhere helps");
  }
  const auto workers = static_cast<double>(std::min(preview.workers, total.left));
  if (preview.memory_bytes > 0 && total.host_bytes * workers > preview.memory_bytes) {
    warnings.push_back("memory may not do: " + plural(preview.workers, "worker") + " of up to " +
                       bytes_text(total.host_bytes) + " each, and " +
                       bytes_text(preview.memory_bytes) + " in all; fewer --workers help");
  }
  return warnings;
}

void print_preview(const Preview& preview, std::optional<std::size_t> width, std::ostream& out) {
  for (const auto& warning : preview.warnings) {
    out << "warning: " << printable_lines(warning) << "\n";
  }
  print_trials(preview, width, out);
  for (const auto& command : preview.first) out << "first runs: " << printable(command) << "\n";
  for (const auto& each : preview.fetches) out << "first fetches: " << printable(each) << "\n";
  const auto total = total_of(preview);
  out << counts_line(preview, total) << "\n";
  if (total.left > 0) print_total(preview, total, out);
  for (const auto& warning : shortages(preview, total)) out << "warning: " << warning << "\n";
  out << std::flush;
}

Json to_json(const Preview& preview) {
  const auto total = total_of(preview);
  Json trials = Json::array();
  for (const auto& trial : preview.trials) trials.push_back(to_json(trial));
  auto warnings = preview.warnings;
  for (auto& warning : shortages(preview, total)) warnings.push_back(std::move(warning));
  Json sum = nullptr;
  if (total.predicted > 0) {
    sum = {{"seconds", to_json(total.seconds)},
           {"device_seconds", to_json(total.device_seconds)},
           {"peak_host_bytes", whole(total.host_bytes)},
           {"peak_device_bytes", whole(total.device_bytes)},
           {"disk_bytes", whole(total.disk_bytes)}};
  }
  return {{"sweep", preview.sweep},
          {"trials", std::move(trials)},
          {"left", total.left},
          {"to_draw", preview.to_draw},
          {"predicted", total.predicted},
          {"total", std::move(sum)},
          {"workers", preview.workers},
          {"threads", preview.threads},
          {"device", preview.device},
          {"free_disk_bytes", whole(preview.free_disk_bytes)},
          {"first_runs", preview.first},
          {"first_fetches", preview.fetches},
          {"warnings", std::move(warnings)}};
}

std::string bytes_text(double bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes,
                kUnits[unit]);
  return text.data();
}

}  // namespace mvn
