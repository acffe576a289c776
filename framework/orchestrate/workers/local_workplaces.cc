#include "orchestrate/workers/local_workplaces.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <utility>

#include "common/exit_code.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/log.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

constexpr double kPatienceWithWorkers = 10;  // seconds for a worker that should end by itself

// For a program of the user's on a machine that no signal of ours reaches: a line on standard input
// has it sent SIGTERM.
constexpr const char* kAskedByALine =
    "exec 3<&0; \"$@\" 3<&- </dev/null & program=$!; "
    "trap 'kill -TERM $program 2>/dev/null' TERM; "
    "{ read -r line <&3 && kill -TERM $program; } & reader=$!; exec 3<&-; "
    "while :; do wait $program; code=$?; kill -0 $program 2>/dev/null || break; done; "
    "kill $reader 2>/dev/null; exit $code";

// What is run for the command to run in the place.
std::vector<std::string> launched(const Place& place, std::vector<std::string> command,
                                  bool own_program) {
  std::vector<std::string> words = place.launcher;
  if (words.empty()) return command;
  words.emplace_back("env");
  for (const auto& [name, value] : place.environment) {
    words.push_back(std::string(name).append("=").append(value));
  }
  if (own_program) words.insert(words.end(), {"/bin/sh", "-c", kAskedByALine, "program"});
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

// In the words of what is wrong with the program, where that can be seen.
std::string why_not_started(const Json& config, const Error& error,
                            const std::filesystem::path& folder) {
  if (!has_own_program(config)) return error.what();
  const auto reason = why_not_startable(config, program_folder(config, folder));
  return reason.empty() ? error.what() : reason;
}

}  // namespace

Clock steady_clock() {
  return [] {
    using std::chrono::duration;
    using std::chrono::steady_clock;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
  };
}

LocalWorkplaces::LocalWorkplaces(Parts parts) : parts_(std::move(parts)) {
  add(std::move(parts_.places));
}

LocalWorkplaces::~LocalWorkplaces() = default;

std::vector<std::size_t> LocalWorkplaces::add(std::vector<Place> places) {
  std::vector<std::size_t> numbers;
  for (auto& place : places) {
    numbers.push_back(place.number = seats_.size());
    Seat seat;
    seat.place = std::move(place);
    seats_.push_back(std::move(seat));
  }
  return numbers;
}

void LocalWorkplaces::close(const std::vector<std::size_t>& places) {
  for (const auto number : places) {
    Seat& seat = seats_.at(number);
    seat.closed = true;
    if (seat.worker && !seat.leaves_by && !seat.order) let_go(seat);
  }
}

std::vector<AttemptName> LocalWorkplaces::attempts_in(
    const std::vector<std::size_t>& places) const {
  std::vector<AttemptName> attempts;
  for (const auto number : places) {
    if (const auto& order = seats_.at(number).order) attempts.push_back(order->attempt);
  }
  return attempts;
}

bool LocalWorkplaces::is_free(const Seat& seat) {
  return !seat.order && !seat.leaves_by && !seat.closed;
}

// "worker 2 on cuda:1"
std::string LocalWorkplaces::place_text(const Seat& seat) {
  return "worker " + std::to_string(seat.place.number + 1) + " on " + seat.place.name;
}

bool LocalWorkplaces::has_free() const { return std::ranges::any_of(seats_, is_free); }

bool LocalWorkplaces::is_clearing() const {
  return std::ranges::any_of(
      seats_, [](const Seat& seat) { return seat.leaves_by.has_value() && seat.worker; });
}

bool LocalWorkplaces::goes_by_memory() const {
  return std::ranges::any_of(
      seats_, [this](const Seat& seat) { return parts_.packer.shares(seat.place.name); });
}

std::optional<Place> LocalWorkplaces::can_take(std::size_t trial, const std::string& shape) const {
  for (const Seat& seat : seats_) {
    if (is_free(seat) && has_room(seat, trial, shape)) return seat.place;
  }
  return std::nullopt;
}

bool LocalWorkplaces::has_room(const Seat& seat, std::size_t trial,
                               const std::string& shape) const {
  const auto& gpu = seat.place.name;
  if (!parts_.packer.shares(gpu)) return true;
  if (!parts_.packer.fits(gpu, trial, shape)) return false;
  if (!parts_.packer.needs_it_alone(trial, shape)) return true;
  return std::ranges::none_of(seats_, [&](const Seat& other) {
    return &other != &seat && other.place.name == gpu && other.worker;
  });
}

LocalWorkplaces::Seat* LocalWorkplaces::seat_of(const AttemptName& attempt) {
  const auto found = std::ranges::find_if(
      seats_, [&](const Seat& seat) { return seat.order && seat.order->attempt == attempt; });
  return found == seats_.end() ? nullptr : &*found;
}

void LocalWorkplaces::start(AttemptOrder order) {
  Seat& seat = seats_.at(order.place);
  const auto attempt = order.attempt;
  if (parts_.packer.shares(seat.place.name)) {
    parts_.packer.start(seat.place.name, attempt.trial, order.shape);
  }
  seat.order = std::make_unique<AttemptOrder>(std::move(order));
  seat.killed_for_memory = parts_.killed_for_memory();
  events_.emplace_back(Started{attempt});
  try {
    hand_over(seat);
  } catch (const Error& error) {
    const auto why = why_not_started(seat.order->config, error, parts_.programs_folder);
    const bool shared = end_order(seat);
    events_.emplace_back(Ended{attempt, {error.exit_code(), {}}, "", why, shared, false});
  }
}

// Gives the attempt to the worker that is there, or to a new one; a program of the user's is
// started for each.
void LocalWorkplaces::hand_over(Seat& seat) {
  const AttemptOrder& order = *seat.order;
  const auto trial_file = order.paths.trial_file(order.attempt.number);
  const bool own_program = has_own_program(order.config);
  auto spec = parts_.worker;
  if (own_program) {
    seat.worker.reset();  // one that waits for trials would keep its memory on the device
    const auto number = order.attempt.number;
    spec = trial_process(order.config, trial_file, order.paths.spool(number),
                         order.paths.log(number), parts_.programs_folder);
  } else if (seat.worker && seat.worker->give(trial_file)) {
    return;
  }
  // The first trial in this place, or the worker died while it had nothing to do.
  for (const auto& [name, value] : seat.place.environment) spec.environment[name] = value;
  spec.command = launched(seat.place, std::move(spec.command), own_program);
  seat.worker = std::make_unique<Worker>(spec);
  log(LogLevel::kDebug, place_text(seat) + ": process " + std::to_string(seat.worker->pid()) +
                            ", " + shell_text(spec.command));
  if (own_program) {
    if (seat.place.launcher.empty()) seat.worker->dismiss();  // it has nothing to read
  } else {
    // A worker that dies at once is noticed by its death.
    seat.worker->give(trial_file);
  }
}

void LocalWorkplaces::checkpoint(const AttemptName& attempt) {
  Seat* seat = seat_of(attempt);
  if (seat == nullptr || !seat->worker) return;
  log(LogLevel::kDebug, place_text(*seat) + ": told to write a checkpoint and end");
  const auto trial_file = seat->order->paths.trial_file(attempt.number);
  const bool reads = !has_own_program(seat->order->config) || !seat->place.launcher.empty();
  const bool asked = reads && seat->worker->ask_for_checkpoint(trial_file);
  if (!asked) seat->worker->send_stop();
}

void LocalWorkplaces::kill(const AttemptName& attempt) {
  Seat* seat = seat_of(attempt);
  if (seat == nullptr || !seat->worker) return;
  log(LogLevel::kDebug, place_text(*seat) + ": killed");
  seat->worker->kill();
}

void LocalWorkplaces::kill_all() {
  for (Seat& seat : seats_) {
    if (seat.worker) seat.worker->kill();
  }
}

void LocalWorkplaces::let_go(Seat& seat) {
  log(LogLevel::kDebug, place_text(seat) + ": its worker gets no more trials");
  seat.worker->dismiss();
  seat.leaves_by = parts_.clock() + kPatienceWithWorkers;
}

void LocalWorkplaces::dismiss() {
  for (Seat& seat : seats_) {
    if (seat.worker && !seat.leaves_by) let_go(seat);
  }
}

// A worker that waits for trials keeps memory of the GPU, which others there may need.
void LocalWorkplaces::dismiss_idle_sharers() {
  for (Seat& seat : seats_) {
    const bool idle = seat.worker && !seat.order && !seat.leaves_by;
    if (idle && parts_.packer.shares(seat.place.name)) let_go(seat);
  }
}

std::vector<WorkplaceEvent> LocalWorkplaces::wait(std::chrono::duration<double> at_most, int wake) {
  dismiss_idle_sharers();
  poll_workers(events_.empty() ? at_most : std::chrono::duration<double>(0), wake);
  for (Seat& seat : seats_) {
    if (!seat.worker) continue;
    take_replies(seat);
    take_death(seat);
  }
  return std::exchange(events_, {});
}

void LocalWorkplaces::poll_workers(std::chrono::duration<double> at_most, int wake) {
  std::vector<pollfd> watched = {{wake, POLLIN, 0}};
  for (Seat& seat : seats_) {
    if (!seat.worker) continue;
    watched.push_back({seat.worker->output(), POLLIN, 0});
    watched.push_back({seat.worker->errors(), POLLIN, 0});
  }
  ::poll(watched.data(), watched.size(),
         static_cast<int>(std::ceil(std::max(at_most.count(), 0.0) * 1000)));
}

void LocalWorkplaces::take_replies(Seat& seat) {
  for (auto& reply : seat.worker->take_replies()) {
    if (!seat.order) continue;
    const auto attempt = seat.order->attempt;
    if (reply.trial != seat.order->paths.trial_file(attempt.number)) continue;
    const bool shared = end_order(seat);
    log(LogLevel::kDebug, place_text(seat) + ": its worker answers " + std::to_string(reply.code));
    events_.emplace_back(Replied{attempt, reply.code, std::move(reply.message), shared});
    // After others it ends, and a fresh one takes its place.
    if (!worker_survives(reply.code) || seat.closed) let_go(seat);
  }
}

void LocalWorkplaces::take_death(Seat& seat) {
  if (seat.leaves_by && parts_.clock() > *seat.leaves_by) seat.worker->kill();
  const auto death = seat.worker->try_wait();
  if (!death) return;
  log(LogLevel::kDebug, place_text(seat) + ": its process ended with " + to_string(*death));
  take_replies(seat);  // its last words
  if (seat.order) {
    const auto attempt = seat.order->attempt;
    const bool shared = end_order(seat);
    const bool for_memory =
        death->signal == SIGKILL && parts_.killed_for_memory() > seat.killed_for_memory;
    events_.emplace_back(
        Ended{attempt, *death, seat.worker->said(), std::nullopt, shared, for_memory});
  }
  seat.worker.reset();
  seat.leaves_by.reset();
}

// The place has no attempt any more; true where it had shared its GPU.
bool LocalWorkplaces::end_order(Seat& seat) {
  const bool shared = parts_.packer.shares(seat.place.name) &&
                      parts_.packer.end(seat.place.name, seat.order->attempt.trial);
  seat.order.reset();
  return shared;
}

void LocalWorkplaces::learn_memory(const std::string& shape, std::int64_t bytes) {
  parts_.packer.learn(shape, bytes);
}

void LocalWorkplaces::learn_overflow(std::size_t trial, const std::string& shape) {
  parts_.packer.learn_overflow(trial, shape);
}

}  // namespace mvn
