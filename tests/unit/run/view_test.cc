#include "orchestrate/run/view.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/text.h"
#include "orchestrate/run/labels.h"

namespace mvn {
namespace {

RunStatus running() {
  RunStatus status;
  status.sweep = "quickstart";
  status.trials = 12;
  status.done = 5;
  status.to_run = 12;
  status.ended = 5;
  status.started = 0;
  auto& first = status.running[0];
  first.label = "classify plugin=mamba seed=0";
  first.step = 120;
  first.steps = 400;
  first.reported = true;
  first.loss = 0.43121;
  first.started = 40;
  status.running[1].label = "classify plugin=gptneo seed=0";
  return status;
}

TEST(Render, ShowsBarAndRunningTrials) {
  const auto lines = render(running(), 50, {80, 24}, /*utf8=*/false);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0],
            "quickstart  ##########.............  5/12 trials, 44%, 12.0 steps/s, 1m 03s left");
  EXPECT_EQ(lines[1],
            "  classify plugin=mamba seed=0    step 120/400  loss 0.4312  12.0/s  23.3 s left");
  EXPECT_EQ(lines[2],
            "  classify plugin=gptneo seed=0                                         starting");
  for (const auto& line : lines) EXPECT_LE(columns(line), 80U);
}

TEST(Render, FitsAnyWidth) {
  auto status = running();
  status.sweep = std::string(100, 'x');
  status.running[0].label = std::string(100, 'y');
  for (std::size_t width = 1; width < 120; ++width) {
    for (const auto& line : render(status, 50, {width, 24}, true)) {
      EXPECT_LE(columns(line), width) << line;
    }
  }
}

TEST(Render, KeepsRoomForTheLabel) {
  auto status = running();
  status.running[0].label = std::string(100, 'y');
  EXPECT_EQ(render(status, 50, {40, 24}, false)[1], "  yyyyyyy...yyyyyy  step 120/400  12.0/s");
}

TEST(Render, FitsTheHeight) {
  RunStatus status;
  for (std::size_t i = 0; i < 30; ++i) status.running[i].label = "trial";
  const auto lines = render(status, 1, {80, 10}, false);
  EXPECT_EQ(lines.size(), 9U);
  EXPECT_EQ(lines.back(), "  and 23 more");
}

TEST(Summary, SaysWhatFailedAndThatItStops) {
  auto status = running();
  status.failed = 2;
  status.course = Course::kStopping;
  EXPECT_EQ(summary(status, 40), "5/12 trials, 2 failed, 44%, stopping");
}

TEST(PlainView, PrintsProgressAfterTenQuietSeconds) {
  std::ostringstream out;
  const auto view = plain_view(out);
  const auto status = running();
  view->detail("started a");
  view->refresh(status, 50);
  view->refresh(status, 59);
  EXPECT_EQ(out.str(), "started a\n");
  view->refresh(status, 61);
  EXPECT_EQ(out.str(), "started a\n" + summary(status, 61) + "\n");
  view->note("FAILED a");
  view->refresh(status, 70);
  view->refresh(status, 79);
  EXPECT_EQ(out.str(), "started a\n" + summary(status, 61) + "\nFAILED a\n");
}

TEST(LiveView, DrawsInPlaceAndPutsNotesAbove) {
  std::ostringstream out;
  const auto view = live_view(
      out,
      [] {
        return TerminalSize{80, 24};
      },
      false);
  RunStatus status;
  status.sweep = "s";
  view->refresh(status, 1);
  const std::string picture = "\x1b[?7l" + render(status, 1, {80, 24}, false)[0] + "\n\x1b[?7h";
  EXPECT_EQ(out.str(), picture);
  out.str("");
  view->detail("not shown");
  view->note("FAILED a");
  EXPECT_EQ(out.str(), "\x1b[1A\r\x1b[JFAILED a\n" + picture);
  out.str("");
  view->close();
  EXPECT_EQ(out.str(), "\x1b[1A\r\x1b[J");
  out.str("");
  view->close();
  EXPECT_EQ(out.str(), "");
}

TEST(LiveView, ErasesLinesThatANarrowerWindowHasBroken) {
  std::ostringstream out;
  TerminalSize size{80, 24};
  const auto view = live_view(
      out, [&] { return size; }, false);
  view->refresh(running(), 50);  // three lines of up to 80 columns
  size.width = 60;
  out.str("");
  view->refresh(running(), 50);
  EXPECT_TRUE(out.str().starts_with("\x1b[6A\r\x1b[J")) << out.str();
}

}  // namespace
}  // namespace mvn
