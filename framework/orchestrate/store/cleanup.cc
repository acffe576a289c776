#include "orchestrate/store/cleanup.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "common/printable.h"
#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/store/artifacts.h"
#include "orchestrate/store/chores.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/run_views.h"
#include "orchestrate/store/store.h"
#include "orchestrate/store/writer.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// A trial as far as it matters whether its model may go.
struct Candidate {
  GcTrial trial;
  bool current = false;
  bool ended = false;
  double rank = std::numeric_limits<double>::quiet_NaN();  // smaller is better; NaN: has no result
  std::set<std::string> starts_from;                       // ids
};

// {"trial": ID}, wherever in a configuration: what a trial starts from, of its sweep or another.
void add_references(const Json& json, std::set<std::string>& ids) {
  if (json.is_object() && json.size() == 1 && json.contains("trial") && json["trial"].is_string()) {
    const auto id = json["trial"].get<std::string>();
    if (is_trial_id(id)) ids.insert(id);
    return;
  }
  if (!json.is_structured()) return;
  for (const auto& item : json) add_references(item, ids);
}

Database open_results(const fs::path& results) {
  const auto path = database_path(results);
  if (!fs::exists(path)) {
    throw Error(path_text(path) +
                ": no such database; name the folder of the results with --results");
  }
  return {path, Access::kRead};
}

bool has_ended(const std::string& state) {
  return state == "done" || state == "diverged" || state == "stopped";
}

std::vector<Candidate> read_candidates(Database& db) {
  std::vector<Candidate> all;
  db.each(
      "SELECT s.name, t.stage, t.hash, t.label, t.seed, t.state, t.current, t.config, t.depends_on,"
      " CASE WHEN t.state = 'done' THEN (SELECT iif(g.maximize, -m.value, m.value) FROM mvn_value m"
      "  WHERE m.trial = t.id AND m.name = g.metric ORDER BY m.step DESC LIMIT 1) END"
      " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
      " LEFT JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
      " ORDER BY s.id, t.current DESC, t.position, t.id",
      [&](SQLite::Statement& row) {
        Candidate each;
        each.trial.sweep = row.getColumn(0).getString();
        each.trial.stage = row.getColumn(1).getString();
        each.trial.id = row.getColumn(2).getString();
        each.trial.label = row.getColumn(3).getString();
        each.trial.seed = row.getColumn(4).getInt64();
        each.trial.state = row.getColumn(5).getString();
        each.ended = has_ended(each.trial.state);
        each.current = row.getColumn(6).getInt() != 0;
        add_references(db.json(row, 7), each.starts_from);
        for (const auto& id : db.json(row, 8)) each.starts_from.insert(id.get<std::string>());
        if (!row.isColumnNull(9)) each.rank = row.getColumn(9).getDouble();
        all.push_back(std::move(each));
      });
  return all;
}

void keep(Candidate& candidate, const std::string& reason) {
  if (candidate.trial.kept.empty()) candidate.trial.kept = reason;
}

void keep_unfinished(std::vector<Candidate>& all) {
  std::set<std::string> unfinished;  // sweeps
  for (auto& each : all) {
    if (each.ended) continue;
    keep(each, "is " + each.trial.state);
    if (each.current) unfinished.insert(each.trial.sweep);
  }
  for (auto& each : all) {
    const bool may_go_on = each.trial.state == "stopped" && unfinished.contains(each.trial.sweep);
    if (may_go_on) keep(each, "was stopped early and may go on: its sweep is not finished");
  }
}

void keep_best(std::vector<Candidate>& all, std::size_t best) {
  std::map<std::tuple<std::string, std::string, bool>, std::vector<Candidate*>> stages;
  for (auto& each : all) {
    if (each.trial.state != "done") continue;
    stages[{each.trial.sweep, each.trial.stage, each.current}].push_back(&each);
  }
  const auto has_no_result = [](const Candidate* each) { return std::isnan(each->rank); };
  for (auto& [stage, trials] : stages) {
    if (best > 0 && std::ranges::all_of(trials, has_no_result)) {
      for (auto* each : trials) keep(*each, "no trial of its stage has a result to be judged by");
      continue;
    }
    std::erase_if(trials, has_no_result);
    std::ranges::stable_sort(trials, {}, &Candidate::rank);
    for (std::size_t i = 0; i < trials.size() && i < best; ++i) {
      keep(*trials[i], i == 0 ? "is the best" : "is number " + std::to_string(i + 1));
    }
  }
}

std::string starts_from_it(const Candidate& candidate) {
  return "trial " + short_id(candidate.trial.id) + " starts from it";
}

// What a trial that stays starts from, and what that does, and so on.
void keep_needed(std::vector<Candidate>& all) {
  std::multimap<std::string, Candidate*> by_id;
  std::vector<const Candidate*> open;
  for (auto& each : all) {
    by_id.emplace(each.trial.id, &each);
    if (!each.trial.kept.empty()) open.push_back(&each);
  }
  while (!open.empty()) {
    const Candidate* from = open.back();
    open.pop_back();
    const auto reason = starts_from_it(*from);
    for (const auto& id : from->starts_from) {
      const auto [begin, end] = by_id.equal_range(id);
      for (auto found = begin; found != end; ++found) {
        if (!found->second->trial.kept.empty()) continue;
        keep(*found->second, reason);
        open.push_back(found->second);
      }
    }
  }
}

bool is_model_or_checkpoint(const std::string& kind) {
  return kind == "model" || kind == "best-model" || kind == "checkpoint";
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const auto inside = path.lexically_relative(folder);
  return !inside.empty() && *inside.begin() != "..";
}

// What of a trial's files holds weights: of the trainer's own layout, and what it reported.
void find_files(const fs::path& results, GcTrial& trial,
                const std::vector<const StoredArtifact*>& artifacts) {
  const TrialPaths paths = trial_paths(results, trial.sweep, trial.id);
  std::set<fs::path> found = {paths.model(), paths.folder / "best", paths.checkpoints()};
  for (const auto* each : artifacts) {
    const bool ours = is_model_or_checkpoint(each->kind) && each->path != paths.folder &&
                      is_below(each->path, paths.folder);
    if (ours) found.insert(each->path);
  }
  std::vector<fs::path> tops;
  for (const auto& path : found) {  // a folder sorts before what is in it
    const bool covered =
        std::ranges::any_of(tops, [&](const fs::path& top) { return is_below(path, top); });
    if (!covered) tops.push_back(path);
  }
  for (const auto* each : artifacts) {
    const bool goes =
        std::ranges::any_of(tops, [&](const fs::path& top) { return is_below(each->path, top); });
    if (goes && !each->removed) trial.gone.push_back(each->reported);
  }
  for (const auto& top : tops) {
    if (fs::symlink_status(top).type() == fs::file_type::not_found) continue;
    trial.paths.push_back(top.lexically_relative(results));
    trial.bytes += bytes_on_disk(top);
  }
}

}  // namespace

std::size_t GcPlan::removed() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(trials, [](const GcTrial& each) { return each.kept.empty(); }));
}

std::uintmax_t GcPlan::freed() const {
  std::uintmax_t bytes = 0;
  for (const auto& each : trials) bytes += each.kept.empty() ? each.bytes : 0;
  return bytes;
}

std::uintmax_t GcPlan::kept() const {
  std::uintmax_t bytes = 0;
  for (const auto& each : trials) bytes += each.kept.empty() ? 0 : each.bytes;
  return bytes;
}

GcPlan plan_gc(const fs::path& results, const std::string& sweep, std::size_t best) {
  if (!sweep.empty()) require_sweep(results, sweep);
  auto all = translate_errors(database_path(results), [&] {
    Database db = open_results(results);
    return read_candidates(db);
  });
  keep_unfinished(all);
  keep_best(all, best);
  keep_needed(all);
  const auto artifacts = stored_artifacts(results, sweep);
  std::map<std::pair<std::string, std::string>, std::vector<const StoredArtifact*>> of_trial;
  for (const auto& each : artifacts) of_trial[{each.sweep, each.trial}].push_back(&each);
  GcPlan plan;
  for (auto& each : all) {
    if (!sweep.empty() && each.trial.sweep != sweep) continue;
    find_files(results, each.trial, of_trial[{each.trial.sweep, each.trial.id}]);
    const bool nothing =
        each.trial.paths.empty() && (each.trial.gone.empty() || !each.trial.kept.empty());
    if (!nothing) plan.trials.push_back(std::move(each.trial));
  }
  return plan;
}

std::size_t collect_garbage(const fs::path& results, const GcPlan& plan) {
  const auto path = database_path(results);
  return translate_errors(path, [&] {
    Writer writer(path);
    const auto time = now_ms();
    for (const auto& trial : plan.trials) {
      if (!trial.kept.empty()) continue;
      SpoolWriter(sweep_paths(results, trial.sweep).journal())
          .append(removed_record(trial.id, trial.gone, time));
    }
    writer.transact([&] {
      for (const auto& trial : plan.trials) {
        if (!trial.kept.empty()) continue;
        writer.note_removed(writer.trial_row(trial.sweep, trial.id), trial.gone, time);
        for (const auto& each : trial.paths) add_chore(writer.database(), each);
      }
    });
    do_chores(writer.database().connection(), results);
    return static_cast<std::size_t>(chores_left(writer.database()));
  });
}

SweepRemoval plan_removal(const fs::path& results, const std::string& sweep) {
  SweepRemoval removal;
  removal.sweep = sweep;
  const bool folder = is_sweep_name(sweep) && fs::exists(fs::symlink_status(results / sweep));
  const bool is_sweep = folder && fs::exists(SweepPaths{results / sweep}.manifest());
  if (!is_sweep) require_sweep(results, sweep);
  if (folder) removal.bytes = bytes_on_disk(results / sweep);
  const auto all = translate_errors(database_path(results), [&] {
    Database db = open_results(results);
    return read_candidates(db);
  });
  std::set<std::string> here;
  std::set<std::string> elsewhere;
  for (const auto& each : all) {
    const bool own = each.trial.sweep == sweep;
    removal.trials += own ? 1 : 0;
    if (own || each.trial.state == "done") (own ? here : elsewhere).insert(each.trial.id);
  }
  for (const auto& each : all) {
    if (each.trial.sweep == sweep || each.ended) continue;
    const bool needs = std::ranges::any_of(each.starts_from, [&](const std::string& id) {
      return here.contains(id) && !elsewhere.contains(id);
    });
    if (needs)
      removal.needed_by.push_back((fs::path(each.trial.sweep) / short_id(each.trial.id)).string());
  }
  return removal;
}

std::size_t remove_sweep(const fs::path& results, const std::string& sweep) {
  const auto path = database_path(results);
  return translate_errors(path, [&] {
    Writer writer(path);
    Database& db = writer.database();
    writer.transact([&] {
      db.run("DELETE FROM mvn_sweep WHERE name = ?", sweep);
      drop_gone_run_views(db.connection());
      if (is_sweep_name(sweep)) add_chore(db, sweep);
    });
    do_chores(db.connection(), results);
    return static_cast<std::size_t>(chores_left(db));
  });
}

}  // namespace mvn
