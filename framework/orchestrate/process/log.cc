#include "orchestrate/process/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "common/files.h"
#include "common/printable.h"
#include "common/secrets.h"
#include "mvn/error.h"
#include "orchestrate/process/pipe.h"

namespace mvn {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e %-7l %v";

// A file of this user's alone, not through a link; spdlog's own sinks open others.
class OwnFileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit OwnFileSink(const std::filesystem::path& file)
      : file_(open_own_file(file, O_WRONLY | O_APPEND)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    // The disk may be full: then it is not logged.
    if (::write(file_.get(), line.data(), line.size()) < 0) return;
  }
  void flush_() override {}

 private:
  Descriptor file_;
};

// The terminal shows the graver lines in its own way.
class DebugSink : public spdlog::sinks::stderr_sink_mt {
 public:
  void log(const spdlog::details::log_msg& message) override {
    if (message.level <= spdlog::level::debug) spdlog::sinks::stderr_sink_mt::log(message);
  }
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

std::unique_ptr<spdlog::logger>& logger() {
  static std::unique_ptr<spdlog::logger> current;
  return current;
}

}  // namespace

const std::vector<std::string>& log_level_names() {
  static const std::vector<std::string> names = {"debug", "info", "warning", "error"};
  return names;
}

LogLevel log_level(std::string_view name) {
  const auto& names = log_level_names();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    throw Error("unknown log level '" + printable(name) +
                "'; there are debug, info, warning, error");
  }
  return static_cast<LogLevel>(found - names.begin());
}

Logging::Logging(const LogRules& rules) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (!rules.file.empty()) sinks.push_back(std::make_shared<OwnFileSink>(rules.file));
  } catch (const Error&) {
    // Then there is none.
  }
  for (auto& sink : sinks) sink->set_level(to_spdlog(rules.level));
  if (rules.verbose) sinks.push_back(std::make_shared<DebugSink>());
  logger() = std::make_unique<spdlog::logger>("mvn-runner", sinks.begin(), sinks.end());
  logger()->set_level(rules.verbose ? spdlog::level::debug : to_spdlog(rules.level));
  logger()->set_pattern(kPattern);
}

Logging::~Logging() { logger().reset(); }

void log(LogLevel level, std::string_view text) {
  auto& current = logger();
  if (!current || !current->should_log(to_spdlog(level))) return;
  current->log(to_spdlog(level), text_without_secrets(printable_lines(text)));
}

}  // namespace mvn
