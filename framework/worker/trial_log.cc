#include "trial_log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "common/printable.h"

namespace mvn {

TrialLog::TrialLog(const std::filesystem::path& file)
    : out_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)),
      error_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)),
      logger_(std::make_unique<spdlog::logger>("mvn-worker",
                                               std::make_shared<spdlog::sinks::stderr_sink_st>())) {
  logger_->set_pattern("%Y-%m-%d %H:%M:%S.%e %-7l %v");
  logger_->flush_on(spdlog::level::info);
  // Neither through a link that somebody laid there nor waiting for a pipe's reader.
  const int log = ::open(file.c_str(),
                         O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (log < 0) return;
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::close(log);
}

TrialLog::~TrialLog() {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  ::dup2(out_, STDOUT_FILENO);
  ::dup2(error_, STDERR_FILENO);
  ::close(out_);
  ::close(error_);
}

void TrialLog::info(std::string_view text) const { logger_->info(printable_lines(text)); }

void TrialLog::error(std::string_view text) const { logger_->error(printable_lines(text)); }

}  // namespace mvn
