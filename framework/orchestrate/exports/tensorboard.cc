// TensorBoard: a folder of event files for each trial, and what the HPARAMS tab is made from.
//
// An event file is of TFRecords: length, masked CRC-32C of it, data, masked CRC-32C of that. The
// data are messages of tensorflow/core/util/event.proto and
// tensorboard/plugins/hparams/plugin_data.proto.
#include <cmath>
#include <limits>
#include <set>

#include "common/disk_full.h"
#include "common/text.h"
#include "orchestrate/exports/checksum.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/json_number.h"
#include "orchestrate/exports/names.h"
#include "orchestrate/exports/output_file.h"
#include "orchestrate/exports/protobuf.h"
#include "orchestrate/exports/times.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Of SessionEndInfo.
enum SessionStatus { kUnknown = 0, kSuccess = 1, kFailure = 2, kRunning = 3 };
// Of HParamInfo.
enum HparamType { kString = 1, kBool = 2, kFloat64 = 3 };

class EventFile {
 public:
  // `started` in milliseconds.
  EventFile(const fs::path& folder, std::int64_t started)
      : file_(folder / ("events.out.tfevents." +
                        std::to_string(std::max<std::int64_t>(started / 1000, 1'000'000'000)) +
                        ".mvn-runner.0.0")) {
    write(ProtoMessage().real(1, in_seconds(started)).text(3, "brain.Event:2"));
  }

  // The summary is one or several of Summary.Value.
  void summary(std::int64_t time, std::int64_t step, const ProtoMessage& summary) {
    write(ProtoMessage().real(1, in_seconds(time)).integer(2, step).message(5, summary));
  }

  // HParamsPluginData goes into the metadata of a tensor without elements.
  void hparams(std::int64_t time, const std::string& tag, const ProtoMessage& data) {
    const auto plugin = ProtoMessage().text(1, "hparams").text(2, data.bytes());
    constexpr int kFloat = 1;
    const auto no_elements = ProtoMessage().message(2, ProtoMessage());
    const auto tensor = ProtoMessage().integer(1, kFloat).message(2, no_elements);
    const auto value = ProtoMessage().text(1, tag).message(8, tensor).message(
        9, ProtoMessage().message(1, plugin));
    summary(time, 0, ProtoMessage().message(1, value));
  }

  // Of the TEXT tab, which shows Markdown.
  void text(std::int64_t time, const std::string& tag, const std::string& markdown) {
    constexpr int kDataString = 7;
    const auto tensor =
        ProtoMessage().integer(1, kDataString).message(2, ProtoMessage()).text(8, markdown);
    const auto plugin = ProtoMessage().text(1, "text");
    const auto value = ProtoMessage().text(1, tag).message(8, tensor).message(
        9, ProtoMessage().message(1, plugin));
    summary(time, 0, ProtoMessage().message(1, value));
  }

  void close() { file_.close(); }

 private:
  void write(const ProtoMessage& event) {
    const std::string& data = event.bytes();
    std::string length;
    append_little_endian(length, data.size(), 8);
    std::string record = length;
    append_little_endian(record, masked(crc32c(length)), 4);
    record += data;
    append_little_endian(record, masked(crc32c(data)), 4);
    file_.write(record);
  }

  OutputFile file_;
};

// A parameter as the HPARAMS tab knows it; its trials agree about the type.
struct Hparam {
  HparamType type = kFloat64;
  bool seen = false;
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  std::set<std::string> texts;
};

std::string hparam_text(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void take_in(Hparam& hparam, const Json& value) {
  const auto type = is_double(value) ? kFloat64 : value.is_boolean() ? kBool : kString;
  if (hparam.seen && hparam.type != type) hparam.type = kString;
  if (!hparam.seen) hparam.type = type;
  hparam.seen = true;
  if (type == kFloat64) {
    hparam.least = std::min(hparam.least, value.get<double>());
    hparam.greatest = std::max(hparam.greatest, value.get<double>());
  }
  constexpr std::size_t kMostTexts = 1000;  // to tick in a list
  if (hparam.texts.size() < kMostTexts) hparam.texts.insert(hparam_text(value));
}

// A text as JSON where it would be more than a line.
std::string json_line(const Json& value) {
  std::string json = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const bool plain =
      value.is_string() && json.size() == value.get_ref<const std::string&>().size() + 2;
  return plain ? json.substr(1, json.size() - 2) : json;
}

// google.protobuf.Value
ProtoMessage text_value(const std::string& text) { return ProtoMessage().text(3, text); }
ProtoMessage hparam_value(const Hparam& hparam, const Json& value) {
  if (hparam.type == kFloat64) return ProtoMessage().real(2, value.get<double>());
  if (hparam.type == kBool) return ProtoMessage().integer(4, value.get<bool>() ? 1 : 0);
  return text_value(hparam_text(value));
}

ProtoMessage hparam_info(const std::string& name, const Hparam& hparam) {
  auto info = ProtoMessage().text(1, name).integer(4, hparam.type);
  if (hparam.type == kFloat64) {
    info.message(6, ProtoMessage().real(1, hparam.least).real(2, hparam.greatest));
    return info;
  }
  ProtoMessage domain;
  for (const auto& text : hparam.texts) {
    domain.message(1, hparam.type == kBool ? ProtoMessage().integer(4, text == "true" ? 1 : 0)
                                           : text_value(text));
  }
  return info.message(5, domain);
}

// Infinite where a float has no room for it.
float as_float(double value) {
  using Limits = std::numeric_limits<float>;
  if (std::isfinite(value) && std::abs(value) > Limits::max()) {
    return value > 0 ? Limits::infinity() : -Limits::infinity();
  }
  return static_cast<float>(value);
}

SessionStatus session_status(const std::string& state) {
  if (state == "done") return kSuccess;
  if (state == "failed" || state == "diverged" || state == "blocked") return kFailure;
  return state == "running" ? kRunning : kUnknown;  // stopped early, interrupted, planned
}

class TensorboardWriter {
 public:
  TensorboardWriter(ExportSource& source, const fs::path& folder, ExportReport& report)
      : source_(source), folder_(folder), report_(report) {
    const auto& metrics = source.sweep().metrics;
    while (std::ranges::find(metrics, text_tag_) != metrics.end()) text_tag_ += "_";
  }

  void write() {
    source_.each_trial([&](const ExportedTrial& trial) {
      for (const auto& [key, value] : trial.parameters.items()) {
        if (key != "seed") take_in(hparams_[key], value);
      }
      source_.each_final(trial, [&](const ExportedPoint& point) {
        if (point.step > std::numeric_limits<std::int32_t>::max()) far_.insert(*point.name);
      });
    });
    write_experiment();
    source_.each_trial([&](const ExportedTrial& trial) { write_trial(trial); });
    if (!far_.empty()) {
      report_.notes.push_back(plural(far_.size(), "metric") +
                              " with steps beyond 2^31: not in the HPARAMS tab");
    }
    if (beyond_ > 0) {
      report_.notes.push_back(plural(beyond_, "value") +
                              " beyond float32, TensorBoard's numbers, became infinite");
    }
  }

 private:
  void write_experiment() {
    const ExportedSweep& sweep = source_.sweep();
    auto experiment = ProtoMessage().text(6, sweep.name).real(3, in_seconds(sweep.created));
    for (const auto& [name, hparam] : hparams_) experiment.message(4, hparam_info(name, hparam));
    for (const auto& metric : sweep.metrics) {
      if (far_.contains(metric)) continue;
      const auto name = ProtoMessage().text(2, metric);
      experiment.message(5, ProtoMessage().message(1, name));
    }
    EventFile file(folder_, sweep.created);
    file.hparams(sweep.created, "_hparams_/experiment", ProtoMessage().message(2, experiment));
    file.close();
  }

  void write_trial(const ExportedTrial& trial) {
    // The label is for the eye; the id keeps two of one label apart.
    const auto run = file_name(trial.name) + "-" + file_name(trial.trial, 12);
    const auto folder = folder_ / run;
    make_folders(folder);
    const auto started = trial.started.value_or(source_.sweep().created);
    EventFile file(folder, started);
    file.hparams(started, "_hparams_/session_start_info",
                 ProtoMessage().message(3, session_start(trial, started)));
    file.text(started, text_tag_, configuration_of(trial));
    each_step(source_, trial, [&](const ExportedStep& step) { write_step(file, step); });
    const auto end = ProtoMessage()
                         .integer(1, session_status(trial.state))
                         .real(2, in_seconds(trial.ended.value_or(started)));
    file.hparams(trial.ended.value_or(started), "_hparams_/session_end_info",
                 ProtoMessage().message(4, end));
    file.close();
    ++report_.trials;
  }

  // Trials that differ in their seed alone are sessions of one group.
  ProtoMessage session_start(const ExportedTrial& trial, std::int64_t started) {
    ProtoMessage start;
    for (const auto& [key, value] : trial.parameters.items()) {
      if (key == "seed") continue;
      start.message(1, ProtoMessage().text(1, key).message(2, hparam_value(hparams_[key], value)));
    }
    std::string group = trial.stage;
    group.append(group.empty() ? "" : " ").append(trial.label).append(" ").append(trial.group);
    return start.text(4, group).real(5, in_seconds(started));
  }

  // A line for each, as Markdown's code: what stands in it is neither a mark nor HTML.
  std::string configuration_of(const ExportedTrial& trial) {
    std::string text;
    const auto line = [&text](const std::string& name, const Json& value) {
      text.append("    ")
          .append(json_line(name))
          .append(": ")
          .append(json_line(value))
          .append("\n");
    };
    source_.each_param(trial, [&](const ExportedParam& param) { line(param.name, param.value); });
    source_.each_cost(trial, [&](const std::string& name, double value) {
      line("cost/" + name, number_to_json(value));
    });
    line("state", trial.state);
    if (!trial.message.empty()) line("message", trial.message);
    line("trial", trial.id);
    return text;
  }

  void write_step(EventFile& file, const ExportedStep& step) {
    ProtoMessage summary;
    for (const auto& [name, value] : step.values) {
      const float number = as_float(value);
      if (std::isinf(number) && std::isfinite(value)) ++beyond_;
      summary.message(1, ProtoMessage().text(1, name).small_real(2, number));
      ++report_.values;
    }
    file.summary(step.time, step.step, summary);
  }

  ExportSource& source_;
  const fs::path& folder_;
  ExportReport& report_;
  std::map<std::string, Hparam> hparams_;
  // Metrics with steps that the HPARAMS tab has no room for: it would show nothing at all.
  std::set<std::string> far_;
  std::string text_tag_ = "configuration";  // a tag is of one tab alone
  std::size_t beyond_ = 0;                  // values that float32 does not hold
};

void write_tensorboard(ExportSource& source, const fs::path& output, const ExportOptions&,
                       ExportReport& report) {
  TensorboardWriter(source, output, report).write();
}

}  // namespace

ExportFormat tensorboard_format() {
  return {.name = "tensorboard",
          .help = "A folder of event files: curves and the HPARAMS tab (numbers as float32)",
          .is_folder = true,
          .open = [](const std::string& output,
                     const std::string&) { return "tensorboard --logdir " + output; },
          .write = write_tensorboard};
}

}  // namespace mvn
