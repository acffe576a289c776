#include "common/records.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mvn {
namespace {

std::vector<std::string> problems_of(const Record& record) {
  std::vector<std::string> problems;
  for (const auto& [level, message] : record.problems) {
    problems.push_back(level.value_or("") + "|" + message.value_or(""));
  }
  return problems;
}

using Problems = std::vector<std::string>;

TEST(Records, AreReadAsTheyWereWritten) {
  const std::vector<RecordContent> contents = {
      StartRecord{7, "alpha", 20},
      MetricRecord{10, {{"train/loss", 0.5}, {"eval/loss", -INFINITY}}},
      ProgressRecord{10, 200},
      ProgressRecord{10, {}},
      ParamRecord{{{"optimizer.lr", 0.0006}}},
      EnvironmentRecord{{{"cpu", "x"}, {"cores", 2}}},
      CostRecord{{{"seconds", 1.5}, {"tokens", 4096}}},
      ArtifactRecord{"model", "/m", 200, 12345},
      EndRecord{75, "interrupted"},
      EventRecord{"warning", "slow disk"}};
  for (const auto& content : contents) {
    Json json = to_json(content);
    json["time"] = 1234;
    const auto record = read_record(json);
    EXPECT_EQ(record.content.index(), content.index()) << json;
    EXPECT_EQ(to_json(record.content), to_json(content));
    EXPECT_EQ(record.time, 1234);
    EXPECT_EQ(problems_of(record), Problems());
  }
  EXPECT_EQ(to_json(contents[0]),
            Json::parse(R"({"type":"start","pid":7,"host":"alpha","resumed_step":20})"));
  EXPECT_EQ(to_json(contents[1]), Json::parse(R"({"type":"metric","step":10,
                                     "values":{"train/loss":0.5,"eval/loss":"-Infinity"}})"));
  EXPECT_EQ(to_json(contents[3]), Json::parse(R"({"type":"progress","step":10})"));
  EXPECT_EQ(to_json(contents[8]),
            Json::parse(R"({"type":"end","code":75,"message":"interrupted"})"));
}

TEST(Records, OfOtherProgramsAreRead) {
  const auto metric = read_record({{"type", "metric"},
                                   {"time", 8.9},
                                   {"step", 3.0},
                                   {"values", {{"a", nullptr}, {"b", true}}}});
  ASSERT_NE(metric.as<MetricRecord>(), nullptr);
  EXPECT_EQ(metric.time, 8);
  EXPECT_EQ(metric.as<MetricRecord>()->step, 3);
  EXPECT_TRUE(std::isnan(metric.as<MetricRecord>()->values.at("a")));
  EXPECT_EQ(metric.as<MetricRecord>()->values.at("b"), 1);
  EXPECT_EQ(read_record({{"type", "end"}, {"code", 1.0}}).as<EndRecord>()->code, 1);
  EXPECT_EQ(
      read_record({{"type", "end"}, {"code", 1}, {"message", {{"a", 1}}}}).as<EndRecord>()->message,
      R"({"a":1})");
  EXPECT_GT(read_record({{"type", "event"}, {"time", "now"}}).time, 0);
}

TEST(Records, OfWhatIsDamagedTheRestCounts) {
  const auto metric =
      read_record({{"type", "metric"}, {"step", 1}, {"values", {{"loss", "low"}, {"f1", 0.5}}}});
  EXPECT_EQ(metric.as<MetricRecord>()->values, (Numbers{{"f1", 0.5}}));
  EXPECT_EQ(problems_of(metric),
            Problems{"damaged|metric 'loss': expected a number, \"NaN\", \"Infinity\" or "
                     "\"-Infinity\", got \"low\""});
  const auto cost =
      read_record({{"type", "cost"}, {"values", {{"joules", "NaN"}, {"seconds", 2}}}});
  EXPECT_EQ(cost.as<CostRecord>()->values, (Numbers{{"seconds", 2}}));
  EXPECT_EQ(problems_of(cost),
            Problems{"damaged|cost 'joules': expected a finite number, got \"NaN\""});
  const auto start = read_record({{"type", "start"}, {"pid", "me"}, {"resumed_step", 15}});
  EXPECT_EQ(start.as<StartRecord>()->resumed_step, 15);
  EXPECT_EQ(start.as<StartRecord>()->pid, std::nullopt);
  EXPECT_EQ(problems_of(start),
            Problems{"damaged|start record: 'pid' is not a whole number: \"me\""});
}

TEST(Records, WithoutWhatTheyNeedAreNone) {
  const auto problem_of = [](const Json& json) {
    const auto record = read_record(json);
    EXPECT_EQ(record.content.index(), 0U) << json;
    EXPECT_EQ(record.problems.size(), 1U) << json;
    return problems_of(record).at(0);
  };
  EXPECT_EQ(problem_of({{"type", "end"}}),
            "damaged|end record: [json.exception.out_of_range.403] key 'code' not found");
  EXPECT_EQ(problem_of({{"type", "end"}, {"code", "0"}}),
            "damaged|end record: 'code' is not a whole number: \"0\"");
  EXPECT_EQ(problem_of({{"type", "end"}, {"code", 256}}),
            "damaged|end record: 'code' is no exit code: 256");
  EXPECT_EQ(problem_of({{"type", "param"}, {"values", 3}}),
            "damaged|param record: 'values' is not an object: 3");
  EXPECT_EQ(problem_of({{"type", "artifact"}, {"kind", "model"}, {"path", 7}}),
            "damaged|artifact record: [json.exception.type_error.302] type must be string, but is "
            "number");
  EXPECT_EQ(problem_of({{"type", "gradient"}, {"norm", 3}}),
            "unknown|record of unknown type 'gradient'");
}

TEST(Records, AWholeNumberIsNeverAnother) {
  EXPECT_EQ(whole_number(Json::parse("10.0")), 10);
  EXPECT_EQ(whole_number(Json::parse("9223372036854775807")),
            std::numeric_limits<std::int64_t>::max());
  for (const auto* text :
       {"18446744073709551615", "1.5", "1e300", "-1e18", "\"1\"", "null", "[1]"}) {
    EXPECT_EQ(whole_number(Json::parse(text)), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mvn
