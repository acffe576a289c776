#include "fake_workplaces.h"

#include <poll.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace mvn::test {
namespace {

std::string text_of(const AttemptName& attempt) {
  return std::to_string(attempt.trial) + "/" + std::to_string(attempt.number);
}

}  // namespace

FakeWorkplaces::FakeWorkplaces(std::size_t places) : places_(places) {}

void FakeWorkplaces::ask(const std::string& what) {
  std::ostringstream text;
  text << what << " at " << now_;
  asked_.push_back(text.str());
}

bool FakeWorkplaces::has_free() const { return !std::ranges::all_of(places_, is_taken); }

std::optional<Place> FakeWorkplaces::can_take(std::size_t trial,
                                              const std::string& /*shape*/) const {
  const auto busy = std::ranges::count_if(places_, is_taken);
  if (busy > 0 && !fits(trial)) return std::nullopt;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i]) return Place{i, "cpu", "cpu", 1, {}};
  }
  return std::nullopt;
}

void FakeWorkplaces::start(AttemptOrder order) {
  const auto name = order.attempt;
  ask("start " + text_of(name));
  configs_.push_back(order.config);
  shapes_.push_back(order.shape);
  const auto script = scripts_.find(name);
  Script acts = script == scripts_.end() ? Script{{.after = 1, .reply = 0}} : script->second;
  places_.at(order.place) = Running{std::move(order), std::move(acts), now_ + queued_[name], false};
  const auto busy = std::ranges::count_if(places_, is_taken);
  most_at_once_ = std::max(most_at_once_, static_cast<std::size_t>(busy));
}

void FakeWorkplaces::replace(const AttemptName& attempt, Act last) {
  for (auto& place : places_) {
    if (!place || place->order.attempt != attempt) continue;
    place->next = now_ + last.after;
    place->left = {std::move(last)};
    place->left.front().after = 0;
  }
}

void FakeWorkplaces::checkpoint(const AttemptName& attempt) {
  ask("checkpoint " + text_of(attempt));
  if (deaf_.contains(attempt)) return;
  replace(attempt, {.after = 0.5, .reply = static_cast<int>(ExitCode::kCheckpointed)});
}

void FakeWorkplaces::kill(const AttemptName& attempt) {
  ask("kill " + text_of(attempt));
  replace(attempt, {.end = ProcessEnd{{}, 9}});
}

void FakeWorkplaces::kill_all() {
  for (const auto& place : places_) {
    if (place) kill(AttemptName(place->order.attempt));
  }
}

bool FakeWorkplaces::act(Running& running) {
  const auto& name = running.order.attempt;
  if (!running.started) {
    running.started = true;
    events_.emplace_back(Started{name});
    running.next = now_ + (running.left.empty() ? 1e9 : running.left.front().after);
    return false;
  }
  if (running.left.empty()) {
    running.next = now_ + 1e9;
    return false;
  }
  const Act now = running.left.front();
  running.left.erase(running.left.begin());
  std::ofstream spool(running.order.paths.spool(name.number), std::ios::app);
  for (const auto& line : now.lines) spool << line << '\n';
  spool.close();
  if (now.also) now.also();
  running.next = now_ + (running.left.empty() ? 1e9 : running.left.front().after);
  if (now.reply) events_.emplace_back(Replied{name, *now.reply, "", now.shared_gpu});
  if (now.end) {
    events_.emplace_back(
        Ended{name, *now.end, "", std::nullopt, now.shared_gpu, now.out_of_memory});
  }
  if (now.moved) events_.emplace_back(Moved{name, "its node goes away", *now.moved});
  return now.reply || now.end || now.moved;
}

std::vector<WorkplaceEvent> FakeWorkplaces::wait(std::chrono::duration<double> at_most, int wake) {
  pollfd signals = {wake, POLLIN, 0};
  if (::poll(&signals, 1, 0) > 0) return std::exchange(events_, {});
  double until = now_ + std::max(at_most.count(), 0.01);
  for (const auto& place : places_) {
    if (place) until = std::min(until, std::max(place->next, now_));
  }
  now_ = until;
  for (auto& place : places_) {
    if (place && place->next <= now_ && act(*place)) place.reset();
  }
  return std::exchange(events_, {});
}

void FakeWorkplaces::learn_memory(const std::string& /*shape*/, std::int64_t bytes) {
  ask("learn " + std::to_string(bytes));
}

void FakeWorkplaces::learn_overflow(std::size_t trial, const std::string& /*shape*/) {
  ask("overflow " + std::to_string(trial));
}

}  // namespace mvn::test
