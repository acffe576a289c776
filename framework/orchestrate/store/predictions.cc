#include "orchestrate/store/predictions.h"

#include <optional>
#include <sstream>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "common/trial.h"

namespace mvn {
namespace {

constexpr std::size_t kShown = 200;  // characters of a line that is none

struct KeptPrediction {
  std::int64_t example = 0;
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  std::optional<double> confidence;
};

std::optional<KeptPrediction> prediction_of(const std::string& line) {
  const auto json = try_parse_json(line);
  const auto is_whole = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_number_integer();
  };
  if (!is_whole("example") || !is_whole("label") || !is_whole("predicted")) return {};
  KeptPrediction prediction = {json["example"].get<std::int64_t>(),
                               json["label"].get<std::int64_t>(),
                               json["predicted"].get<std::int64_t>(),
                               {}};
  const auto confidence = json.find("confidence");
  if (confidence != json.end() && confidence->is_number()) {
    prediction.confidence = confidence->get<double>();
  }
  return prediction;
}

}  // namespace

std::string store_predictions(Database& db, std::int64_t trial, const std::string& kind,
                              const std::filesystem::path& folder) {
  const bool test = kind == "test-predictions";
  if (!test && kind != "predictions") return "";
  const TrialPaths paths{folder};
  const auto file = test ? paths.test_predictions() : paths.predictions();
  // A link may lead anywhere.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(file, ignored))) return "";
  std::vector<KeptPrediction> predictions;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const auto prediction = prediction_of(line);
    if (!prediction) {
      return file.filename().string() + ":" + std::to_string(predictions.size() + 1) +
             ": no prediction, as {\"example\": 0, \"label\": 1, \"predicted\": 1}: " +
             line.substr(0, kShown);
    }
    predictions.push_back(*prediction);
  }
  const std::string split = test ? "test" : "validation";
  db.run("DELETE FROM mvn_prediction WHERE trial = ? AND split = ?", trial, split);
  for (const auto& each : predictions) {
    db.run(
        "INSERT INTO mvn_prediction (trial, split, example, label, predicted, confidence)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET label = excluded.label,"
        " predicted = excluded.predicted, confidence = excluded.confidence",
        trial, split, each.example, each.label, each.predicted, each.confidence);
  }
  return "";
}

}  // namespace mvn
