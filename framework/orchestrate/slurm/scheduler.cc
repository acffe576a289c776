#include "orchestrate/slurm/scheduler.h"

#include <sstream>

#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/log.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/slurm/request.h"

namespace mvn {
namespace {

constexpr double kPatience = 60;  // seconds; Slurm's programs give up by themselves before
constexpr const char* kNoSuchJob = "Invalid job id";

CommandResult call(const std::vector<std::string>& command, Signals& signals) {
  log(LogLevel::kDebug, "running " + shell_text(command));
  try {
    return run_to_end({command, {}, {}}, "", signals, {.limit = kPatience});
  } catch (const CannotStart& error) {
    throw Error(std::string(error.what()) + ": is this a machine of a Slurm cluster?");
  }
}

std::string without_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

[[noreturn]] void fail(const std::vector<std::string>& command, const CommandResult& result) {
  const auto said = without_end(last_lines(result.errors + result.output, 5));
  throw Error(command.front() +
              (said.empty() ? " ended with " + to_string(result.end) : " says: " + said));
}

std::string answer(const std::vector<std::string>& command, Signals& signals) {
  const auto result = call(command, signals);
  if (!result.end.success()) fail(command, result);
  return result.output;
}

}  // namespace

std::vector<Partition> ask_for_partitions(Signals& signals) {
  return read_partitions(answer({"sinfo", "-h", "-e", "-o", kPartitionFormat}, signals));
}

std::string submit_job(const std::vector<std::string>& arguments, Signals& signals) {
  std::vector<std::string> command = {"sbatch", "--parsable"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto id = without_end(answer(command, signals));
  if (id.empty() || id.find_first_not_of("0123456789") == 0) {
    throw Error("sbatch gave no job's number, but '" + id + "'");
  }
  return id;
}

std::map<std::string, QueuedJob> queued_jobs(const std::vector<std::string>& ids,
                                             Signals& signals) {
  std::map<std::string, QueuedJob> jobs;
  if (ids.empty()) return jobs;
  const std::vector<std::string> command = {"squeue",        "-h", "-j",
                                            slurm_list(ids), "-o", "%i|%T|%r|%N|%e|%P"};
  const auto result = call(command, signals);
  if (!result.end.success()) {
    // Of a single job that ended a while ago it knows nothing, and calls that an error.
    if (result.errors.find(kNoSuchJob) != std::string::npos) return jobs;
    fail(command, result);
  }
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string id;
    QueuedJob job;
    if (!std::getline(fields, id, '|')) continue;
    for (auto* field : {&job.state, &job.reason, &job.nodes, &job.ends, &job.partition}) {
      std::getline(fields, *field, '|');
    }
    jobs[id] = std::move(job);
  }
  return jobs;
}

JobStanding job_standing(const std::string& id, Signals& signals) {
  std::istringstream words(answer({"scontrol", "show", "job", "-o", id}, signals));
  const std::string state = "JobState=";
  const std::string preempted = "PreemptTime=";
  JobStanding standing;
  for (std::string word; words >> word;) {
    if (word.starts_with(state)) standing.state = word.substr(state.size());
    if (word.starts_with(preempted)) standing.preempted = word != preempted + "None";
  }
  return standing;
}

void requeue_job(const std::string& id, Signals& signals) {
  answer({"scontrol", "requeue", id}, signals);
}

}  // namespace mvn
