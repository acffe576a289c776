#include "orchestrate/run/sweep_run.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

class NotedView : public View {
 public:
  void note(const std::string& text) override { notes.push_back(text); }
  void detail(const std::string&) override {}
  void refresh(const RunStatus&, double) override {}
  void close() override {}

  std::vector<std::string> notes;
};

TEST(SweepRun, ADrawThatDoesNotFitOnTheDiskIsDrawnOnceThereIsSpace) {
  const test::TemporaryFolder results;
  SweepPlan plan;
  plan.name = "demo";
  plan.searches[""].draws = 1;
  Store store(database_path(results.path()));
  Schedule schedule(plan.trials, {});
  NotedView view;
  Signals signals;
  int calls = 0;
  const auto draw = [&]() -> std::size_t {
    if (++calls == 1) throw DiskFull("results.db: the disk is full");
    plan.searches[""].draws = 0;
    return 0;
  };
  SweepRun run({plan,
                results.path(),
                store,
                schedule,
                view,
                signals,
                steady_clock(),
                {},
                [](const PlannedTrial&) { return Json(); },
                [](Course) {},
                draw},
               {Slot{}});
  run.execute();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(run.given_up(), "");
  EXPECT_EQ(view.notes,
            (std::vector<std::string>{"WAITING for space on the disk: results.db: the disk is full",
                                      "going on: the disk has space again"}));
}

}  // namespace
}  // namespace mvn
