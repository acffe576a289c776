#include "runner/embed.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>
#include <utility>

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/store.h"
#include "orchestrate/store/table.h"
#include "orchestrate/workers/worker_program.h"
#include "runner/fetched.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// "1.2k of 50k texts  812/s  1m 00s left", a line that changes, on a terminal; elsewhere nothing.
class ProgressLine {
 public:
  ProgressLine() : width_(terminal_width(STDERR_FILENO).value_or(0)) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (is_shown_) std::cerr << "\r\x1b[K" << std::flush;
  }

  void show(const Json& progress) {
    last_ = progress;
    const auto done = progress.at("done").get<double>();
    if (!started_) {
      started_ = Clock::now();
      done_before_ = done;
    }
    const auto now = Clock::now();
    if (width_ < 2 || now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    is_shown_ = true;
    std::cerr << "\r" << shortened(text(done), width_ - 1) << "\x1b[K" << std::flush;
  }

  // The worker's last word; null where it said none.
  [[nodiscard]] const Json& last() const { return last_; }

  // Seconds since the first text, and how many texts that took.
  [[nodiscard]] std::pair<double, double> taken() const {
    if (!started_) return {0, 0};
    return {std::chrono::duration<double>(Clock::now() - *started_).count(),
            last_.at("done").get<double>() - done_before_};
  }

 private:
  [[nodiscard]] std::string text(double done) const {
    const auto texts = last_.at("texts").get<double>();
    std::string line = short_number(done) + " of " + short_number(texts) + " texts";
    const auto [seconds, count] = taken();
    if (seconds <= 0 || count <= 0) return line;
    const double rate = count / seconds;
    return line + "  " + rate_text(rate) + "/s  " + duration_text((texts - done) / rate) + " left";
  }

  std::size_t width_;
  std::optional<Clock::time_point> started_;
  double done_before_ = 0;
  Clock::time_point shown_ = {};
  bool is_shown_ = false;
  Json last_;
};

void set(Json& map, const char* key, const std::string& value) {
  if (!value.empty()) map[key] = value;
}

// A folder of this machine, or of the hub.
std::string folder_of(const std::string& text) {
  return (is_hub_reference(text) ? fetched(text) : fs::absolute(text)).string();
}

// The folder, and what the trial's configuration says of its base.
void add_model(const EmbedOptions& options, const CommonOptions& common, Json& request) {
  if (is_hub_reference(options.model) || fs::is_directory(options.model)) {
    request["folder"] = folder_of(options.model);
    return;
  }
  const ResultsReader reader(database_path(common.results));
  const auto record = find_trial(reader, common.results, options.model);
  request["folder"] = fs::absolute(saved_model(common.results, record, "used")).string();
  const Json& model = record.trial.config.at("model");
  set(request, "plugin", model.at("plugin").get<std::string>());
  // Without weights the trial saved its random base with all of the configuration.
  if (model.contains("weights") && model.contains("config")) {
    request["model_config"] = model.at("config");
  }
}

Json request_of(const EmbedOptions& options, const CommonOptions& common) {
  Json task = {{"texts", {fs::absolute(options.input).string()}}};
  set(task, "texts_column", options.column);
  set(task, "texts_prompt", options.prompt);
  set(task, "pooling", options.pooling);
  if (options.normalize) task["normalize"] = *options.normalize;
  Json training = Json::object();
  if (options.max_length > 0) training["max_length"] = options.max_length;
  if (options.batch_size > 0) {
    training["batch_size"] = options.batch_size;
    training["micro_batch_size"] = options.batch_size;
  }
  set(training, "precision", options.precision);
  Json request = {
      {"output", options.output},
      {"task", std::move(task)},
      {"training", std::move(training)},
      {"threads", options.threads > 0 ? options.threads
                                      : static_cast<int>(std::thread::hardware_concurrency())}};
  set(request, "device", options.device);
  add_model(options, common, request);
  set(request, "plugin", options.plugin);
  if (!options.base.empty()) request["base"] = folder_of(options.base);
  return request;
}

}  // namespace

void embed(const EmbedOptions& options, const CommonOptions& common, std::ostream& out) {
  const Json request = request_of(options, common);
  Signals signals;
  Json last;
  std::string rate;
  std::string warnings;
  {
    ProgressLine line;
    const WorkerProgram worker(find_worker(), common.plugin_folders());
    warnings = worker.embed(request, signals,
                            [&](const std::string& said) { line.show(try_parse_json(said)); });
    last = line.last();
    const auto [seconds, count] = line.taken();
    if (seconds > 0 && count > 0) rate = ", " + rate_text(count / seconds) + " texts/s";
  }
  std::cerr << printable_lines(warnings) << std::flush;
  out << options.output << ": " << plural(last.at("texts").get<std::size_t>(), "vector") << " of "
      << last.at("width").get<std::int64_t>() << " numbers" << rate << std::endl;
}

}  // namespace mvn
