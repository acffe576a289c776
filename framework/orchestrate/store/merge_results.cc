#include "orchestrate/store/merge_results.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "common/files.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/artifacts.h"
#include "orchestrate/store/chores.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/maintenance.h"
#include "orchestrate/store/manifest.h"
#include "orchestrate/store/merge_rows.h"
#include "orchestrate/store/schema.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStaging = ".merge";  // in a sweep's folder; no trial is called so

// The two forms of what is merged.
struct Other {
  fs::path database;
  fs::path results;  // empty: the database alone
};

Other other_of(const fs::path& given) {
  const bool folder = fs::is_directory(given);
  Other other{folder ? database_path(given) : given, folder ? given : fs::path()};
  if (fs::is_regular_file(other.database)) return other;
  throw Error(path_text(other.database) + ": no such database" +
              (folder ? "; make it from the folder's spools with 'mvn-runner --results " +
                            path_text(given) + " collect --rebuild'"
                      : "; name another results folder, or its results.db"));
}

// How far a trial is.
struct Progress {
  std::string state;
  std::string label;
  std::int64_t seed = 0;
  std::int64_t step = 0;
  std::string results;  // the last values of its metrics, to tell two runs of it apart

  [[nodiscard]] int rank() const {
    if (state == "done") return 3;
    if (state == "diverged" || state == "stopped") return 2;
    return state == "planned" || state == "blocked" ? 0 : 1;
  }
};
using TrialKey = std::pair<std::string, std::string>;  // sweep, id

std::map<TrialKey, Progress> progress_of(Database& db) {
  std::map<TrialKey, Progress> all;
  db.each(
      "SELECT s.name, t.hash, t.state, t.label, t.seed,"
      " coalesce((SELECT max(a.step) FROM mvn_attempt a WHERE a.trial = t.id), 0),"
      " CASE WHEN t.state = 'done' THEN (SELECT m.step || ' ' || m.value FROM mvn_value m"
      "  WHERE m.trial = t.id AND m.name = g.metric ORDER BY m.step DESC LIMIT 1) END"
      " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
      " LEFT JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage ORDER BY t.id",
      [&](SQLite::Statement& row) {
        all[{row.getColumn(0).getString(), row.getColumn(1).getString()}] = {
            row.getColumn(2).getString(), row.getColumn(3).getString(), row.getColumn(4).getInt64(),
            row.getColumn(5).getInt64(), row.getColumn(6).getString()};
      });
  return all;
}

// What each stage is judged by, "eval/accuracy, maximized", by sweep and stage.
std::map<std::pair<std::string, std::string>, std::string> goals_of(Database& db) {
  std::map<std::pair<std::string, std::string>, std::string> goals;
  db.each(
      "SELECT s.name, g.stage, n.name || iif(g.maximize, ', maximized', ', minimized')"
      " FROM mvn_stage g JOIN mvn_sweep s ON s.id = g.sweep JOIN mvn_metric_name n ON n.id ="
      " g.metric",
      [&](SQLite::Statement& row) {
        goals[{row.getColumn(0).getString(), row.getColumn(1).getString()}] =
            row.getColumn(2).getString();
      });
  return goals;
}

struct Contents {
  std::map<TrialKey, Progress> trials;
  std::map<std::pair<std::string, std::string>, std::string> goals;
};

Contents contents_of(const fs::path& database) {
  return translate_errors(database, [&] {
    if (!fs::exists(database)) return Contents();
    Database db(database, Access::kRead);
    if (db.integer("PRAGMA application_id") != kApplicationId) {
      throw Error(path_text(database) + ": is no results.db of mvn-runner");
    }
    return Contents{progress_of(db), goals_of(db)};
  });
}

void require_same_goals(const Contents& here, const Contents& there) {
  for (const auto& [stage, goal] : there.goals) {
    const auto own = here.goals.find(stage);
    if (own == here.goals.end() || own->second == goal) continue;
    throw ConfigError(
        "",
        "sweep '" + stage.first + "'" +
            (stage.second.empty() ? "" : ", stage '" + stage.second + "',") + " is judged by " +
            own->second + " here and by " + goal +
            " there: give one of the sweeps another name, and run it so that it is known by it");
  }
}

MergeAction action_for(const Progress* here, const Progress& there, bool folder) {
  if (here == nullptr) return MergeAction::kAdd;
  // Without its files an unfinished trial cannot be gone on with.
  if (!folder && there.rank() < 2) return MergeAction::kKeep;
  const bool further = std::tuple(there.rank(), there.step) > std::tuple(here->rank(), here->step);
  return further ? MergeAction::kReplace : MergeAction::kKeep;
}

fs::path folder_of(const fs::path& results, const MergeTrial& trial) {
  return trial_paths(results, trial.sweep, trial.id).folder;
}

// Regular files and folders alone: a link may lead anywhere.
void copy_tree(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const auto place = to / entry.path().lexically_relative(from);
    if (entry.is_symlink()) continue;
    if (entry.is_directory()) fs::create_directories(place);
    if (entry.is_regular_file()) fs::copy_file(entry.path(), place);
  }
}

std::string journal_line(const Json& record) {
  return record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

class Merge {
 public:
  Merge(const fs::path& results, const fs::path& given, const MergePlan& plan)
      : results_(results), other_(other_of(given)), plan_(plan) {
    for (const auto& trial : plan_.trials) {
      if (trial.action == MergeAction::kKeep) continue;
      sweeps_.insert(trial.sweep);
      coming_[trial.sweep].insert(trial.id);
    }
  }

  void run() {
    const auto path = database_path(results_);
    clear_staging();
    make_copy();
    copy_folders();
    translate_errors(path, [&] {
      Writer writer(path);
      MergedRows rows(writer.database(), copy());
      writer.transact([&] {
        for (const auto& trial : plan_.trials) {
          if (trial.action != MergeAction::kKeep) rows.take(trial.sweep, trial.id);
        }
        rows.finish();
        for (const auto& sweep : sweeps_) stage_files(writer.database(), sweep);
        for (const auto& trial : plan_.trials) move_folder(writer.database(), trial);
        for (const auto& sweep : sweeps_) finish_files(writer.database(), sweep);
        add_chore(writer.database(), scratch().lexically_relative(results_));
      });
      rows.release();
      do_chores(writer.database().connection(), results_);
    });
    // What was running there when it was copied.
    Store(path).settle();
  }

 private:
  // Of the other database; in a folder of its own, where none of its unfinished chores is ours.
  [[nodiscard]] fs::path scratch() const { return results_ / kStaging; }
  [[nodiscard]] fs::path copy() const { return scratch() / "other.db"; }
  [[nodiscard]] fs::path staging(const std::string& sweep) const {
    return sweep_paths(results_, sweep).folder / kStaging;
  }

  void clear_staging() const {
    fs::remove_all(scratch());
    for (const auto& sweep : sweeps_) fs::remove_all(staging(sweep));
  }

  // Brought up to date where it is of an earlier version; the other one stays as it is.
  void make_copy() const {
    fs::create_directories(scratch());
    backup_database(other_.database, copy());
    translate_errors(other_.database, [&] { const Database db(copy(), Access::kWrite); });
  }

  void copy_folders() const {
    for (const auto& trial : plan_.trials) {
      if (trial.action == MergeAction::kKeep || !trial.folder) continue;
      copy_tree(folder_of(other_.results, trial), staging(trial.sweep) / short_id(trial.id));
    }
  }

  // sweep.json and runner.jsonl as they are to be, from which the database can be made anew.
  void stage_files(Database& db, const std::string& sweep) const {
    const auto row = db.known_integer("SELECT id FROM mvn_sweep WHERE name = ?", sweep);
    write_file_atomically(staging(sweep) / "sweep.json", stored_manifest(db, row));
    const auto found = coming_.find(sweep);
    const auto coming = found == coming_.end() ? std::set<std::string>() : found->second;
    std::string journal;
    for (const auto& record : read_journal(sweep_paths(results_, sweep))) {
      if (!coming.contains(record.value("id", ""))) journal += journal_line(record);
    }
    if (!other_.results.empty()) {
      for (const auto& record : read_journal(sweep_paths(other_.results, sweep))) {
        const bool draw = record.value("type", "") == "draw";
        if (draw || coming.contains(record.value("id", ""))) journal += journal_line(record);
      }
    }
    write_file_atomically(staging(sweep) / "runner.jsonl", journal);
  }

  void move_folder(Database& db, const MergeTrial& trial) const {
    if (trial.action == MergeAction::kKeep) return;
    const fs::path place = fs::path(trial.sweep) / short_id(trial.id);
    if (trial.folder) {
      add_chore(db, place, fs::path(trial.sweep) / kStaging / short_id(trial.id));
    } else if (trial.action == MergeAction::kReplace) {
      add_chore(db, place);  // it is of the attempts that are replaced
    }
  }

  void finish_files(Database& db, const std::string& sweep) const {
    for (const char* name : {"sweep.json", "runner.jsonl"}) {
      add_chore(db, fs::path(sweep) / name, fs::path(sweep) / kStaging / name);
    }
    add_chore(db, fs::path(sweep) / kStaging);
  }

  const fs::path& results_;
  Other other_;
  const MergePlan& plan_;
  std::set<std::string> sweeps_;
  std::map<std::string, std::set<std::string>> coming_;  // ids by sweep
};

}  // namespace

std::size_t MergePlan::count(MergeAction action) const {
  return static_cast<std::size_t>(std::ranges::count(trials, action, &MergeTrial::action));
}

std::size_t MergePlan::without_folder() const {
  return static_cast<std::size_t>(std::ranges::count_if(trials, [](const MergeTrial& each) {
    return each.action != MergeAction::kKeep && !each.folder && each.there != "planned";
  }));
}

std::size_t MergePlan::different() const {
  return static_cast<std::size_t>(std::ranges::count_if(trials, &MergeTrial::differs));
}

MergePlan plan_merge(const fs::path& results, const fs::path& other) {
  const Other source = other_of(other);
  const auto own = database_path(results);
  if (fs::exists(own) && fs::equivalent(own, source.database)) {
    throw ConfigError("", path_text(source.database) + " is this database itself");
  }
  const auto here = contents_of(own);
  const auto there = contents_of(source.database);
  require_same_goals(here, there);
  MergePlan plan;
  for (const auto& [key, progress] : there.trials) {
    MergeTrial trial;
    std::tie(trial.sweep, trial.id) = key;
    trial.label = progress.label;
    trial.seed = progress.seed;
    trial.there = progress.state;
    const auto paths = trial_paths(results, trial.sweep, trial.id);  // or it leads out of them
    trial.folder = !source.results.empty() && fs::is_directory(folder_of(source.results, trial));
    const auto known = here.trials.find(key);
    const Progress* ours = known == here.trials.end() ? nullptr : &known->second;
    trial.action = action_for(ours, progress, trial.folder);
    if (ours != nullptr) {
      trial.here = ours->state;
      trial.differs =
          ours->state == "done" && progress.state == "done" && ours->results != progress.results;
    }
    if (trial.folder && trial.action != MergeAction::kKeep) {
      plan.bytes += bytes_on_disk(folder_of(source.results, trial));
    }
    plan.trials.push_back(std::move(trial));
  }
  return plan;
}

void merge_results(const fs::path& results, const fs::path& other, const MergePlan& plan) {
  fs::create_directories(results);
  std::error_code unknown;
  const auto space = fs::space(results, unknown);
  if (!unknown && space.available < plan.bytes) {
    throw Error(path_text(results) + ": the disk has " + std::to_string(space.available >> 20U) +
                " MiB left, and the folders to copy take " + std::to_string(plan.bytes >> 20U));
  }
  try {
    Merge(results, other, plan).run();
  } catch (const fs::filesystem_error& error) {
    throw Error(std::string("nothing is merged: ") + error.what());
  }
}

}  // namespace mvn
