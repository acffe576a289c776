#include "orchestrate/sessions/logged_view.h"

#include <utility>

#include "orchestrate/process/log.h"

namespace mvn {
namespace {

constexpr double kSummaryEvery = 60;  // seconds

class LoggedView : public View {
 public:
  explicit LoggedView(std::unique_ptr<View> shown) : shown_(std::move(shown)) {}
  void note(const std::string& text) override {
    shown_->note(text);
    log(LogLevel::kWarning, text);
  }
  void detail(const std::string& text) override {
    shown_->detail(text);
    log(LogLevel::kInfo, text);
  }
  void refresh(const RunStatus& status, double now) override {
    shown_->refresh(status, now);
    if (now - last_summary_ < kSummaryEvery) return;
    log(LogLevel::kInfo, summary(status, now));
    last_summary_ = now;
  }
  void close() override { shown_->close(); }

 private:
  std::unique_ptr<View> shown_;
  double last_summary_ = 0;
};

}  // namespace

std::unique_ptr<View> logged(std::unique_ptr<View> shown) {
  return std::make_unique<LoggedView>(std::move(shown));
}

}  // namespace mvn
