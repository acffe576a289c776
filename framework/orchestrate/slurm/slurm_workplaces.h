// The places of a sweep that is a job of Slurm: those of the job's own node, and of further nodes
// that come and go while the sweep runs (holders.h).
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/slurm/holders.h"
#include "orchestrate/workers/local_workplaces.h"

namespace mvn {

class SlurmWorkplaces : public Workplaces {
 public:
  struct Parts {
    LocalWorkplaces::Parts local;
    Holders::Parts holders;
    // The places of such a node; their launcher is launcher_of() it.
    std::function<std::vector<Place>(const HeldNode& node)> places_of;
    double grace = 60;  // seconds that a trial has for a checkpoint
    Clock clock = steady_clock();
    Clock time;  // seconds since 1970
    std::function<void(const std::string& line)> say;
  };
  explicit SlurmWorkplaces(Parts parts);

  [[nodiscard]] bool has_free() const override { return local_.has_free(); }
  [[nodiscard]] bool is_clearing() const override { return local_.is_clearing(); }
  [[nodiscard]] bool goes_by_memory() const override { return local_.goes_by_memory(); }
  [[nodiscard]] std::optional<Place> can_take(std::size_t trial,
                                              const std::string& shape) const override {
    return local_.can_take(trial, shape);
  }
  void start(AttemptOrder order) override;
  void checkpoint(const AttemptName& attempt) override;
  void kill(const AttemptName& attempt) override { local_.kill(attempt); }
  void kill_all() override { local_.kill_all(); }
  void learn_backlog(std::size_t trials) override { backlog_ = trials; }
  void dismiss() override;
  std::vector<WorkplaceEvent> wait(std::chrono::duration<double> at_most, int wake) override;
  void learn_memory(const std::string& shape, std::int64_t bytes) override {
    local_.learn_memory(shape, bytes);
  }
  void learn_overflow(std::size_t trial, const std::string& shape) override {
    local_.learn_overflow(trial, shape);
  }

 private:
  struct Node {
    HeldNode held;
    std::vector<std::size_t> places;
    double came = 0;              // by the clock of its end
    std::deque<double> failures;  // when attempts died with it
    std::optional<double> idle_since;
    bool closed = false;  // too near its end for another trial
    bool leaving = false;
  };
  struct Guest {
    std::string job;  // of the node that it is on
    std::filesystem::path log;
    bool asked = false;  // for a checkpoint, by the run itself
  };
  // How long attempts take that are done: the last ones.
  class Durations {
   public:
    void add(double seconds);
    [[nodiscard]] double median() const;  // 0 without any

   private:
    std::deque<double> last_;
  };

  [[nodiscard]] WorkplaceEvent translated(WorkplaceEvent event);
  WorkplaceEvent as_of_a_node(Ended event, const Guest& guest);
  void note_failure(Node& node, const std::string& said);
  void look_after_nodes();
  void look_at_end(Node& node);
  [[nodiscard]] bool would_be_cut_off(const Node& node, double ends) const;
  void arrive(const HeldNode& held);
  void leave(Node& node, const std::string& why, bool checkpoint);
  void give_back(Node& node, const std::string& why);
  void give_back_idle(Node& node);

  Parts parts_;
  LocalWorkplaces local_;
  Holders holders_;
  std::size_t places_per_node_;
  std::size_t backlog_ = 0;
  bool dismissed_ = false;
  std::map<std::string, Node> nodes_;    // by the holder's job
  std::map<AttemptName, Guest> guests_;  // attempts on further nodes
  std::map<AttemptName, double> began_;  // when the attempts did that run
  Durations durations_;
};

}  // namespace mvn
