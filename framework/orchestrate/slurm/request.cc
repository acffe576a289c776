#include "orchestrate/slurm/request.h"

#include <algorithm>

#include "common/printable.h"
#include "common/text.h"
#include "orchestrate/slurm/job.h"
#include "orchestrate/slurm/partitions.h"

namespace mvn {

int warning_time(const SlurmRequest& request, double grace) {
  constexpr double kToEnd = 60;  // for the last records, the report and the requeue
  const auto wanted = grace + kToEnd;
  // Slurm may tell it up to a minute earlier: a short job should have some time to work.
  const auto limit = slurm_seconds(request.time);
  return static_cast<int>(limit && *limit > 0 ? std::min(wanted, *limit / 3) : wanted);
}

std::vector<std::string> sbatch_arguments(const SlurmRequest& request, const BatchJob& job) {
  std::vector<std::string> arguments = {
      "--requeue", "--open-mode=append",
      // SIGHUP, which nobody else sends: what comes back is told from what is cancelled.
      "--signal=B:HUP@" + std::to_string(warning_time(request, job.grace)),
      "--job-name=" + job.name, "--output=" + job.log.string(), "--chdir=" + job.folder.string()};
  for (const auto& each : node_arguments(request)) arguments.push_back(each);
  arguments.push_back(job.script.string());
  return arguments;
}

std::vector<std::string> node_arguments(const SlurmRequest& request) {
  std::vector<std::string> arguments = {"--nodes=1", "--ntasks=1"};
  const auto add = [&arguments](const char* name, const std::string& value) {
    if (!value.empty()) arguments.push_back(std::string("--") + name + "=" + value);
  };
  add("partition", request.partition);
  add("account", request.account);
  add("qos", request.qos);
  add("time", request.time);
  add("gpus", request.gpus);
  add("cpus-per-task", request.cpus_per_task > 0 ? std::to_string(request.cpus_per_task) : "");
  add("mem", request.mem);
  add("constraint", request.constraint);
  arguments.insert(arguments.end(), request.extra.begin(), request.extra.end());
  return arguments;
}

std::string batch_script(const SlurmRequest& request, const BatchJob& job) {
  std::vector<std::string> command = {"sbatch"};
  for (const auto& argument : sbatch_arguments(request, job)) command.push_back(argument);
  return "#!/bin/bash\n# By mvn-runner submit, which gave it to:\n# " +
         printable(shell_text(command)) + "\nexport " + kSubmitted + "=\"$SLURM_JOB_ID\"\nexec " +
         shell_text(job.command) + "\n";
}

}  // namespace mvn
