#include "orchestrate/hub/progress.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "common/printable.h"
#include "common/text.h"

namespace mvn {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kBetweenLines = std::chrono::milliseconds(200);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// "6 files, 526 MB"
std::string whole_text(const HubProgress& progress) {
  return plural(progress.files, "file") + ", " + megabytes_text(progress.bytes);
}

std::string end_text(const HubProgress& progress, double seconds) {
  std::string text = "fetched " + whole_text(progress) + ", in " + duration_text(seconds);
  if (seconds > 0 && progress.received > 0) {
    const auto rate = static_cast<double>(progress.received) / seconds;
    text += " (" + megabytes_text(static_cast<std::uint64_t>(rate)) + "/s)";
  }
  return text;
}

class PlainHubView : public HubView {
 public:
  explicit PlainHubView(std::ostream& out) : out_(out) {}
  void begin(const HubProgress& progress) override {
    start_ = Clock::now();
    out_ << "fetching " << whole_text(progress) << std::endl;
  }
  void update(const HubProgress&) override {}
  void note(const std::string& line) override { out_ << "  " << printable(line) << std::endl; }
  void end(const HubProgress& progress) override {
    out_ << end_text(progress, seconds_since(start_)) << std::endl;
  }

 private:
  std::ostream& out_;
  Clock::time_point start_ = Clock::now();
};

class TerminalHubView : public HubView {
 public:
  TerminalHubView(std::ostream& out, std::size_t width) : out_(out), width_(width) {}
  TerminalHubView(const TerminalHubView&) = delete;
  TerminalHubView& operator=(const TerminalHubView&) = delete;
  ~TerminalHubView() override { wipe(); }

  void begin(const HubProgress&) override { start_ = Clock::now(); }
  void update(const HubProgress& progress) override {
    const auto now = Clock::now();
    if (now - shown_ < kBetweenLines) return;
    shown_ = now;
    const auto line = shortened(line_of(progress), width_ - 1);
    out_ << "\r" << line << "\x1b[K" << std::flush;
    is_shown_ = true;
  }
  void note(const std::string& line) override {
    wipe();
    out_ << "  " << printable(line) << std::endl;
  }
  void end(const HubProgress& progress) override {
    wipe();
    out_ << end_text(progress, seconds_since(start_)) << std::endl;
  }

 private:
  // "312 MB of 526 MB  44 MB/s  4.9 s left  model.safetensors"
  [[nodiscard]] std::string line_of(const HubProgress& progress) const {
    std::string text =
        megabytes_text(progress.bytes_done) + " of " + megabytes_text(progress.bytes);
    if (progress.bytes_done == progress.bytes) return text + "  checking";
    const double seconds = seconds_since(start_);
    const auto rate = static_cast<double>(progress.received) / seconds;
    if (progress.received > 0 && seconds > 0) {
      const auto left = static_cast<double>(progress.bytes - progress.bytes_done);
      text += "  " + megabytes_text(static_cast<std::uint64_t>(rate)) + "/s  " +
              duration_text(left / rate) + " left";
    }
    if (progress.files > 1) {
      text += "  " + std::to_string(progress.files_done) + "/" + std::to_string(progress.files) +
              " files";
    }
    return text + "  " + printable(progress.current);
  }
  void wipe() {
    if (is_shown_) out_ << "\r\x1b[K" << std::flush;
    is_shown_ = false;
  }

  std::ostream& out_;
  std::size_t width_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = {};
  bool is_shown_ = false;
};

}  // namespace

std::unique_ptr<HubView> make_hub_view(std::ostream& out, std::size_t terminal_width) {
  if (terminal_width > 1) return std::make_unique<TerminalHubView>(out, terminal_width);
  return std::make_unique<PlainHubView>(out);
}

std::string megabytes_text(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 999.5 && unit + 1 < kUnits.size(); ++unit) number /= 1000;
  std::array<char, 32> text{};
  const char* format = unit > 0 && number < 9.95 ? "%.1f %s" : "%.0f %s";
  std::snprintf(text.data(), text.size(), format, number, kUnits[unit]);
  return text.data();
}

}  // namespace mvn
