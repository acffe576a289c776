// Workplaces without a process: what becomes of each attempt is a script, and time passes only
// while the run waits.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrate/workers/local_workplaces.h"

namespace mvn::test {

class FakeWorkplaces : public Workplaces {
 public:
  // What an attempt does next: it appends to its spool, and may end.
  struct Act {
    double after = 0;                     // seconds after what it did before
    std::vector<std::string> lines = {};  // of its spool
    std::optional<int> reply = {};        // an exit code
    std::optional<ProcessEnd> end = {};
    bool shared_gpu = false;
    std::function<void()> also = {};
    std::optional<bool> moved = {};  // whether that was foreseen
    bool out_of_memory = false;
  };
  using Script = std::vector<Act>;

  explicit FakeWorkplaces(std::size_t places = 1);
  void resize(std::size_t places) { places_.resize(places); }

  // An attempt without a script is done after a second.
  void script(AttemptName attempt, Script acts) { scripts_[attempt] = std::move(acts); }
  // It waits so long in a queue before it runs.
  void queue(AttemptName attempt, double seconds) { queued_[attempt] = seconds; }
  // It does not end when it is told to write a checkpoint.
  void make_deaf(AttemptName attempt) { deaf_.insert(attempt); }
  // Whether places share memory.
  bool shared_memory = true;
  // Which trials fit beside others.
  std::function<bool(std::size_t trial)> fits = [](std::size_t) { return true; };

  [[nodiscard]] Clock clock() {
    return [this] { return now_; };
  }
  // What it was asked for, one line each: "start 0/1 at 0", "checkpoint 0/1 at 12".
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }
  [[nodiscard]] std::size_t most_at_once() const { return most_at_once_; }
  [[nodiscard]] const std::vector<Json>& configs() const { return configs_; }
  [[nodiscard]] const std::vector<std::string>& shapes() const { return shapes_; }

  [[nodiscard]] bool has_free() const override;
  [[nodiscard]] bool is_clearing() const override { return false; }
  [[nodiscard]] bool goes_by_memory() const override { return shared_memory; }
  [[nodiscard]] std::optional<Place> can_take(std::size_t trial,
                                              const std::string& shape) const override;
  void start(AttemptOrder order) override;
  void checkpoint(const AttemptName& attempt) override;
  void kill(const AttemptName& attempt) override;
  void kill_all() override;
  void dismiss() override { ask("dismiss"); }
  std::vector<WorkplaceEvent> wait(std::chrono::duration<double> at_most, int wake) override;
  void learn_memory(const std::string& shape, std::int64_t bytes) override;
  void learn_overflow(std::size_t trial, const std::string& shape) override;

 private:
  struct Running {
    AttemptOrder order;
    Script left;
    double next = 0;  // when it acts next
    bool started = false;
  };

  static bool is_taken(const std::optional<Running>& place) { return place.has_value(); }
  void ask(const std::string& what);
  void replace(const AttemptName& attempt, Act last);
  // Whether it has ended.
  bool act(Running& running);

  double now_ = 0;
  std::vector<std::optional<Running>> places_;
  std::map<AttemptName, Script> scripts_;
  std::map<AttemptName, double> queued_;
  std::set<AttemptName> deaf_;
  std::vector<WorkplaceEvent> events_;
  std::vector<std::string> asked_;
  std::vector<Json> configs_;
  std::vector<std::string> shapes_;
  std::size_t most_at_once_ = 0;
};

}  // namespace mvn::test
