// The reader and the schema of the sweep file's keys come from one table: they take the same.
#include "orchestrate/sweep/keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "description.h"
#include "orchestrate/sweep/json_schema.h"
#include "orchestrate/sweep/key_reader.h"
#include "orchestrate/sweep/yaml_reader.h"

namespace mvn {
namespace {

bool is_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return value.is_number() && std::trunc(value.get<double>()) == value.get<double>();
}

bool takes(const Json& schema, const Json& value);

bool takes_number(const Json& schema, double number) {
  return number >= schema.value("minimum", -INFINITY) &&
         number <= schema.value("maximum", INFINITY) &&
         number > schema.value("exclusiveMinimum", -INFINITY);
}

bool takes_text(const Json& schema, const std::string& text) {
  return text.size() >= schema.value("minLength", 0U) &&
         std::regex_search(text, std::regex(schema.value("pattern", std::string())));
}

// So much of JSON Schema as keys use.
bool takes(const Json& schema, const Json& value) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (schema.contains("$ref")) return value.is_object();
  const auto among = [](const Json& list, const auto& fits) {
    return std::any_of(list.begin(), list.end(), fits);
  };
  if (schema.contains("anyOf") &&
      !among(schema["anyOf"], [&](const Json& each) { return takes(each, value); })) {
    return false;
  }
  if (schema.contains("enum") &&
      !among(schema["enum"], [&](const Json& e) { return e == value; })) {
    return false;
  }
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (!among(types, [&](const Json& type) { return is_type(value, type); })) return false;
  }
  if (value.is_number()) return takes_number(schema, value);
  if (value.is_string()) return takes_text(schema, value);
  if (!value.is_array()) return true;
  return value.size() >= schema.value("minItems", 0U) &&
         std::all_of(value.begin(), value.end(), [&](const Json& each) {
           return takes(schema.value("items", Json(true)), each);
         });
}

const std::vector<std::string> kSamples = {
    "0",      "1",      "2",    "3",        "-1",         "0.5",    "1.5",      "-0.5",
    "1e3",    "1001",   "2024", "1000001",  "1000000001", "x",      "\"\"",     "a b",
    ".a",     "-a",     "auto", "never",    "cpu",        "cuda",   "cuda:1",   "gpu",
    "90s",    "90 m",   "1.5d", "1e3s",     "90x",        "s",      "0s",       "12GiB",
    "800 MB", "1kB",    "12GX", "0.5TiB",   "GiB",        "true",   "false",    "[]",
    "[1]",    "[1, 2]", "[-1]", "[0.5, 1]", "[x]",        "[a, b]", "[[1]]",    "[{a: 1}]",
    "{}",     "{a: 1}", "asha", "median",   "grid",       "bayes",  "maximize", "normal",
    "q_beta"};

TEST(Keys, TheReaderTakesWhatTheSchemaTakes) {
  const auto source = std::make_shared<const Source>(Source{"sweep.yaml", "/"});
  std::size_t compared = 0;
  for (const std::string& group : key_groups()) {
    for (const KeySpec& key : key_group(group).keys) {
      if (key.form == KeyForm::kElsewhere) continue;
      const Json schema = key_schema(key);
      std::size_t taken = 0;
      for (const std::string& sample : kSamples) {
        ProblemList problems;
        const Node node = read_yaml(sample, source, problems);
        const bool read = read_key(key.name(), key, node, problems).has_value();
        EXPECT_EQ(read, problems.empty()) << group << "." << key.name() << ": " << sample;
        EXPECT_EQ(read, takes(schema, to_core_json(node)))
            << group << "." << key.name() << ": " << sample << "\n"
            << schema.dump();
        taken += read ? 1 : 0;
        ++compared;
      }
      EXPECT_GT(taken, 0U) << group << "." << key.name();
      EXPECT_LT(taken, kSamples.size()) << group << "." << key.name();
    }
  }
  EXPECT_GT(compared, 40 * kSamples.size());
}

TEST(Keys, TheSchemaHasEachGroupWithItsKeys) {
  const Json schema = sweep_schema(sweep_test::installed());
  for (const std::string& group : key_groups()) {
    const bool root = group == "sweep" || group == "stage";
    const Json& own = root ? schema : schema.at("definitions").at(group);
    EXPECT_EQ(own.at("additionalProperties"), false) << group;
    for (const KeySpec& key : key_group(group).keys) {
      EXPECT_TRUE(own.at("properties").contains(key.name())) << group << "." << key.name();
      EXPECT_EQ(own.at("properties").at(key.name()).at("description"), key.param.help);
    }
  }
}

TEST(Keys, WhatExcludesEachOtherDoesSoInTheSchema) {
  const Json definitions = sweep_schema(sweep_test::installed()).at("definitions");
  const auto excluded = [&](const std::string& name) {
    std::vector<std::string> pairs;
    for (const Json& each : definitions.at(name).value("allOf", Json::array())) {
      const Json& pair = each.at("not").at("required");
      pairs.push_back(pair[0].get<std::string>() + " " + pair[1].get<std::string>());
    }
    return pairs;
  };
  EXPECT_EQ(excluded("schedule"),
            (std::vector<std::string>{"warmup_ratio warmup_steps", "min_lr_ratio min_lr"}));
  EXPECT_EQ(excluded("early_terminate"),
            (std::vector<std::string>{"max_iter min_iter", "s min_iter"}));
  EXPECT_EQ(excluded("training"), std::vector<std::string>());
}

}  // namespace
}  // namespace mvn
