#include "orchestrate/slurm/partitions.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>
#include <sstream>

#include "mvn/nearest.h"

namespace mvn {
namespace {

int number_in(const std::string& text) { return std::atoi(text.c_str()); }

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

Partition read_partition(const std::string& line) {
  auto fields = parts_of(line, '|');
  fields.resize(5);
  Partition partition;
  partition.name = fields[0];
  if (partition.name.ends_with('*')) {
    partition.is_default = true;
    partition.name.pop_back();
  }
  partition.longest = slurm_seconds(fields[1]);
  partition.cores = number_in(fields[2]);
  partition.megabytes = number_in(fields[3]);
  partition.gres = fields[4];
  return partition;
}

// The partitions that may be meant: the one that is named, or the default one, or all.
std::vector<Partition> candidates(const std::string& names,
                                  const std::vector<Partition>& partitions) {
  std::vector<Partition> chosen;
  const auto wanted = parts_of(names, ',');
  std::ranges::copy_if(partitions, std::back_inserter(chosen), [&](const Partition& each) {
    return wanted.empty() ? each.is_default : std::ranges::count(wanted, each.name) > 0;
  });
  return chosen.empty() ? partitions : chosen;
}

// "main 60 minutes, short 1 minute": of each partition the most that a node of it has.
std::string list_of(const std::vector<Partition>& partitions,
                    const std::function<std::string(const Partition&)>& what) {
  std::string list;
  std::set<std::string> said;
  for (const Partition& each : partitions) {
    const auto text = each.name + " " + what(each);
    if (!said.insert(text).second) continue;
    list.append(list.empty() ? "" : ", ").append(text);
  }
  return list;
}

std::string time_text(const std::optional<double>& seconds) {
  if (!seconds) return "any time";
  const auto minutes = static_cast<long>(*seconds / 60);
  if (minutes % (24L * 60) == 0) return std::to_string(minutes / 24 / 60) + " d";
  if (minutes % 60 == 0) return std::to_string(minutes / 60) + " h";
  return std::to_string(minutes) + " min";
}

class Judge {
 public:
  Judge(const SlurmRequest& request, const std::vector<Partition>& partitions)
      : request_(request), among_(candidates(request.partition, partitions)) {}

  std::vector<Refusal> judge() {
    const auto time = slurm_seconds(request_.time);
    require(
        "time", request_.time,
        [&](const Partition& each) { return !time || !each.longest || *time <= *each.longest; },
        [](const Partition& each) { return time_text(each.longest); });
    require(
        "cpus-per-task", std::to_string(request_.cpus_per_task) + " cores of a node",
        [&](const Partition& each) { return request_.cpus_per_task <= each.cores; },
        [](const Partition& each) { return std::to_string(each.cores); });
    require(
        "mem", request_.mem,
        [&](const Partition& each) { return slurm_megabytes(request_.mem) <= each.megabytes; },
        [](const Partition& each) { return std::to_string(each.megabytes) + "M"; });
    const auto colon = request_.gpus.find(':');
    const auto type = colon == std::string::npos ? "" : request_.gpus.substr(0, colon);
    const int gpus =
        number_in(colon == std::string::npos ? request_.gpus : request_.gpus.substr(colon + 1));
    require(
        "gpus", request_.gpus + " of a node",
        [&](const Partition& each) { return gpus <= gpus_of(each.gres, type); },
        [&](const Partition& each) { return std::to_string(gpus_of(each.gres, type)); });
    return std::move(refusals_);
  }

 private:
  void require(const std::string& key, const std::string& asked,
               const std::function<bool(const Partition&)>& fits,
               const std::function<std::string(const Partition&)>& has) {
    if (std::ranges::any_of(among_, fits)) return;
    const auto name = "launch.slurm." + key;
    refusals_.push_back(
        {name, name + ": " + asked + " is more than the cluster gives: " + list_of(among_, has)});
  }

  const SlurmRequest& request_;
  std::vector<Partition> among_;
  std::vector<Refusal> refusals_;
};

}  // namespace

std::vector<Partition> read_partitions(const std::string& text) {
  std::vector<Partition> partitions;
  for (const auto& line : parts_of(text, '\n')) {
    if (line.find('|') != std::string::npos) partitions.push_back(read_partition(line));
  }
  return partitions;
}

int gpus_of(const std::string& gres, const std::string& type) {
  // "gpu:a100:4(S:0-1),gpu:2": what is in parentheses may hold commas.
  std::string plain;
  int depth = 0;
  for (const char letter : gres) {
    depth += letter == '(' ? 1 : 0;
    if (depth == 0) plain += letter;
    depth -= letter == ')' ? 1 : 0;
  }
  int count = 0;
  for (const auto& each : parts_of(plain, ',')) {
    const auto parts = parts_of(each, ':');
    if (parts.size() < 2 || parts[0] != "gpu") continue;
    if (!type.empty() && parts[1] != type) continue;
    count += number_in(parts.back());
  }
  return count;
}

std::optional<double> slurm_seconds(const std::string& time) {
  if (time.empty() || time.find_first_not_of("0123456789:-") != std::string::npos) {
    return std::nullopt;
  }
  const auto dash = time.find('-');
  const bool has_days = dash != std::string::npos;
  std::vector<int> numbers;
  for (const auto& part : parts_of(time.substr(has_days ? dash + 1 : 0), ':')) {
    numbers.push_back(number_in(part));
  }
  if (has_days) {  // days-hours, days-hours:minutes, days-hours:minutes:seconds
    numbers.resize(3);
    return 86400.0 * number_in(time) + 3600.0 * numbers[0] + 60.0 * numbers[1] + numbers[2];
  }
  if (numbers.size() == 3) return 3600.0 * numbers[0] + 60.0 * numbers[1] + numbers[2];
  numbers.resize(2);  // minutes, minutes:seconds
  return 60.0 * numbers[0] + numbers[1];
}

std::int64_t slurm_megabytes(const std::string& memory) {
  const std::int64_t number = std::atoll(memory.c_str());
  if (memory.ends_with('K')) return number / 1024;
  if (memory.ends_with('G')) return number * 1024;
  if (memory.ends_with('T')) return number * 1024 * 1024;
  return number;
}

std::vector<Refusal> what_is_too_much(const SlurmRequest& request,
                                      const std::vector<Partition>& partitions) {
  std::vector<std::string> names;
  for (const Partition& each : partitions) {  // one for each kind of node
    if (std::ranges::count(names, each.name) == 0) names.push_back(each.name);
  }
  for (const auto& name : parts_of(request.partition, ',')) {
    if (std::ranges::count(names, name) > 0) continue;
    return {{"launch.slurm.partition", "launch.slurm.partition: the cluster has no partition '" +
                                           name + "'" + suggest(name, names)}};
  }
  if (partitions.empty()) return {};
  return Judge(request, partitions).judge();
}

}  // namespace mvn
