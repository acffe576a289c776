// Further nodes for a sweep that is itself a job of Slurm: jobs that hold a node and do nothing,
// while the runner starts workers there with `srun --jobid`.
//
// A holder waits in a step of the runner's own job: it ends with that job, whatever ends it, and
// nothing is left to be cleaned up.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrate/slurm/question.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

// A node that a holder has.
struct HeldNode {
  std::string job;
  std::string name;
  std::optional<double> ends;  // by its time limit; seconds since 1970
};

class Holders {
 public:
  struct Parts {
    SlurmRequest request;
    std::string sweep;
    std::string runner;             // the runner's own job
    std::filesystem::path log;      // of holders; "%j" is a job's number
    std::size_t most = 0;           // at the same time
    std::function<double()> clock;  // seconds
    std::function<void(const std::string& line)> say;
    std::function<std::unique_ptr<Question>(const std::vector<std::string>&)> ask = ask_slurm;
  };
  explicit Holders(Parts parts) : parts_(std::move(parts)) {}

  struct News {
    std::vector<HeldNode> arrived;
    std::vector<std::string> gone;  // their jobs
  };
  // To be called often. `wanted` is how many nodes more the waiting trials could use. Slurm gets
  // one question at a time, about all holders together, and each kind no oftener than every 30 s.
  News look_after(std::size_t wanted);
  // Gives a held node back, which is not reported as gone.
  void give_back(const std::string& job);
  // Asks for this node no more.
  void avoid(const std::string& node) { avoided_.insert(node); }

 private:
  void begin(bool about_queue, const std::vector<std::string>& command);
  void order(const std::vector<std::string>& command);
  void take_jobs(const Question::Answer& answer);
  News take_queue(const Question::Answer& answer);
  void ask_for_jobs(std::size_t count);
  void ask_for_queue();
  void wait_longer(const std::string& why);
  void lose(std::size_t count, const std::string& why);

  Parts parts_;
  std::unique_ptr<Question> question_;
  bool about_queue_ = false;                       // the question; else for jobs
  std::vector<std::unique_ptr<Question>> orders_;  // the answers to which nobody needs
  double next_look_ = 0;                           // when the queue may be looked at again
  double next_jobs_ = 0;                           // when jobs may be asked for again
  double pause_ = 0;                               // after an answer that was none
  std::set<std::string> jobs_;                     // that sbatch gave; one may be several holders
  std::map<std::string, HeldNode> held_;
  std::set<std::string> given_back_;
  std::set<std::string> avoided_;
  std::size_t waiting_ = 0;  // holders without a node as yet
  std::size_t asked_for_ = 0;
  std::size_t lost_ = 0;  // that ended without ever being seen with one, since the last arrived
};

// sbatch's arguments for `count` holders of a node each.
std::vector<std::string> holder_arguments(const SlurmRequest& request, const std::string& sweep,
                                          const std::string& runner,
                                          const std::filesystem::path& log, std::size_t count,
                                          const std::set<std::string>& avoided);

// What brings a command to a held node.
std::vector<std::string> launcher_of(const HeldNode& node);

}  // namespace mvn
