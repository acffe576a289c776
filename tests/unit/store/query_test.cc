#include "orchestrate/store/query.h"

#include <sstream>

#include "common/files.h"
#include "fixture.h"

namespace mvn {
namespace {

const std::string kViews =
    " (views: artifacts, best, comparisons, costs, curves, environments, events, failures, finals,"
    " group_metrics, group_stats, importance, metrics, params, predictions, runs_s, stops, sweeps, "
    "trials)";

class QueryTest : public StoreTest {
 protected:
  QueryTest() : store_(database()) {
    store_.record_plan(plan_of("s", {planned("a1", {{"optimizer.lr", 0.1}}, 0),
                                     planned("b1", {{"optimizer.lr", 0.2}}, 0)}));
    run_trial(store_, "s", id_of("a1"), {metric_line(1, "eval/accuracy", "0.5")});
  }

  [[nodiscard]] std::string query(const std::string& sql,
                                  RowFormat format = RowFormat::kCsv) const {
    std::ostringstream out;
    run_query(database(), sql, {format, {}}, out);
    return out.str();
  }
  [[nodiscard]] std::string error(const std::string& sql) const {
    return error_of([&] { (void)query(sql); });
  }

  Store store_;
};

TEST_F(QueryTest, AnswersInTheAskedFormatWhileTheWriterIsOpen) {
  const std::string sql = "SELECT params, state, objective FROM trials ORDER BY trial;";
  EXPECT_EQ(query(sql), "params,state,objective\nlr=0.1,done,0.5\nlr=0.2,planned,\n");
  EXPECT_EQ(query(sql, RowFormat::kJson),
            "[\n{\"params\":\"lr=0.1\",\"state\":\"done\",\"objective\":0.5},\n"
            "{\"params\":\"lr=0.2\",\"state\":\"planned\",\"objective\":null}\n]\n");
  EXPECT_EQ(query(sql, RowFormat::kTable),
            "params  state    objective\n"
            "------  -------  ---------\n"
            "lr=0.1  done           0.5\n"
            "lr=0.2  planned          -\n");
}

TEST_F(QueryTest, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_EQ(error("SELECT * FROM trails"),
            "no view or table is called 'trails'; did you mean 'trials'?" + kViews);
  EXPECT_EQ(error("SELECT t.objectve FROM trials t"),
            "no column is called 'objectve'; did you mean 'objective'?" + kViews);
  EXPECT_EQ(error("SELECT quaternion FROM trials"), "no column is called 'quaternion'" + kViews);
  EXPECT_EQ(error("SELEC 1"), "the SQL is wrong: near \"SELEC\": syntax error at character 1");
}

TEST_F(QueryTest, ASweepsViewHasAColumnForEachParameter) {
  EXPECT_EQ(query(R"(SELECT trial, "optimizer.lr", objective FROM runs_s ORDER BY "optimizer.lr")"),
            "trial,optimizer.lr,objective\na10000000000,0.1,0.5\nb10000000000,0.2,\n");
  const std::string hint = "; the view runs_s has it as \"optimizer.lr\", in these quotes";
  EXPECT_EQ(error("SELECT lr FROM trials"), "no column is called 'lr' here" + hint);
  EXPECT_EQ(error("SELECT optimizer.lr FROM runs_s"),
            "no column is called 'optimizer.lr' here" + hint);
  EXPECT_EQ(error("SELECT * FROM trials WHERE state = \"done\""),
            "no column is called 'done'; a text is written in single quotes: 'done'");
  EXPECT_EQ(error(R"(SELECT avg("optimizer.rl") FROM runs_s)"),
            "no column is called 'optimizer.rl'; did you mean 'optimizer.lr'?" + kViews);
}

TEST_F(QueryTest, ASweepsViewFollowsItsParameters) {
  store_.record_plan(plan_of("s", {planned("a1", {{"optimizer.lr", 0.1}}, 0),
                                   planned("c1", {{"adapter.r", 4}, {"args.it's", "x"}}, 0)}));
  EXPECT_EQ(query(R"(SELECT trial, "adapter.r", "args.it's", "optimizer.lr", current FROM runs_s
                     ORDER BY trial)"),
            "trial,adapter.r,args.it's,optimizer.lr,current\na10000000000,,,0.1,1\n"
            "b10000000000,,,0.2,0\nc10000000000,4,x,,1\n");
  // Signs that SQL would want in quotes become '_', unless another sweep has that name.
  store_.record_plan(plan_of("a-b", {}));
  store_.record_plan(plan_of("a_b", {}));
  store_.record_plan(plan_of("c.d", {}));
  EXPECT_EQ(rows("SELECT name FROM sqlite_schema WHERE name GLOB 'runs_*' ORDER BY name"),
            (Rows{"runs_a-b", "runs_a_b", "runs_c_d", "runs_s"}));
}

TEST_F(QueryTest, NothingThatWritesIsRun) {
  for (const auto* sql : {"DELETE FROM mvn_trial", "DROP VIEW trials", "CREATE TABLE x (y)",
                          "UPDATE mvn_trial SET seed = 1"}) {
    EXPECT_EQ(error(sql), "a query only reads: this statement would change the database") << sql;
  }
  EXPECT_EQ(error("ATTACH '" + (results_ / "x.db").string() + "' AS x"),
            "a query reads results.db alone: it cannot attach other files");
  EXPECT_NE(error("VACUUM INTO '" + (results_ / "y.db").string() + "'"), "(no error)");
  EXPECT_FALSE(std::filesystem::exists(results_ / "x.db"));
  EXPECT_FALSE(std::filesystem::exists(results_ / "y.db"));
  EXPECT_EQ(query("SELECT count(*) AS n FROM trials"), "n\n2\n");
}

TEST_F(QueryTest, OnlyPragmasThatAskAreRun) {
  EXPECT_EQ(query("PRAGMA user_version").substr(0, 13), "user_version\n");
  EXPECT_EQ(query("SELECT name FROM pragma_table_info('mvn_metric_name')"), "name\nid\nname\n");
  for (const std::string name : {"journal_mode", "cache_size", "temp_store_directory",
                                 "writable_schema", "mmap_size", "wal_checkpoint"}) {
    const auto message = "a query only reads: PRAGMA " + name +
                         " is none of those that only ask (table_info, user_version, ...)";
    EXPECT_EQ(error("PRAGMA " + name), message);
    EXPECT_EQ(error("PRAGMA " + name + " = 1"), message);
  }
  EXPECT_EQ(error("PRAGMA user_version = 9"),
            "a query only reads: PRAGMA user_version is none of those that only ask (table_info, "
            "user_version, ...)");
}

TEST_F(QueryTest, NothingBesideTheDatabaseIsReached) {
  EXPECT_EQ(error("SELECT load_extension('x')"),
            "a query reads results.db alone: it cannot load extensions");
  for (const auto* sql :
       {"BEGIN", "SAVEPOINT x", "REINDEX", "ANALYZE", "EXPLAIN DELETE FROM trials"}) {
    EXPECT_NE(error(sql), "(no error)") << sql;
  }
}

TEST_F(QueryTest, TablesThatAFunctionMakesAreRead) {
  EXPECT_EQ(query("SELECT value FROM json_each('[1, 2]')"), "value\n1\n2\n");
  EXPECT_EQ(error("UPDATE sqlite_master SET sql = ''"),
            "the SQL is wrong: table sqlite_master may not be modified");
}

TEST_F(QueryTest, OneStatementAtATime) {
  EXPECT_EQ(error("SELECT 1; SELECT 2"), "one statement at a time: this is more than one");
  EXPECT_EQ(error("SELECT 1; nonsense"), "one statement at a time: this is more than one");
  EXPECT_EQ(error(" ; "), "there is no SQL to run");
  EXPECT_EQ(error("-- nothing"), "there is no SQL to run");
  EXPECT_EQ(query("SELECT 1 AS x; -- done"), "x\n1\n");
}

TEST_F(QueryTest, AnErrorWhileItRunsIsReported) {
  EXPECT_EQ(error("SELECT json_extract('[', '$')"), database().string() + ": malformed JSON");
}

TEST_F(QueryTest, AMissingDatabaseIsNamed) {
  const auto missing = results_ / "none" / "results.db";
  EXPECT_EQ(error_of([&] {
              std::ostringstream out;
              run_query(missing, "SELECT 1", {}, out);
            }),
            missing.string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), "
                "or name its folder with --results");
  EXPECT_FALSE(std::filesystem::exists(missing.parent_path()));
}

TEST_F(QueryTest, StopsWhenItsReaderIsGone) {
  class Closed : public std::streambuf {};  // takes nothing
  Closed closed;
  std::ostream out(&closed);
  run_query(database(),
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            {RowFormat::kCsv, {}}, out);
  EXPECT_TRUE(out.bad());
}

TEST_F(QueryTest, ListsTheViewsAndTheirColumns) {
  std::ostringstream out;
  list_questions(database(), RowFormat::kTable, out);
  EXPECT_NE(out.str().find("\nmetrics                 trial, name, step, value, special, sweep, "),
            std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("\nwhat-failed             What failed, how often, and why?\n"
                           "                        :sweep  of this sweep alone\n"),
            std::string::npos)
      << out.str();
  std::ostringstream json;
  list_questions(database(), RowFormat::kJson, json);
  EXPECT_EQ(Json::parse(json.str())["queries"][0]["name"], "best-per-stage");
}

TEST_F(QueryTest, TheDocumentedQueriesRun) {
  const std::string text = read_file(std::string(MVN_SOURCE_FOLDER) + "/docs/results.md");
  int count = 0;
  for (std::size_t at = text.find("\n```sql\n"); at != std::string::npos;
       at = text.find("\n```sql\n", at)) {
    at += 8;
    const std::size_t end = text.find("\n```", at);
    for (std::size_t stop = text.find(';', at); stop < end; stop = text.find(';', at)) {
      const std::string sql = text.substr(at, stop - at);
      EXPECT_EQ(error(sql), "(no error)") << sql;
      at = stop + 1;
      ++count;
    }
  }
  EXPECT_GE(count, 5);
}

TEST_F(QueryTest, ReadsAFolderThatNobodyWritesTo) {
  const auto copy = results_ / "copy" / "results.db";
  std::filesystem::create_directories(copy.parent_path());
  { Store(results_ / "other" / "results.db").record_plan(plan_of("o", {})); }
  std::filesystem::copy_file(results_ / "other" / "results.db", copy);
  std::filesystem::permissions(copy.parent_path(), std::filesystem::perms(0555));
  std::ostringstream out;
  run_query(copy, "SELECT sweep FROM sweeps", {RowFormat::kCsv, {}}, out);
  EXPECT_EQ(out.str(), "sweep\no\n");
  std::filesystem::permissions(copy.parent_path(), std::filesystem::perms(0755));
}

}  // namespace
}  // namespace mvn
