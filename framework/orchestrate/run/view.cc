#include "orchestrate/run/view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/environment_variable.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/utf8.h"

namespace mvn {
namespace {

std::string bar(double fraction, std::size_t width, bool utf8) {
  const auto filled =
      static_cast<std::size_t>(std::floor(fraction * static_cast<double>(width) + 1e-9));
  std::string text;
  for (std::size_t i = 0; i < width; ++i) {
    if (utf8) {
      text += i < filled ? "\u2588" : "\u2591";
    } else {
      text += i < filled ? '#' : '.';
    }
  }
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  const auto used = columns(text);
  return used < width ? text + std::string(width - used, ' ') : text;
}

constexpr std::size_t kLeastLabel = 16;  // columns of a label for which numbers are left out

// "step 120/400  loss 0.4312  12.0/s  23.3 s left", as much of it as leaves room for a label.
std::string numbers_of(const TrialProgress& trial, double now, std::size_t width) {
  if (!trial.reported) return "starting";
  std::string text = "step " + std::to_string(trial.step);
  if (trial.steps > 0) text += "/" + std::to_string(trial.steps);
  std::vector<std::string> more;
  if (trial.loss) more.push_back("loss " + short_number(*trial.loss));
  if (const double rate = trial.rate(now); rate > 0) more.push_back(rate_text(rate) + "/s");
  if (const auto left = trial.remaining(now)) more.push_back(duration_text(*left) + " left");
  for (const auto& each : more) {
    if (columns(text) + columns(each) + 6 + kLeastLabel <= width) text += "  " + each;
  }
  return text;
}

// The label without its middle: its end is what tells neighbours apart, as the seed.
std::string abridged(const std::string& text, std::size_t width) {
  const auto all = columns(text);
  if (all <= width || width < 8) return shortened(text, width);
  const std::size_t tail = (width - 3) / 2;
  std::size_t start = text.size();
  for (std::size_t left = tail; left > 0;) {
    if (!continues_utf8(text[--start])) --left;
  }
  return shortened(text, width - tail) + text.substr(start);
}

std::string trial_line(const TrialProgress& trial, double now, std::size_t width) {
  const auto numbers = numbers_of(trial, now, width);
  const std::size_t room = width > columns(numbers) + 4 ? width - columns(numbers) - 4 : 0;
  return shortened("  " + padded(abridged(printable(trial.label), room), room) + "  " + numbers,
                   width);
}

class PlainView : public View {
 public:
  explicit PlainView(std::ostream& out) : out_(out) {}
  void note(const std::string& text) override {
    out_ << printable_lines(text) << std::endl;
    printed_ = true;
  }
  void detail(const std::string& text) override { note(text); }
  void refresh(const RunStatus& status, double now) override {
    if (printed_) last_ = now;
    printed_ = false;
    if (now - last_ < 10) return;
    out_ << summary(status, now) << std::endl;
    last_ = now;
  }
  void close() override {}

 private:
  std::ostream& out_;
  bool printed_ = true;
  double last_ = 0;
};

class LiveView : public View {
 public:
  LiveView(std::ostream& out, std::function<TerminalSize()> size, bool utf8)
      : out_(out), size_(std::move(size)), utf8_(utf8) {}
  ~LiveView() override { erase(); }

  void note(const std::string& text) override {
    erase();
    out_ << printable_lines(text) << '\n';
    draw();
  }
  void detail(const std::string&) override {}
  void refresh(const RunStatus& status, double now) override {
    lines_ = render(status, now, size_(), utf8_);
    erase();
    draw();
  }
  void close() override {
    lines_.clear();
    erase();
  }

 private:
  void erase() {
    if (const auto rows = drawn_rows(); rows > 0) out_ << "\x1b[" << rows << "A\r\x1b[J";
    drawn_.clear();
    out_.flush();
  }
  // In a window that became narrower the terminal has broken long lines.
  std::size_t drawn_rows() const {
    if (drawn_.empty()) return 0;
    const auto width = std::max<std::size_t>(size_().width, 1);
    std::size_t rows = 0;
    for (const auto& line : drawn_) {
      rows += std::max<std::size_t>(1, (columns(line) + width - 1) / width);
    }
    return rows;
  }
  // Wrapping is off while it draws: a line stays one row also where the window just became
  // narrower.
  void draw() {
    out_ << "\x1b[?7l";
    for (const auto& line : lines_) out_ << line << '\n';
    out_ << "\x1b[?7h" << std::flush;
    drawn_ = lines_;
  }

  std::ostream& out_;
  std::function<TerminalSize()> size_;
  bool utf8_;
  std::vector<std::string> lines_;
  std::vector<std::string> drawn_;
};

bool is_utf8() {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    auto value = environment_variable(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, std::max<std::size_t>(size.ws_row, 4)};
}

}  // namespace

View::~View() = default;

std::string summary(const RunStatus& status, double now) {
  std::string text = std::to_string(status.done) + "/" + std::to_string(status.trials) + " trials";
  if (status.failed > 0) text += ", " + std::to_string(status.failed) + " failed";
  text += ", " + std::to_string(static_cast<int>(status.fraction() * 100 + 1e-9)) + "%";
  if (const double rate = status.rate(now); rate > 0) text += ", " + rate_text(rate) + " steps/s";
  if (status.course != Course::kRunning) return text + ", " + std::string(to_string(status.course));
  if (const auto left = status.remaining(now)) text += ", " + duration_text(*left) + " left";
  return text;
}

std::vector<std::string> render(const RunStatus& status, double now, TerminalSize size, bool utf8) {
  const auto text = summary(status, now);
  const auto name = shortened(printable(status.sweep), size.width / 4);
  const auto used = columns(text) + columns(name) + 4;
  std::vector<std::string> lines;
  if (used + 4 <= size.width) {
    const auto width = std::min<std::size_t>(24, size.width - used);
    lines.push_back(name + "  " + bar(status.fraction(), width, utf8) + "  " + text);
  } else {
    lines.push_back(shortened(name + "  " + text, size.width));
  }
  // One row stays free for the cursor.
  const std::size_t room = size.height > 3 ? size.height - 3 : 1;
  std::size_t shown = 0;
  for (const auto& [place, trial] : status.running) {
    if (shown == room && status.running.size() > room) {
      lines.push_back("  and " + std::to_string(status.running.size() - shown) + " more");
      break;
    }
    lines.push_back(trial_line(trial, now, size.width));
    ++shown;
  }
  return lines;
}

std::unique_ptr<View> plain_view(std::ostream& out) { return std::make_unique<PlainView>(out); }

std::unique_ptr<View> live_view(std::ostream& out, std::function<TerminalSize()> size, bool utf8) {
  return std::make_unique<LiveView>(out, std::move(size), utf8);
}

std::unique_ptr<View> make_view(std::ostream& out) {
  const auto terminal = environment_variable("TERM");
  if (::isatty(STDOUT_FILENO) == 0 || !environment_variable("NO_COLOR").empty() ||
      terminal.empty() || terminal == "dumb") {
    return plain_view(out);
  }
  return live_view(out, terminal_size, is_utf8());
}

}  // namespace mvn
