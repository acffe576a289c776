// How a problem is shown; what problems there are is in bad/.
#include "orchestrate/sweep/problems.h"

#include <gtest/gtest.h>

#include "description.h"

namespace mvn {
namespace {

TEST(Problem, StandsOutInColour) {
  const sweep_test::Folder folder;
  const auto file = folder.write("sweep.yaml", "task:\n  blok: 3\n");
  const Problem problem = {{file, 2, 3}, "task.blok: unknown parameter"};
  EXPECT_EQ(render(problem), file.string() +
                                 ":2:3: task.blok: unknown parameter\n"
                                 "    blok: 3\n"
                                 "    ^");
  EXPECT_EQ(render(problem, /*colour=*/true), "\033[1m" + file.string() +
                                                  ":2:3:\033[0m task.blok: unknown parameter\n"
                                                  "    blok: 3\n"
                                                  "    \033[1;31m^\033[0m");
}

TEST(Problem, OfALongLineIsShownAroundItsPlace) {
  const sweep_test::Folder folder;
  const auto file =
      folder.write("sweep.yaml", std::string(1'000'000, 'a') + "b" + std::string(1'000'000, 'c'));
  EXPECT_EQ(render(Problem{{file, 1, 1'000'001}, "no"}),
            file.string() + ":1:1000001: no\n  …" + std::string(100, 'a') + "b" +
                std::string(100, 'c') + "…\n   " + std::string(100, ' ') + "^");
  EXPECT_EQ(render(Problem{{}, std::string(10'000, 'x')}),
            std::string(1000, 'x') + " … " + std::string(1000, 'x'));
}

TEST(Problem, HoldsNothingThatATerminalObeys) {
  const sweep_test::Folder folder;
  const auto file = folder.write("sweep.yaml", "\x1b[2Jé\tx\n");
  EXPECT_EQ(render(Problem{{file, 1, 7}, "unknown '\x1b]0;\x07'"}),
            file.string() +
                ":1:7: unknown '\\u001b]0;\\u0007'\n"
                "  \\u001b[2Jé\tx\n"
                "            \t^");
}

TEST(Problem, OfAnArgumentPointsIntoIt) {
  const Problem problem = {{"command line", 0, 13, "task={block: many}"}, "expected an integer"};
  EXPECT_EQ(render(problem),
            "command line: expected an integer\n"
            "  task={block: many}\n"
            "              ^");
}

TEST(Problem, OfAFileThatIsGoneHasItsPlaceAlone) {
  EXPECT_EQ(render(Problem{{"/nowhere/sweep.yaml", 2, 3}, "no"}), "/nowhere/sweep.yaml:2:3: no");
  EXPECT_EQ(render(Problem{{}, "no"}), "no");
}

TEST(Problem, SeveralAreCounted) {
  EXPECT_EQ(render(std::vector<Problem>{{{"a", 0, 0}, "no"}, {{"b", 0, 0}, "no"}}),
            "a: no\nb: no\n2 problems");
}

}  // namespace
}  // namespace mvn
