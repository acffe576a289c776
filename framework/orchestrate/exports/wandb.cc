// W&B: a folder of offline runs for `wandb sync`, one for each trial. A run is a log of LevelDB's
// form (blocks of 32 KiB, records cut at their ends) whose records are messages of
// wandb/proto/wandb_internal.proto.
#include <array>
#include <cmath>

#include "common/disk_full.h"
#include "common/text.h"
#include "orchestrate/exports/checksum.h"
#include "orchestrate/exports/formats.h"
#include "orchestrate/exports/names.h"
#include "orchestrate/exports/output_file.h"
#include "orchestrate/exports/protobuf.h"
#include "orchestrate/exports/times.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// The fields of Record that are written here.
enum RecordField : std::uint32_t {
  kHistory = 2,
  kSummary = 3,
  kRun = 17,
  kExit = 18,
  kHeader = 21
};

class RunLog {
 public:
  explicit RunLog(const fs::path& path) : file_(path) {
    // ":W&B", a magic number, and the version of the form.
    file_.write(std::string_view(":W&B\xE1\xBE\x00", 7));
    const auto version = ProtoMessage().text(1, "mvn-runner").text(2, "0.70.0");
    write(kHeader, ProtoMessage().message(1, version));
  }

  void write(RecordField field, const ProtoMessage& message) {
    const auto record = ProtoMessage().integer(1, ++count_).message(field, message);
    std::string_view left = record.bytes();
    bool begun = false;
    do {
      left.remove_prefix(write_piece(left, begun));
      begun = true;
    } while (!left.empty());
  }

  void close() { file_.close(); }

 private:
  static constexpr std::size_t kBlock = 32768;
  static constexpr std::size_t kPieceHeader = 7;
  enum Piece : char { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

  // As much of a record as its block has room for; returns how much that is.
  std::size_t write_piece(std::string_view left, bool begun) {
    std::size_t room = kBlock - file_.size() % kBlock;
    if (room < kPieceHeader) {
      file_.write(std::string(room, '\0'));
      room = kBlock;
    }
    const auto data = left.substr(0, room - kPieceHeader);
    const bool ends = data.size() == left.size();
    const char type = begun ? (ends ? kLast : kMiddle) : (ends ? kFull : kFirst);
    std::string header;
    append_little_endian(header, crc32(data, crc32({&type, 1})), 4);
    append_little_endian(header, data.size(), 2);
    header += type;
    file_.write(header);
    file_.write(data);
    return data.size();
  }

  OutputFile file_;
  std::int64_t count_ = 0;
};

// As Python's JSON: NaN, Infinity and -Infinity, which W&B reads.
std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return Json(value).dump();
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// An item of a history or summary; its name is one key, dots and all.
ProtoMessage item(const std::string& name, const std::string& json) {
  return ProtoMessage().text(2, name).text(16, json);
}

// Those that are written have one.
std::int64_t started_of(const ExportedTrial& trial) { return trial.started.value_or(0); }

class WandbWriter {
 public:
  WandbWriter(ExportSource& source, const fs::path& folder, ExportReport& report)
      : source_(source), folder_(folder), report_(report) {}

  void write() {
    source_.each_trial([&](const ExportedTrial& trial) {
      if (trial.started) {
        write_run(trial);
      } else {
        ++planned_;
      }
    });
    if (planned_ > 0) {
      report_.notes.push_back(plural(planned_, "trial") + " that never started: left out");
    }
  }

 private:
  void write_run(const ExportedTrial& trial) {
    const std::string id = file_name(trial.trial, 12);
    const auto folder =
        folder_ / ("offline-run-" + utc_time(started_of(trial), "%Y%m%d_%H%M%S") + "-" + id);
    make_folders(folder / "files");
    RunLog log(folder / ("run-" + id + ".wandb"));
    log.write(kRun, run_of(trial, id));
    each_step(source_, trial, [&](const ExportedStep& step) {
      log.write(kHistory, history_of(trial, step));
      report_.values += static_cast<std::int64_t>(step.values.size());
    });
    log.write(kSummary, summary_of(trial));
    if (trial.ended) {
      const auto runtime = (*trial.ended - started_of(trial)) / 1000;
      const bool well = trial.state == "done" || trial.state == "stopped";
      log.write(kExit, ProtoMessage().integer(1, well ? 0 : 1).integer(2, runtime));
    }
    log.close();
    ++report_.trials;
  }

  ProtoMessage run_of(const ExportedTrial& trial, const std::string& id) {
    auto run = ProtoMessage().text(1, id).text(3, file_name(source_.sweep().name));
    run.message(4, config_of(trial));
    run.text(6, first_characters(trial.label, 128)).text(7, trial.stage);
    run.text(8, first_characters(trial.name, 128)).text(10, trial.state);
    const auto time = ProtoMessage()
                          .integer(1, started_of(trial) / 1000)
                          .integer(2, started_of(trial) % 1000 * 1'000'000);
    return run.message(17, time);
  }

  // The configuration as it is nested, and what else is known of the trial.
  ProtoMessage config_of(const ExportedTrial& trial) {
    Json config = trial.config;
    source_.each_param(trial, [&](const ExportedParam& param) {
      if (param.origin == "trial") config[param.name] = param.value;
    });
    Json costs = Json::object();
    source_.each_cost(trial, [&](const std::string& name, double value) { costs[name] = value; });
    config["mvn"] = {
        {"trial", trial.id},    {"sweep", source_.sweep().name}, {"configuration", trial.label},
        {"state", trial.state}, {"message", trial.message},      {"costs", costs}};
    ProtoMessage record;
    for (const auto& [key, value] : config.items()) {
      record.message(1, ProtoMessage().text(1, key).text(16, json_text(value)));
    }
    return record;
  }

  static ProtoMessage history_of(const ExportedTrial& trial, const ExportedStep& step) {
    ProtoMessage history;
    for (const auto& [name, value] : step.values)
      history.message(1, item(name, json_number(value)));
    history.message(1, item("_step", std::to_string(step.step)));
    history.message(1, item("_timestamp", json_number(in_seconds(step.time))));
    history.message(1, item("_runtime", json_number(in_seconds(step.time - started_of(trial)))));
    return history.message(2, ProtoMessage().integer(1, step.step));
  }

  ProtoMessage summary_of(const ExportedTrial& trial) {
    ProtoMessage summary;
    std::int64_t step = 0;
    std::int64_t time = started_of(trial);
    source_.each_final(trial, [&](const ExportedPoint& point) {
      summary.message(1, item(*point.name, json_number(point.value)));
      step = std::max(step, point.step);
      time = std::max(time, point.time);
    });
    summary.message(1, item("_step", std::to_string(step)));
    summary.message(1, item("_timestamp", json_number(in_seconds(time))));
    summary.message(1, item("_runtime", json_number(in_seconds(time - started_of(trial)))));
    return summary;
  }

  ExportSource& source_;
  const fs::path& folder_;
  ExportReport& report_;
  std::size_t planned_ = 0;
};

void write_wandb(ExportSource& source, const fs::path& output, const ExportOptions&,
                 ExportReport& report) {
  WandbWriter(source, output, report).write();
}

}  // namespace

ExportFormat wandb_format() {
  return {.name = "wandb",
          .help = "A folder of offline runs that 'wandb sync' uploads",
          .is_folder = true,
          .open = [](const std::string& output,
                     const std::string&) { return "wandb sync " + output + "/offline-run-*"; },
          .write = write_wandb};
}

}  // namespace mvn
