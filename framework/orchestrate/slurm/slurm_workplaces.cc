#include "orchestrate/slurm/slurm_workplaces.h"

#include <algorithm>
#include <csignal>
#include <sstream>
#include <utility>

#include "common/input_file.h"
#include "common/text.h"
#include "mvn/error.h"

namespace mvn {
namespace {

constexpr double kIdle = 60;         // seconds after which a node is given back
constexpr double kLastMinute = 60;   // before a node's end, beside the time for checkpoints
constexpr std::size_t kLast = 15;    // trials that say how long one takes
constexpr double kFewFailures = 60;  // seconds within which
constexpr std::size_t kTooMany = 3;  // attempts must not die with a node
constexpr int kBySignal = 128;       // srun's exit code of what a signal ended, less the signal
constexpr int kSignals = 64;
constexpr std::uint64_t kOfLog = 4000;  // bytes of a log that may hold Slurm's last words

template <typename Holds>
bool has_line(const std::string& text, Holds holds) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (holds(line)) return true;
  }
  return false;
}

// Whether Slurm says that it, and not the program, ended a step, or never began it. Of what a
// program came to srun says "srun: error: n2: task 0: Exited with exit code 1".
bool slurm_speaks(const std::string& text) {
  return has_line(text, [](const std::string& line) {
    const bool of_srun = line.starts_with("srun: error: ") && line.find(": task") == line.npos;
    return of_srun || line.starts_with("slurmstepd") || line.starts_with("srun: Job step");
  });
}

// Slurm's words for what the kernel killed in a step's control group.
bool says_memory_ran_out(const std::string& text) {
  return has_line(text, [](const std::string& line) {
    const bool of_slurm = line.starts_with("srun: error: ") || line.starts_with("slurmstepd");
    return of_slurm &&
           (line.find("oom_kill event") != line.npos || line.find("oom-kill event") != line.npos ||
            line.ends_with("Out Of Memory"));
  });
}

// Then srun ends with exit code 0, as if all had gone well.
bool says_node_failed(const std::string& text) {
  return text.find("srun: error: Node failure on ") != text.npos;
}

bool says_job_is_gone(const std::string& text) {
  return text.find("has expired") != text.npos || text.find("nvalid job") != text.npos;
}

}  // namespace

SlurmWorkplaces::SlurmWorkplaces(Parts parts)
    : parts_(std::move(parts)),
      local_(parts_.local),
      holders_(parts_.holders),
      places_per_node_(std::max<std::size_t>(1, parts_.local.places.size())) {}

void SlurmWorkplaces::Durations::add(double seconds) {
  last_.push_back(seconds);
  if (last_.size() > kLast) last_.pop_front();
}

double SlurmWorkplaces::Durations::median() const {
  if (last_.empty()) return 0;
  auto sorted = last_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

void SlurmWorkplaces::start(AttemptOrder order) {
  began_[order.attempt] = parts_.clock();
  for (auto& entry : nodes_) {
    Node& node = entry.second;
    if (std::ranges::find(node.places, order.place) == node.places.end()) continue;
    guests_[order.attempt] = {entry.first, order.paths.log(order.attempt.number)};
    node.idle_since.reset();
  }
  local_.start(std::move(order));
}

void SlurmWorkplaces::checkpoint(const AttemptName& attempt) {
  const auto guest = guests_.find(attempt);
  if (guest != guests_.end()) guest->second.asked = true;
  local_.checkpoint(attempt);
}

void SlurmWorkplaces::dismiss() {
  dismissed_ = true;
  local_.dismiss();
}

std::vector<WorkplaceEvent> SlurmWorkplaces::wait(std::chrono::duration<double> at_most, int wake) {
  auto events = local_.wait(at_most, wake);
  for (auto& event : events) event = translated(std::move(event));
  if (!dismissed_) look_after_nodes();
  return events;
}

WorkplaceEvent SlurmWorkplaces::translated(WorkplaceEvent event) {
  if (std::holds_alternative<Started>(event)) return event;
  const auto name = std::visit([](const auto& each) { return each.attempt; }, event);
  std::optional<int> code;
  if (const auto* replied = std::get_if<Replied>(&event)) code = replied->code;
  if (const auto* ended = std::get_if<Ended>(&event)) code = ended->end.exit_code;
  const auto began = began_.extract(name);
  if (code == static_cast<int>(ExitCode::kDone) && began) {
    durations_.add(parts_.clock() - began.mapped());
  }
  const auto found = guests_.find(name);
  if (found == guests_.end()) return event;
  const Guest guest = found->second;
  guests_.erase(found);
  if (!guest.asked && code == static_cast<int>(ExitCode::kCheckpointed)) {
    // Nobody but Slurm, or it itself.
    const auto node = nodes_.find(guest.job);
    const bool leaves = node != nodes_.end() && node->second.leaving;
    return Moved{name, "its node goes away", leaves};
  }
  if (auto* ended = std::get_if<Ended>(&event)) return as_of_a_node(std::move(*ended), guest);
  return event;
}

// srun's exit code as the end of what it ran.
WorkplaceEvent SlurmWorkplaces::as_of_a_node(Ended event, const Guest& guest) {
  const int code = event.end.exit_code.value_or(0);
  const auto found = nodes_.find(guest.job);
  const auto said = event.said + end_of_file(guest.log, kOfLog);
  if (event.not_started || (code == 0 && !says_node_failed(said))) return event;
  event.out_of_memory = says_memory_ran_out(said);
  Node* node = found == nodes_.end() || found->second.leaving ? nullptr : &found->second;
  if (event.out_of_memory) {
    event.end = {std::nullopt, SIGKILL};
  } else if (node == nullptr || slurm_speaks(said)) {
    event.end = {std::nullopt, SIGKILL};
    if (node != nullptr) note_failure(*node, said);
  } else if (code > kBySignal && code <= kBySignal + kSignals) {
    event.end = {std::nullopt, code - kBySignal};
  }
  return event;
}

void SlurmWorkplaces::note_failure(Node& node, const std::string& said) {
  if (says_node_failed(said)) return give_back(node, "it failed, says Slurm");
  if (says_job_is_gone(said)) return give_back(node, "Slurm has ended its job");
  node.failures.push_back(parts_.clock());
  if (node.failures.size() < kTooMany) return;
  if (node.failures.back() - node.failures.front() < kFewFailures) {
    holders_.avoid(node.held.name);
    give_back(node,
              plural(kTooMany, "trial") + " died with it within a minute: " + last_lines(said, 1));
  }
  node.failures.pop_front();
}

void SlurmWorkplaces::look_after_nodes() {
  const auto news = holders_.look_after((backlog_ + places_per_node_ - 1) / places_per_node_);
  for (const auto& held : news.arrived) arrive(held);
  for (const auto& job : news.gone) {
    const auto node = nodes_.find(job);
    if (node == nodes_.end()) continue;
    if (!node->second.leaving) leave(node->second, "Slurm has ended its job", false);
    nodes_.erase(node);
  }
  for (auto& entry : nodes_) {
    Node& node = entry.second;
    if (node.leaving) continue;
    look_at_end(node);
    if (!node.leaving) give_back_idle(node);
  }
}

void SlurmWorkplaces::look_at_end(Node& node) {
  if (!node.held.ends) return;
  if (*node.held.ends - parts_.time() < parts_.grace + kLastMinute) {
    leave(node, "its time is nearly over", true);
  } else if (!node.closed && would_be_cut_off(node, *node.held.ends)) {
    node.closed = true;
    local_.close(node.places);
  }
}

// Whether its end would come upon another trial that a fresh node has the time for.
bool SlurmWorkplaces::would_be_cut_off(const Node& node, double ends) const {
  const double needed = durations_.median() + parts_.grace + kLastMinute;
  return ends - parts_.time() < needed && ends - node.came >= needed;
}

void SlurmWorkplaces::arrive(const HeldNode& held) {
  Node node;
  node.held = held;
  node.came = parts_.time();
  node.places = local_.add(parts_.places_of(held));
  parts_.say(held.name + " joins: " + plural(node.places.size(), "worker") + " (job " + held.job +
             ")");
  nodes_[held.job] = std::move(node);
}

void SlurmWorkplaces::leave(Node& node, const std::string& why, bool checkpoint) {
  node.leaving = true;
  local_.close(node.places);
  parts_.say(node.held.name + " leaves: " + why);
  if (!checkpoint) return;
  for (const auto& attempt : local_.attempts_in(node.places)) local_.checkpoint(attempt);
}

void SlurmWorkplaces::give_back(Node& node, const std::string& why) {
  leave(node, why, false);
  holders_.give_back(node.held.job);
}

void SlurmWorkplaces::give_back_idle(Node& node) {
  const bool idle = local_.attempts_in(node.places).empty();
  if (node.closed && idle) return give_back(node, "what is left of its time is too short");
  if (backlog_ > 0 || !idle) {
    node.idle_since.reset();
    return;
  }
  if (!node.idle_since) node.idle_since = parts_.clock();
  if (parts_.clock() - *node.idle_since < kIdle) return;
  give_back(node, "there is nothing for it to do");
}

}  // namespace mvn
