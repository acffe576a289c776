#include "orchestrate/sessions/export_peft.h"

#include <cmath>
#include <map>

#include "common/atomic_file.h"
#include "common/files.h"
#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/sessions/find_trial.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "adapter_config.json";

// Of the trial's folder with an adapter.
fs::path saved_adapter(const fs::path& results, const TrialRecord& record) {
  const auto model = trial_paths(results, record.sweep, record.trial.id).model();
  const auto name = "trial " + short_id(record.trial.id);
  if (record.state != TrialState::kDone) {
    throw ConfigError("", name + " is " + std::string(to_string(record.state)) +
                              ": only what a finished trial saved is exported");
  }
  if (!fs::exists(model)) {
    throw ConfigError("", name + " has no model: there is no " + path_text(model) +
                              " (training.save_model: false, or removed by mvn-runner gc); "
                              "'mvn-runner rerun " +
                              short_id(record.trial.id) + "' trains it again");
  }
  if (!fs::exists(model / kConfig)) {
    throw ConfigError("", name + " trained the whole model and has no adapter: " +
                              path_text(model) + " is the model, in Hugging Face's format");
  }
  return model;
}

// Regular files and folders alone: a link may lead anywhere.
void copy_files(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const auto place = to / entry.path().lexically_relative(from);
    if (entry.is_symlink()) {
      throw DataError(path_text(entry.path()) + ": is a symbolic link, which is not copied");
    }
    if (entry.is_directory()) {
      fs::create_directories(place);
    } else if (entry.is_regular_file()) {
      fs::copy_file(entry.path(), place);
    }
  }
}

// The last value of each metric of an evaluation.
std::string results_table(const ResultsReader& reader, const TrialRecord& record) {
  std::map<std::string, double> last;  // by step, the last one stays
  for (const auto& [key, value] : reader.metrics(record.sweep, record.trial.id)) {
    const auto& name = key.first;
    if (name.starts_with("eval/") || name.starts_with("test/") || name == record.metric) {
      last[name] = value;
    }
  }
  std::string text;
  for (const auto& [name, value] : last) {
    text.append("| `").append(printable(name)).append("` | ");
    text.append(std::isfinite(value) ? short_number(value) : "not a number").append(" |\n");
  }
  return text.empty() ? text : "| metric | value |\n|---|---|\n" + text;
}

// A base of random weights is part of the folder, and goes where that goes.
std::string base_after(const fs::path& model, const fs::path& folder, const std::string& base) {
  const auto inside = fs::path(base).lexically_relative(model);
  const bool carried =
      !base.empty() && !inside.empty() && *inside.begin() != ".." && fs::exists(model / inside);
  const bool moved = !carried && fs::path(base).filename() == "base" &&
                     fs::exists(model / "base") && !fs::exists(base);
  if (moved) return (fs::absolute(folder) / "base").lexically_normal().string();
  return carried ? (fs::absolute(folder) / inside).lexically_normal().string() : base;
}

// A text as YAML takes it.
std::string yaml(const std::string& text) {
  return Json(printable(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string model_card(const TrialRecord& record, const std::string& base,
                       const std::string& results_table) {
  const auto id = short_id(record.trial.id);
  std::string text = "---\nlibrary_name: peft\n";
  if (!base.empty()) text += "base_model: " + yaml(base) + "\n";
  text += "---\n# Adapter of trial " + id + "\n\n";
  text += "Trained by mvn-runner " MVN_VERSION " in the sweep `" + printable(record.sweep) + "`" +
          (record.trial.stage.empty() ? "" : ", stage `" + printable(record.trial.stage) + "`") +
          ", seed " + std::to_string(record.trial.seed) + ". PEFT opens it beside its base" +
          (base.empty() ? "" : ", `" + printable(base) + "`") + ".\n";
  if (!results_table.empty()) {
    text +=
        "\n## Results\n\nThe last value of each metric, of this trial alone.\n\n" + results_table;
  }
  const auto config =
      record.trial.config.json().dump(2, ' ', false, Json::error_handler_t::replace);
  return text + "\n## Configuration\n\nThe trial's identity is the hash of this.\n\n```json\n" +
         printable_lines(config) + "\n```\n";
}

void export_peft(const fs::path& results, const std::string& trial, const fs::path& folder) {
  const ResultsReader reader(database_path(results));
  const auto record = find_trial(reader, results, trial);
  const auto model = saved_adapter(results, record);
  if (fs::exists(fs::symlink_status(folder))) {
    throw ConfigError("", path_text(folder) + " exists already; choose another folder");
  }
  const fs::path whole = fs::absolute(folder).lexically_normal();
  const fs::path parent =
      whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
  const auto name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  write_folder(parent / name, Existing::kRefuse, [&](const fs::path& temporary) {
    copy_files(model, temporary);
    Json config = read_json(model / kConfig);
    const bool named =
        config.contains("base_model_name_or_path") && config["base_model_name_or_path"].is_string();
    const auto base = named ? base_after(fs::absolute(model).lexically_normal(), parent / name,
                                         config["base_model_name_or_path"].get<std::string>())
                            : "";
    if (named && config["base_model_name_or_path"] != base) {
      config["base_model_name_or_path"] = base;
      write_file_atomically(temporary / kConfig, config.dump(2) + "\n");
    }
    write_file_atomically(temporary / "README.md",
                          model_card(record, base, results_table(reader, record)));
  });
}

}  // namespace mvn
