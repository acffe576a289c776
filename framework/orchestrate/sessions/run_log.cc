#include "orchestrate/sessions/run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "common/files.h"
#include "common/printable.h"
#include "common/secrets.h"
#include "mvn/error.h"

namespace mvn {
namespace {

constexpr double kSummaryEvery = 60;  // seconds

class LoggedView : public View {
 public:
  LoggedView(std::unique_ptr<View> shown, RunLog& log) : shown_(std::move(shown)), log_(log) {}
  void note(const std::string& text) override {
    shown_->note(text);
    log_.line(text);
  }
  void detail(const std::string& text) override {
    shown_->detail(text);
    log_.line(text);
  }
  void refresh(const RunStatus& status, double now) override {
    shown_->refresh(status, now);
    if (now - last_summary_ < kSummaryEvery) return;
    log_.line(summary(status, now));
    last_summary_ = now;
  }
  void close() override { shown_->close(); }

 private:
  std::unique_ptr<View> shown_;
  RunLog& log_;
  double last_summary_ = 0;
};

}  // namespace

RunLog::RunLog(const std::filesystem::path& file) {
  try {
    file_ = Descriptor(open_own_file(file, O_WRONLY | O_APPEND));
  } catch (const Error&) {
    // Then there is none.
  }
}

void RunLog::line(const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y-%m-%d %H:%M:%S ", &local);
  const auto line = stamp.data() + text_without_secrets(printable_lines(text)) + "\n";
  // The disk may be full: then it is not logged.
  if (::write(file_.get(), line.data(), line.size()) < 0) return;
}

std::unique_ptr<View> logged(std::unique_ptr<View> shown, RunLog& log) {
  return std::make_unique<LoggedView>(std::move(shown), log);
}

}  // namespace mvn
