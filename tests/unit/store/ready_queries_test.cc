#include "orchestrate/store/ready_queries.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <set>
#include <sstream>

#include "common/files.h"
#include "fixture.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/schema.h"
#include "orchestrate/store/schema_text.h"

namespace mvn {
namespace {

class ReadyQueriesTest : public StoreTest {
 protected:
  // Two models, two seeds each, one of which failed first; a warning; two versions of a plugin.
  void make_results() {
    Store store(database());
    std::vector<PlannedTrial> trials;
    for (const std::string model : {"mamba", "gptneo"}) {
      for (const int seed : {0, 1}) {
        trials.push_back(planned((model == "mamba" ? "a" : "b") + std::to_string(seed),
                                 {{"model.plugin", model}}, seed));
      }
    }
    store.record_plan(plan_of("s", trials));
    run_trial(store, "s", id_of("b1"), {},
              {TrialState::kFailed, 1, std::nullopt, "no luck", "first\nits last words\n"});
    for (const auto& [id, value] : std::map<std::string, std::string>{
             {"a0", "0.75"}, {"a1", "0.875"}, {"b0", "0.5"}, {"b1", "0.625"}}) {
      const std::string version = id == "a0" ? "1" : "2";
      run_trial(
          store, "s", id_of(id),
          {R"({"type":"environment","time":1,"values":{"torch":")" + version + "\"}}",
           R"({"type":"event","time":1,"level":"warning","message":"slow"})",
           R"({"type":"cost","time":1,"values":{"seconds":2,"tokens":100}})",
           R"({"type":"artifact","time":1,"kind":"model","path":"/m","step":2,"bytes":3000000})",
           metric_line(1, "eval/accuracy", "0.9"), metric_line(2, "eval/accuracy", value)});
    }
  }

  [[nodiscard]] std::string ask(const std::string& name,
                                const std::map<std::string, std::string>& parameters = {}) const {
    std::ostringstream out;
    run_query(database(), sql_of(database(), name), {RowFormat::kCsv, {}, parameters}, out);
    return out.str();
  }
};

TEST_F(ReadyQueriesTest, EachRunsAndSaysWhatItAnswers) {
  make_results();
  std::set<std::string> names;
  for (const auto& query : ready_queries()) {
    const std::string name(query.name);
    EXPECT_TRUE(names.insert(name).second) << name;
    const auto question = question_of(query);
    EXPECT_TRUE(question.ends_with("?")) << name << ": " << question;
    std::map<std::string, std::string> parameters;
    for (const auto& parameter : parameters_of(query)) {
      EXPECT_FALSE(parameter.help.empty()) << name << ":" << parameter.name;
      if (parameter.name == "sweep") parameters["sweep"] = "s";
    }
    EXPECT_TRUE(parameters.contains("sweep")) << name;
    // Of all sweeps, of this one, and of one that is not there.
    const auto all = ask(name);
    EXPECT_GT(std::ranges::count(all, '\n'), 1) << name << ":\n" << all;
    EXPECT_EQ(ask(name, parameters), all) << name;
    EXPECT_EQ(std::ranges::count(ask(name, {{"sweep", "none"}}), '\n'), 1) << name;
  }
  EXPECT_GE(names.size(), 10U);
}

TEST_F(ReadyQueriesTest, TheFilesAreThoseOfTheFolder) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(MVN_SOURCE_FOLDER) + "/results/queries")) {
    const auto* query = find_ready_query(entry.path().stem().string());
    ASSERT_NE(query, nullptr) << entry;
    EXPECT_EQ(query->sql, read_file(entry.path()));
    ++files;
  }
  EXPECT_EQ(files, ready_queries().size());
}

TEST_F(ReadyQueriesTest, SayWhatHappened) {
  make_results();
  EXPECT_TRUE(ask("best-per-stage")
                  .starts_with("sweep,stage,params,n,mean,low,high,metric,goal,missing\n"
                               "s,\"\",model=mamba,2,0.8125,"))
      << ask("best-per-stage");
  EXPECT_EQ(ask("seed-by-seed"),
            "sweep,stage,others,seed,a,b,difference,trial_a,trial_b\n"
            "s,\"\",{},0,0.75,0.5,0.25,a00000000000,b00000000000\n"
            "s,\"\",{},1,0.875,0.625,0.25,a10000000000,b10000000000\n");
  EXPECT_NE(ask("seed-by-seed", {{"a", "gptneo"}, {"b", "mamba"}, {"by", "model.plugin"}})
                .find("s,\"\",{},0,0.5,0.75,-0.25,b0000"),
            std::string::npos);
  EXPECT_TRUE(ask("what-failed")
                  .starts_with("sweep,stage,state,message,said,attempts,trials,exit_code,signal,"
                               "latest,log\ns,\"\",failed,no luck,its last words,1,1,1,,"))
      << ask("what-failed");
  EXPECT_TRUE(ask("warnings")
                  .starts_with("level,message,times,trials,first,latest,trial,sweep\n"
                               "warning,slow,4,4,"))
      << ask("warnings");
  EXPECT_NE(ask("what-changed").find("s,torch,1,1,"), std::string::npos) << ask("what-changed");
  EXPECT_NE(ask("what-changed").find("s,torch,2,3,"), std::string::npos);
  EXPECT_NE(
      ask("by-parameter").find("s,\"\",model.plugin,mamba,2,0.8125,0.75,0.875,eval/accuracy\n"),
      std::string::npos)
      << ask("by-parameter");
  EXPECT_NE(ask("disk-use").find("s,\"\",model,4,12,3\n"), std::string::npos) << ask("disk-use");
  EXPECT_TRUE(ask("past-their-best", {{"top", "1"}}).find("s,\"\",model=gptneo,0,0.9,1,0.5,0.4,") !=
              std::string::npos)
      << ask("past-their-best");
  EXPECT_EQ(ask("learning-curves", {{"metric", "none"}}),
            "sweep,stage,params,metric,step,mean,min,max,seeds\n");
  EXPECT_NE(ask("learning-curves").find("s,\"\",model=mamba,eval/accuracy,2,0.8125,0.75,0.875,2\n"),
            std::string::npos);
}

// What differs besides must be the same on both sides, but for what goes with a plugin.
TEST_F(ReadyQueriesTest, PairsShareAllElse) {
  Store store(database());
  std::vector<PlannedTrial> trials;
  int number = 0;
  for (const std::string model : {"mamba", "gptneo"}) {
    for (const double rate : {0.1, 0.2}) {
      trials.push_back(planned("a" + std::to_string(number++),
                               {{"model.plugin", model},
                                {"model.weights", model + "-130m"},
                                {"args.rate", rate},
                                {"args.rank", rate * 10}},
                               0));
    }
  }
  store.record_plan(plan_of("s", trials));
  for (int i = 0; i < number; ++i) {
    run_trial(store, "s", id_of("a" + std::to_string(i)),
              {metric_line(1, "eval/accuracy", std::to_string(i) + ".0")});
  }
  EXPECT_EQ(ask("seed-by-seed"),
            "sweep,stage,others,seed,a,b,difference,trial_a,trial_b\n"
            "s,\"\",\"{\"\"args.rank\"\":1.0,\"\"args.rate\"\":0.1}\",0,0,2,-2,a00000000000,"
            "a20000000000\n"
            "s,\"\",\"{\"\"args.rank\"\":2.0,\"\"args.rate\"\":0.2}\",0,1,3,-2,a10000000000,"
            "a30000000000\n");
  EXPECT_EQ(ask("seed-by-seed", {{"by", "args.rate"}, {"a", "0.1"}, {"b", "0.2"}}),
            "sweep,stage,others,seed,a,b,difference,trial_a,trial_b\n");
}

TEST_F(ReadyQueriesTest, AViewIsAskedByItsName) {
  make_results();
  EXPECT_EQ(ask("sweeps").substr(0, 12), "sweep,trials");
  EXPECT_EQ(error_of([&] { (void)ask("bestperstage"); }),
            "no ready query or view is called 'bestperstage'; did you mean 'best-per-stage'?; "
            "'mvn-runner query' alone lists them");
}

TEST_F(ReadyQueriesTest, ParametersAreBoundAndUnknownOnesRefused) {
  make_results();
  const auto ask_sql = [&](const std::string& sql, const std::map<std::string, std::string>& with) {
    std::ostringstream out;
    run_query(database(), sql, {RowFormat::kCsv, {}, with}, out);
    return out.str();
  };
  EXPECT_EQ(ask_sql("SELECT typeof(:a) AS a, :a AS b", {{"a", "7"}}), "a,b\ninteger,7\n");
  EXPECT_EQ(ask_sql("SELECT typeof(:a) AS a, :a AS b", {{"a", "1e-3"}}), "a,b\nreal,0.001\n");
  EXPECT_EQ(ask_sql("SELECT typeof(:a) AS a, :a AS b", {{"a", "'; DROP"}}), "a,b\ntext,'; DROP\n");
  EXPECT_EQ(ask_sql("SELECT typeof(:a) AS a", {}), "a\nnull\n");
  EXPECT_EQ(error_of([&] {
              (void)ask_sql("SELECT :a", {{"b", "1"}});
            }),
            "the query has no parameter ':b'; did you mean 'a'? (known: a)");
  EXPECT_EQ(error_of([&] { (void)ask_sql("SELECT ?", {}); }),
            "a parameter needs a name, as in :sweep, to be given with --param");
}

// What a database consists of, in SQLite's words.
std::vector<std::string> structure(SQLite::Database& db) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& sql) {
    SQLite::Statement query(db, sql);
    while (query.executeStep()) {
      std::string line;
      for (int i = 0; i < query.getColumnCount(); ++i) line += query.getColumn(i).getString() + "|";
      lines.push_back(line);
    }
  };
  add("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY type, name");
  add("SELECT s.name, c.* FROM sqlite_schema s, pragma_table_xinfo(s.name) c"
      " WHERE s.type = 'table' ORDER BY s.name, c.cid");
  add("SELECT s.name, f.* FROM sqlite_schema s, pragma_foreign_key_list(s.name) f"
      " WHERE s.type = 'table' ORDER BY s.name, f.id, f.seq");
  add("SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
      " AND name NOT GLOB 'sqlite*' ORDER BY name");
  add("SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'index') ORDER BY name");
  add("SELECT * FROM mvn_t_quantile ORDER BY df");
  add("PRAGMA application_id");
  add("PRAGMA user_version");
  return lines;
}

TEST(Schema, TheFileIsThatOfAFreshDatabase) {
  const auto text = read_file(std::string(MVN_SOURCE_FOLDER) + "/results/schema.sql");
  EXPECT_EQ(text, schema_text()) << "run: mvn-runner db schema --output results/schema.sql";
  SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  migrate(fresh);
  SQLite::Database made(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  made.exec(text);
  EXPECT_EQ(structure(made), structure(fresh));
  migrate(made);  // takes it for its own, of today
  EXPECT_EQ(structure(made), structure(fresh));
}

}  // namespace
}  // namespace mvn
