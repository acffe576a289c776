#include "orchestrate/slurm/holders.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <string_view>

#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/slurm/request.h"

namespace mvn {
namespace {

constexpr double kBetweenLooks = 30;  // seconds
constexpr double kFirstLook = 2;      // seconds after holders were asked for
constexpr double kLongestPause = 300;
constexpr std::size_t kMostLost = 3;

// "2026-01-31T12:00:00", in the cluster's time zone, which is that of its nodes.
std::optional<double> seconds_at(const std::string& text) {
  tm parts{};
  parts.tm_isdst = -1;
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
  return static_cast<double>(::mktime(&parts));
}

// What a holder runs: a step of the runner's job, to which nothing of its own job applies.
std::string holder_script(const std::string& runner) {
  return "exec bash -c 'conf=$SLURM_CONF; unset ${!SLURM_@} ${!SBATCH_@} ${!SRUN_@}; "
         "[ -z \"$conf\" ] || export SLURM_CONF=$conf; exec srun --jobid=" +
         runner + " --overlap --nodes=1 --ntasks=1 --mem=0 --input=none sleep infinity'";
}

bool waits(const std::string& state) { return state == "PENDING" || state == "CONFIGURING"; }

}  // namespace

std::vector<std::string> holder_arguments(const SlurmRequest& request, const std::string& sweep,
                                          const std::string& runner,
                                          const std::filesystem::path& log, std::size_t count,
                                          const std::set<std::string>& avoided) {
  std::vector<std::string> arguments = {"--no-requeue", "--job-name=mvn-" + sweep + "-node",
                                        "--output=" + log.string(), "--open-mode=append",
                                        "--array=1-" + std::to_string(count)};
  for (const auto& each : node_arguments(request)) arguments.push_back(each);
  if (!avoided.empty()) arguments.push_back("--exclude=" + slurm_list(avoided));
  arguments.push_back("--wrap=" + holder_script(runner));
  return arguments;
}

std::vector<std::string> launcher_of(const HeldNode& node) {
  std::vector<std::string> words = {"env"};
  // What Slurm says of the runner's own job would be options of this srun.
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    const bool of_a_job = name.starts_with("SLURM_") || name.starts_with("SRUN_");
    if (of_a_job && name != "SLURM_CONF") words.insert(words.end(), {"-u", name});
  }
  words.insert(words.end(), {"srun", "--quiet", "--jobid=" + node.job, "--overlap", "--nodes=1",
                             "--ntasks=1", "--mem=0", "--cpu-bind=none"});
  return words;
}

void Holders::begin(bool about_queue, const std::vector<std::string>& command) {
  try {
    question_ = parts_.ask(command);
    about_queue_ = about_queue;
  } catch (const Error& error) {
    wait_longer(error.what());
  }
}

void Holders::order(const std::vector<std::string>& command) {
  try {
    orders_.push_back(parts_.ask(command));
  } catch (const Error& error) {
    parts_.say(error.what());
  }
}

Holders::News Holders::look_after(std::size_t wanted) {
  std::erase_if(orders_, [](const auto& each) { return each->poll().has_value(); });
  if (question_) {
    const auto answer = question_->poll();
    if (!answer) return {};
    question_.reset();
    if (about_queue_) return take_queue(*answer);
    take_jobs(*answer);
    return {};
  }
  if (wanted == 0 && waiting_ > 0) {
    std::vector<std::string> command = {"scancel", "--state=PENDING"};
    command.insert(command.end(), jobs_.begin(), jobs_.end());
    order(command);
    waiting_ = 0;
  }
  const auto now = parts_.clock();
  const auto room = parts_.most - std::min(parts_.most, held_.size() + waiting_);
  const auto more = std::min(room, wanted - std::min(wanted, waiting_));
  if (more > 0 && lost_ < kMostLost && now >= next_jobs_) {
    ask_for_jobs(more);
  } else if (held_.size() + waiting_ > 0 && now >= next_look_) {
    ask_for_queue();
  }
  return {};
}

void Holders::ask_for_jobs(std::size_t count) {
  std::vector<std::string> command = {"sbatch", "--parsable"};
  for (const auto& each :
       holder_arguments(parts_.request, parts_.sweep, parts_.runner, parts_.log, count, avoided_)) {
    command.push_back(each);
  }
  asked_for_ = count;
  next_jobs_ = parts_.clock() + kBetweenLooks;
  begin(/*about_queue=*/false, command);
}

void Holders::take_jobs(const Question::Answer& answer) {
  const auto id = answer.output.substr(0, answer.output.find_first_of(";\n"));
  if (!answer.success || id.empty()) {
    lose(1, "sbatch says: " + last_lines(answer.errors + answer.output, 3));
    return;
  }
  jobs_.insert(id);
  waiting_ += asked_for_;
  next_look_ = std::max(next_look_, parts_.clock() + kFirstLook);
}

void Holders::ask_for_queue() {
  next_look_ = parts_.clock() + kBetweenLooks;
  begin(/*about_queue=*/true,
        {"squeue", "-h", "-r", "-j", slurm_list(jobs_), "-o", "%A|%F|%T|%N|%e"});
}

Holders::News Holders::take_queue(const Question::Answer& answer) {
  // Of jobs that ended a while ago it knows nothing, and may call that an error.
  if (!answer.success && answer.errors.find("Invalid job id") == std::string::npos) {
    wait_longer("squeue says: " + last_lines(answer.errors + answer.output, 3));
    return {};
  }
  pause_ = 0;
  News news;
  std::size_t waiting = 0;
  std::set<std::string> known;
  std::set<std::string> jobs;
  std::istringstream lines(answer.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string job;
    std::string array;
    std::string state;
    HeldNode node;
    std::string ends;
    for (auto* field : {&job, &array, &state, &node.name, &ends}) std::getline(fields, *field, '|');
    jobs.insert(array);
    if (waits(state)) ++waiting;
    if (state != "RUNNING" || given_back_.contains(job)) continue;
    known.insert(job);
    node.job = job;
    node.ends = seconds_at(ends);
    if (held_.emplace(job, node).second) news.arrived.push_back(node);
  }
  for (const auto& [job, node] : held_) {
    if (!known.contains(job)) news.gone.push_back(job);
  }
  for (const auto& job : news.gone) held_.erase(job);
  if (!news.arrived.empty()) lost_ = 0;
  const auto came = waiting + news.arrived.size();
  if (waiting_ > came) lose(waiting_ - came, "see " + parts_.log.string());
  waiting_ = waiting;
  jobs_ = jobs;
  return news;
}

void Holders::lose(std::size_t count, const std::string& why) {
  lost_ += count;
  parts_.say(plural(count, "further node") + " of Slurm did not come: " + why +
             (lost_ < kMostLost ? "" : "; no more are asked for"));
}

void Holders::wait_longer(const std::string& why) {
  pause_ = std::clamp(2 * pause_, kBetweenLooks, kLongestPause);
  next_look_ = next_jobs_ = parts_.clock() + pause_;
  parts_.say(why + "; Slurm is asked again in " + duration_text(pause_) +
             ", what runs goes on meanwhile");
}

void Holders::give_back(const std::string& job) {
  held_.erase(job);
  given_back_.insert(job);
  order({"scancel", job});
}

}  // namespace mvn
