// What is wrong is said before anything is written.
#include <gtest/gtest.h>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

// Runs the sweep, which must be refused, and returns what it says on standard error.
std::string refusal(Workplace& place, const std::vector<std::string>& arguments) {
  const auto run = place.run(arguments);
  EXPECT_EQ(run.end.exit_code, 64) << run.out << run.err;
  EXPECT_FALSE(place.has("results"));
  return run.err;
}

TEST(Errors, AMissingSweepFile) {
  Workplace place;
  place.write("quickstart.yaml", "");
  EXPECT_EQ(
      refusal(place, {"quickstat.yaml"}),
      "mvn-runner: no sweep file 'quickstat.yaml'; did you mean the file 'quickstart.yaml'?\n");
  EXPECT_EQ(refusal(place, {"plugin"}),
            "mvn-runner: no sweep file 'plugin' and no command of that name; did you mean the "
            "command 'plugins'?\n");
  place.write("status.yaml", "");
  EXPECT_EQ(refusal(place, {"statsu"}),
            "mvn-runner: no sweep file 'statsu' and no command of that name; did you mean the "
            "command 'status'?\n");
  EXPECT_EQ(refusal(place, {"qwertz"}),
            "mvn-runner: no sweep file 'qwertz' and no command of that name; see mvn-runner "
            "--help\n");
  EXPECT_EQ(refusal(place, {"--json", "status"}),
            "mvn-runner: '--json' stands after the command that it belongs to\n");
}

TEST(Errors, AnUnknownKeyAtItsPlace) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("stepz: 3"));
  EXPECT_EQ(refusal(place, {"sweep.yaml"}),
            "sweep.yaml:5:22: task.stepz: unknown parameter of task 'play' (plugin "
            "/nowhere/fake.so); did you mean 'steps'?\n"
            "  task: {plugin: play, stepz: 3}\n"
            "                       ^\n");
}

TEST(Errors, OfTheCommandLineInTheArgument) {
  Workplace place;
  place.write("sweep.yaml", sweep_text(""));
  EXPECT_EQ(refusal(place, {"sweep.yaml", "--set", "task={plugin: play, data: no.txt}",
                            "optimizer.lr=fast"}),
            "command line: optimizer.lr: expected a number, got 'fast'; declared by the trainer\n"
            "  optimizer.lr=fast\n"
            "               ^\n");
  EXPECT_EQ(refusal(place, {"task.data=no.txt", "sweep.yaml"}),
            "command line: task.data: no such file: " + (place / "no.txt").string() +
                "\n"
                "  task.data=no.txt\n"
                "            ^\n");
}

TEST(Errors, ANumberThatIsTooSmallIsToldTheSmallest) {
  Workplace place;
  place.write("sweep.yaml", sweep_text(""));
  for (const auto* number : {"0", "-3", "many"}) {
    EXPECT_EQ(refusal(place, {"sweep.yaml", "--workers", number}),
              "mvn-runner: --workers: must be a number of at least 1, got " + std::string(number) +
                  "; see mvn-runner --help\n");
  }
  EXPECT_EQ(
      refusal(place, {"rerun", "3f2a", "--verify", "--tolerance", "-1"}),
      "mvn-runner: --tolerance: must be a number of at least 0, got -1; see mvn-runner --help\n");
}

TEST(Errors, OfADamagedDatabaseNameTheCommandThatMakesItAnew) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  std::filesystem::create_directories(place / "other");
  std::filesystem::copy_file(place / "results/results.db", place / "other/results.db");
  place.write("results/results.db", std::string(8192, 'x'));
  for (const auto& command :
       std::vector<std::vector<std::string>>{{"sweep.yaml"},
                                             {"plan", "sweep.yaml"},
                                             {"query"},
                                             {"query", "SELECT * FROM trials"},
                                             {"query", "trials"},
                                             {"query", "what-failed"},
                                             {"rerun", "3f2a"},
                                             {"status"},
                                             {"status", "--json"},
                                             {},
                                             {"compare", "demo", "--by", "optimizer.lr"},
                                             {"artifacts"},
                                             {"export", "peft", "3f2a", "out"},
                                             {"gc"},
                                             {"gc", "--yes"},
                                             {"remove", "demo", "--yes"},
                                             {"db", "check"},
                                             {"db", "vacuum"},
                                             {"db", "backup", "copy.db"},
                                             {"db", "merge", "other"}}) {
    const auto run = place.run(command);
    EXPECT_NE(run.end.exit_code, 0) << run.out;
    EXPECT_NE(
        run.err.find("results.db: no SQLite database, or damaged; make it anew from the spools "
                     "with 'mvn-runner collect --rebuild', or give another folder with "
                     "--results\n"),
        std::string::npos)
        << (command.empty() ? "" : command.front()) << ": " << run.err;
  }
  EXPECT_FALSE(place.has("copy.db"));
  ASSERT_EQ(place.run({"collect", "--rebuild"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT state FROM trials"), std::vector<std::string>{"done"});
}

TEST(Errors, AreInColourOnATerminalThatTakesIt) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  EXPECT_EQ(place.on_a_terminal({"sweep.yaml", "extends=x"}, ""),
            "\033[1mcommand line:\033[0m extends: cannot be set on the command line\r\n"
            "  extends=x\r\n"
            "  \033[1;31m^\033[0m\r\n");
  EXPECT_EQ(place.on_a_terminal({"sweep.yaml", "extends=x"}, "1"),
            "command line: extends: cannot be set on the command line\r\n"
            "  extends=x\r\n"
            "  ^\r\n");
}

TEST(Errors, WhatTheWorkerFindsIsShownAtItsPlace) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("data: no.txt", "0.1, 0.2", "repeats: {seeds: [0, 1]}\n"));
  EXPECT_EQ(refusal(place, {"sweep.yaml"}),
            "sweep.yaml:5:28: task.data: no such file: " + (place / "no.txt").string() +
                "\n"
                "  task: {plugin: play, data: no.txt}\n"
                "                             ^\n");
}

// The third is the one without a mistake.
TEST(Errors, OfAListAreAtTheirOwnTrial) {
  Workplace place;
  place.write("yes.txt", "");
  place.write("sweep.yaml",
              "name: demo\nmodel: {plugin: toy}\ntask: {plugin: play}\nmethod: list\ntrials:\n"
              "  - {task.data: no.txt}\n"
              "  - {task.data: none.txt}\n"
              "  - {task.data: yes.txt}\n");
  EXPECT_EQ(refusal(place, {"sweep.yaml"}),
            "sweep.yaml:6:17: task.data: no such file: " + (place / "no.txt").string() +
                "\n"
                "    - {task.data: no.txt}\n"
                "                  ^\n"
                "sweep.yaml:7:17: task.data: no such file: " +
                (place / "none.txt").string() +
                "\n"
                "    - {task.data: none.txt}\n"
                "                  ^\n"
                "2 problems\n");
}

TEST(Errors, OfAnAxisOfMapsAreAtTheirOwnValue) {
  Workplace place;
  place.write("yes.txt", "");
  place.write("sweep.yaml",
              "name: demo\nmodel: {plugin: toy}\nparameters:\n  task:\n    values:\n"
              "      - {plugin: play, data: yes.txt}\n"
              "      - {plugin: play, data: no.txt}\n");
  EXPECT_EQ(refusal(place, {"sweep.yaml"}),
            "sweep.yaml:7:30: task.data: no such file: " + (place / "no.txt").string() +
                "\n"
                "        - {plugin: play, data: no.txt}\n"
                "                               ^\n");
}

TEST(Errors, ADeviceThatIsNotThere) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1", "resources: {device: cuda}\n"));
  const auto text = refusal(place, {"sweep.yaml"});
  EXPECT_NE(
      text.find(":8:21: resources.device: 'cuda' is asked for, but LibTorch finds no GPU here"),
      std::string::npos)
      << text;
}

TEST(Errors, AnUnknownOption) {
  Workplace place;
  place.write("sweep.yaml", sweep_text(""));
  EXPECT_EQ(refusal(place, {"sweep.yaml", "--dryrun"}),
            "mvn-runner: unknown option '--dryrun'; did you mean '--dry-run'?\n");
  EXPECT_EQ(refusal(place, {"sweep.yaml", "--set", "steps"}),
            "mvn-runner: --set takes KEY=VALUE, as in --set training.epochs=1, not 'steps'\n");
  EXPECT_EQ(refusal(place, {"sweep.yaml", "other.yaml"}),
            "mvn-runner: unexpected argument 'other.yaml'; see mvn-runner --help\n");
  EXPECT_EQ(refusal(place, {"training.epochs=1"}),
            "mvn-runner: which sweep? Give its file before 'training.epochs=1'; see mvn-runner "
            "--help\n");
}

TEST(Errors, AFailedPreparationLeavesNothing) {
  Workplace place;
  place.write(
      "sweep.yaml",
      sweep_text("", "0.1",
                 "prepare:\n  - {command: [sh, -c, 'echo no network; exit 3'], creates: d}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_EQ(run.err,
            "mvn-runner: 'sh -c 'echo no network; exit 3'' ended with exit code 3:\nno network\n");
  EXPECT_FALSE(place.has("results"));
}

TEST(Errors, ABadChangeLeavesTheResultsAsTheyWere) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  place.write("sweep.yaml", sweep_text("data: no.txt", "0.1"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 64);
  EXPECT_EQ(place.rows("SELECT state FROM trials"), std::vector<std::string>{"done"});
}

}  // namespace
}  // namespace mvn::test
