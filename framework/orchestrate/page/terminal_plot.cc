#include "orchestrate/page/terminal_plot.h"

#include <algorithm>
#include <cmath>

#include "common/text.h"
#include "common/utf8.h"

namespace mvn {
namespace {

constexpr std::size_t kDotsAcross = 2;  // of a character
constexpr std::size_t kDotsDown = 4;
constexpr std::size_t kNarrowest = 20;  // columns of dots

template <typename Of>
Range range_of(const std::vector<PlotCurve>& curves, Of of) {
  Range range;
  bool any = false;
  for (const auto& curve : curves) {
    for (const auto& point : curve.points) {
      const double value = of(point);
      if (!std::isfinite(value)) continue;
      range.low = any ? std::min(range.low, value) : value;
      range.high = any ? std::max(range.high, value) : value;
      any = true;
    }
  }
  return range;
}

// Dots that are set, from the left and from above.
class Dots {
 public:
  Dots(std::size_t columns, std::size_t rows)
      : across_(columns * kDotsAcross), down_(rows * kDotsDown), set_(across_ * down_) {}

  [[nodiscard]] double last_x() const { return static_cast<double>(across_ - 1); }
  [[nodiscard]] double last_y() const { return static_cast<double>(down_ - 1); }

  void line(std::pair<double, double> from, std::pair<double, double> to) {
    const double length =
        std::max(std::abs(to.first - from.first), std::abs(to.second - from.second));
    const int steps = std::max(1, static_cast<int>(std::ceil(length)));
    for (int i = 0; i <= steps; ++i) {
      const double share = static_cast<double>(i) / steps;
      set(from.first + share * (to.first - from.first),
          from.second + share * (to.second - from.second));
    }
  }

  [[nodiscard]] std::string row(std::size_t row) const {
    // The bits of a Braille character by its dots' columns and rows.
    constexpr char32_t kBits[kDotsAcross][kDotsDown] = {{0x01, 0x02, 0x04, 0x40},
                                                        {0x08, 0x10, 0x20, 0x80}};
    std::string text;
    for (std::size_t column = 0; column < across_ / kDotsAcross; ++column) {
      char32_t bits = 0;
      for (std::size_t x = 0; x < kDotsAcross; ++x) {
        for (std::size_t y = 0; y < kDotsDown; ++y) {
          const bool is_set = set_[(row * kDotsDown + y) * across_ + column * kDotsAcross + x];
          bits |= is_set ? kBits[x][y] : 0U;
        }
      }
      append_utf8(text, bits == 0 ? U' ' : U'\u2800' + bits);
    }
    return text;
  }

 private:
  void set(double x, double y) {
    const auto column = static_cast<std::size_t>(std::lround(std::clamp(x, 0.0, last_x())));
    const auto row = static_cast<std::size_t>(std::lround(std::clamp(y, 0.0, last_y())));
    set_[row * across_ + column] = true;
  }

  std::size_t across_;
  std::size_t down_;
  std::vector<bool> set_;
};

// Where a value lies between the ends of a range, 0 to 1; in the middle of an empty one.
double share_of(double value, const Range& range) {
  return range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5;
}

void draw(const PlotCurve& curve, const PlotFrame& frame, Dots& dots) {
  const std::pair<double, double>* before = nullptr;
  const auto place = [&](const std::pair<double, double>& point) {
    return std::pair(share_of(point.first, frame.x) * dots.last_x(),
                     (1 - share_of(point.second, frame.y)) * dots.last_y());
  };
  for (const auto& point : curve.points) {
    if (!std::isfinite(point.second)) {
      before = nullptr;
      continue;
    }
    dots.line(place(before == nullptr ? point : *before), place(point));
    before = &point;
  }
}

std::string padded_left(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns(text)), ' ') + text;
}

}  // namespace

Range range_of_x(const std::vector<PlotCurve>& curves) {
  return range_of(curves, [](const auto& point) { return point.first; });
}

Range range_of_y(const std::vector<PlotCurve>& curves) {
  return range_of(curves, [](const auto& point) { return point.second; });
}

std::vector<std::string> plot(const PlotCurve& curve, const PlotFrame& frame) {
  const auto high = short_number(frame.y.high);
  const auto low = short_number(frame.y.low);
  const std::size_t label = std::max(high.size(), low.size());
  const std::size_t across =
      std::max(kNarrowest, frame.columns - std::min(frame.columns, label + 2));
  Dots dots(across, frame.rows);
  draw(curve, frame, dots);
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < frame.rows; ++i) {
    const bool labelled = i == 0 || i + 1 == frame.rows;
    const auto& name = i == 0 ? high : low;
    auto line = padded_left(labelled ? name : "", label) + (labelled ? " ┤" : " │") + dots.row(i);
    line.erase(line.find_last_not_of(' ') + 1);
    rows.push_back(std::move(line));
  }
  const auto first = "step " + short_number(frame.x.low);
  const auto last = short_number(frame.x.high);
  rows.push_back(std::string(label + 2, ' ') + first +
                 padded_left(last, across - std::min(across, first.size())));
  return rows;
}

}  // namespace mvn
