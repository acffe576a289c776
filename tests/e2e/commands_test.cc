// The commands besides running a sweep.
#include <gtest/gtest.h>

#include "common/json.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Commands, HelpAndVersion) {
  Workplace place;
  const auto help = place.run({"--help"});
  EXPECT_EQ(help.end.exit_code, 0);
  EXPECT_TRUE(contains(help.out, "mvn-runner experiments/quickstart.yaml")) << help.out;
  EXPECT_EQ(place.run({}).out, help.out);
  EXPECT_EQ(place.run({"--version"}).out, "mvn-runner 0.1.0\n");
  EXPECT_TRUE(contains(place.run({"query", "--help"}).out, "--format")) << help.out;
}

TEST(Commands, PluginsWithTheirParameters) {
  Workplace place;
  const auto all = place.run({"plugins"});
  EXPECT_EQ(all.end.exit_code, 0) << all.err;
  EXPECT_TRUE(contains(all.out, "model toy: ")) << all.out;
  EXPECT_TRUE(contains(all.out, "section training: of every trial\n")) << all.out;
  EXPECT_TRUE(contains(all.out, "mvn-runner 0.1.0, LibTorch 2.11.0, devices cpu\n")) << all.out;
  const auto one = place.run({"plugins", "toy"});
  EXPECT_EQ(one.out,
            "model toy: \n"
            "  plugin fake 1.0, /nowhere/fake.so\n"
            "    weights    weights\n"
            "    config     object\n"
            "    tokenizer  path\n"
            "    size       int, default 1\n");
  const auto none = place.run({"plugins", "tiy"});
  EXPECT_EQ(none.end.exit_code, 64);
  EXPECT_EQ(none.err,
            "mvn-runner: no plugin offers 'tiy'; did you mean 'toy'? (known: toy, none, play, "
            "optimizer, schedule, training)\n");
  EXPECT_EQ(Json::parse(place.run({"plugins", "--json"}).out)["torch"], "2.11.0");
}

TEST(Commands, QueryInEveryFormat) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string sql = "SELECT sweep, state, objective FROM trials";
  EXPECT_EQ(place.run({"query", sql, "--format", "csv"}).out,
            "sweep,state,objective\ndemo,done,0.5\n");
  EXPECT_EQ(Json::parse(place.run({"query", sql, "--format", "json"}).out)[0]["state"], "done");
  EXPECT_TRUE(contains(place.run({"query", sql}).out, "demo"));
  EXPECT_TRUE(contains(place.run({"query"}).out, "group_stats"));
  EXPECT_EQ(place.run({"query", "DELETE FROM mvn_trial"}).end.exit_code, 64);
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials"), std::vector<std::string>{"1"});
}

TEST(Commands, AskingWhereThereIsNothing) {
  Workplace place;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"query", "SELECT 1"}, {"status"}, {"collect", "--rebuild"}}) {
    const auto run = place.run(arguments);
    EXPECT_NE(run.end.exit_code, 0);
    EXPECT_TRUE(contains(run.err, "results")) << run.err;
    EXPECT_FALSE(place.has("results"));
  }
}

TEST(Commands, TheDatabaseCanBeMadeAnew) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string everything =
      "SELECT t.state, t.objective, m.name, m.step, m.value FROM trials t JOIN metrics m USING "
      "(trial) "
      "ORDER BY trial, m.name, m.step";
  const auto before = place.rows(everything);
  std::filesystem::remove(place / "results/results.db");
  const auto rebuilt = place.run({"collect", "--rebuild"});
  EXPECT_EQ(rebuilt.end.exit_code, 0) << rebuilt.err;
  EXPECT_TRUE(
      rebuilt.out.starts_with("made results/results.db anew: 1 sweeps, 2 trials, 2 attempts, "))
      << rebuilt.out;
  EXPECT_EQ(place.rows(everything), before);
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 2 trials done\n"));
}

TEST(Commands, StatusWhileARunnerWorks) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("hold_at: 2, holding: holding, proceed: proceed", "0.1"));
  auto run = place.start({"sweep.yaml"});
  const auto held = holding.line();
  const auto status = place.run({"status"});
  EXPECT_EQ(status.end.exit_code, 0) << status.err;
  EXPECT_TRUE(contains(status.out, "runner: process " + std::to_string(run.pid()) + " on "))
      << status.out;
  EXPECT_TRUE(contains(status.out, held.substr(0, 12))) << status.out;
  proceed.release(1);
  run.finish();
  EXPECT_TRUE(contains(place.run({"status"}).out, "no runner is at work here\n"));
}

TEST(Commands, ANewPluginIsWritten) {
  Workplace place;
  const auto run = place.run({"new-plugin", "biases"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(place.has("biases/CMakeLists.txt"));
  EXPECT_TRUE(place.has("biases/biases.cc"));
  EXPECT_TRUE(place.has("biases/README.md"));
  EXPECT_EQ(place.run({"new-plugin", "biases"}).err, "mvn-runner: " + (place / "biases").string() +
                                                         " exists already; choose another name\n");
  EXPECT_EQ(place.run({"new-plugin", "../x"}).err,
            "mvn-runner: '../x' is no name for a plugin: lower-case letters, digits and '_', a "
            "letter first\n");
}

}  // namespace
}  // namespace mvn::test
