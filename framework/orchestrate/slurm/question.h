// One of Slurm's programs, asked while a run goes on: a scheduler may take its time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mvn {

class Question {
 public:
  struct Answer {
    bool success = false;
    std::string output;
    std::string errors;
  };

  virtual ~Question() = default;
  // Nothing as long as it has not answered.
  virtual std::optional<Answer> poll() = 0;
};

// Starts the command. Throws Error where there is no such program.
std::unique_ptr<Question> ask_slurm(const std::vector<std::string>& command);

}  // namespace mvn
