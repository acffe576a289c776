#include "orchestrate/sessions/submit.h"

#include <algorithm>

#include "common/files.h"
#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/slurm/request.h"
#include "orchestrate/sweep/problems.h"
#include "orchestrate/workers/results_lock.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void check_request(const SweepPlan& plan, Signals& signals) {
  std::vector<Problem> problems;
  for (const auto& [key, message] : what_is_too_much(plan.slurm, ask_for_partitions(signals))) {
    problems.push_back({locate(plan, "", key), message});
  }
  if (!problems.empty()) throw SweepErrors(problems);
}

// One runner works in a results folder at a time: a second job would wait for nodes and then fail.
void check_alone(const fs::path& results, Signals& signals) {
  const auto where = path_text(results);
  std::vector<std::string> ids;
  const auto jobs = submitted_jobs(results);
  for (const auto& job : jobs) ids.push_back(job.id);
  const auto queued = queued_jobs(ids, signals);
  for (const auto& job : jobs) {
    const auto found = queued.find(job.id);
    if (found == queued.end()) continue;
    throw Error("job " + job.id + " of " + job.sweep + " is " + found->second.state + " for " +
                where + " already: wait for it to end, or end it with scancel " + job.id +
                "; --results names another folder");
  }
  const auto runner = last_runner(results);
  if (runner && runner->here && runner->alive) {
    throw Error(where + " is in use by another mvn-runner, " + runner->text() +
                ": wait for it to end, stop it, or choose another folder with --results");
  }
}

// What the user typed, without the word that made it a job; paths as they are, since it runs in
// this folder.
std::vector<std::string> run_command(const RunOptions& options, const fs::path& results) {
  std::vector<std::string> command = {(executable_folder() / "mvn-runner").string(), "--results",
                                      results.string()};
  for (const auto& folder : options.plugin_folders) {
    command.insert(command.end(), {"--plugin-dir", folder.string()});
  }
  for (const auto& each : options.overrides) command.insert(command.end(), {"--set", each});
  if (options.workers > 0) {
    command.insert(command.end(), {"--workers", std::to_string(options.workers)});
  }
  if (options.rerun_changed) command.emplace_back("--rerun-changed");
  const auto level = static_cast<std::size_t>(options.log_level);
  command.insert(command.end(), {"--log-level", log_level_names().at(level)});
  if (options.verbose) command.emplace_back("--verbose");
  command.push_back(fs::absolute(options.file).lexically_normal().string());
  return command;
}

}  // namespace

fs::path slurm_folder(const fs::path& results, const std::string& sweep) {
  return results / sweep / "slurm";
}

int submit_sweep(const RunOptions& options, std::ostream& out) {
  const auto [plan, left, results] = check_sweep(options, out);
  if (left == 0) {
    out << "nothing to do: " << plural(plan.trials.size(), "trial") << " done" << std::endl;
    return 0;
  }
  Signals signals;
  check_request(plan, signals);
  check_alone(results, signals);
  const auto folder = slurm_folder(results, plan.name);
  require_below(results, folder);
  const BatchJob job{.name = "mvn-" + plan.name,
                     .command = run_command(options, results),
                     .folder = fs::current_path(),
                     .log = folder / "job-%j.log",
                     .script = folder / "submit.sh",
                     .grace = plan.limits.grace};
  write_file_atomically(job.script, batch_script(plan.slurm, job));
  const auto id = submit_job(sbatch_arguments(plan.slurm, job), signals);
  const auto number = id.substr(0, id.find(';'));
  const auto log = folder / ("job-" + number + ".log");
  write_file_atomically(folder / "job.json",
                        Json{{"job", number}, {"log", log.string()}}.dump() + "\n");
  out << "submitted job " << id << ": " << plan.name << ", " << plural(left, "trial")
      << " to run\n  log: " << path_text(log)
      << "\n  mvn-runner status shows where it stands; drain, stop and pause work from any node"
      << std::endl;
  return 0;
}

std::vector<SubmittedJob> submitted_jobs(const fs::path& results) {
  std::vector<SubmittedJob> jobs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(results, error)) {
    const auto sweep = entry.path().filename().string();
    const auto file = slurm_folder(results, sweep) / "job.json";
    if (!is_sweep_name(sweep) || !fs::is_regular_file(file, error)) continue;
    const Json json = try_parse_json(read_file(file));
    if (!json.is_object()) continue;
    const auto id = json.value("job", Json());
    const auto log = json.value("log", Json());
    const bool good = id.is_string() && log.is_string() && !id.get<std::string>().empty() &&
                      id.get<std::string>().find_first_not_of("0123456789") == std::string::npos;
    if (good) jobs.push_back({sweep, id, log});
  }
  std::ranges::sort(jobs, {}, &SubmittedJob::sweep);
  return jobs;
}

}  // namespace mvn
