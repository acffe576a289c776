#include "fixture.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "common/hashing.h"

namespace mvn {

void StoreTest::write_spool(const std::string& sweep, const std::string& id, int attempt,
                            const std::string& text) const {
  const auto path = spool(sweep, id, attempt);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

StoreTest::Rows StoreTest::rows(const std::string& sql) const {
  SQLite::Database db(database().string(), SQLite::OPEN_READONLY, 5000);
  SQLite::Statement query(db, sql);
  Rows result;
  while (query.executeStep()) {
    std::string line;
    for (int i = 0; i < query.getColumnCount(); ++i) {
      const auto column = query.getColumn(i);
      if (i > 0) line += '|';
      line += column.isNull() ? "NULL" : column.getString();
    }
    result.push_back(line);
  }
  return result;
}

std::string StoreTest::row(const std::string& sql) const {
  const auto all = rows(sql);
  return all.empty() ? "" : all.front();
}

void StoreTest::run_trial(Store& store, const std::string& sweep, const std::string& id,
                          const std::vector<std::string>& lines, const AttemptEnd& end) const {
  const int attempt = store.start_attempt(sweep, id, "worker 1", "cpu");
  for (const auto& line : lines) write_spool(sweep, id, attempt, line + "\n");
  store.ingest(sweep, id, attempt, spool(sweep, id, attempt));
  store.end_attempt(sweep, id, attempt, end);
}

std::string id_of(const std::string& start) { return start + std::string(64 - start.size(), '0'); }

PlannedTrial planned(const std::string& start, const Json& parameters, std::int64_t seed,
                     const std::string& stage) {
  PlannedTrial trial;
  trial.id = id_of(start);
  trial.group = sha256(stage + parameters.dump());
  trial.stage = stage;
  Json config = {{"seed", seed}};
  for (const auto& [key, value] : parameters.items()) {
    config[Json::json_pointer("/" + key.substr(0, key.find('.')) + "/" +
                              key.substr(key.find('.') + 1))] = value;
  }
  trial.config = config;
  trial.parameters = parameters;
  trial.seed = seed;
  return trial;
}

SweepPlan plan_of(const std::string& name, std::vector<PlannedTrial> trials) {
  SweepPlan plan;
  plan.name = name;
  plan.file = "/sweeps/" + name + ".yaml";
  plan.text = "name: " + name + "\n";
  plan.resolved = {{"name", name}};
  for (const auto& trial : trials) plan.metrics[trial.stage] = {"eval/accuracy", true};
  plan.trials = std::move(trials);
  return plan;
}

std::string metric_line(std::int64_t step, const std::string& name, const std::string& value) {
  return R"({"type":"metric","time":1000,"step":)" + std::to_string(step) + R"(,"values":{")" +
         name + "\":" + value + "}}";
}

}  // namespace mvn
