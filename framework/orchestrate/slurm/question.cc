#include "orchestrate/slurm/question.h"

#include "common/text.h"
#include "orchestrate/process/log.h"
#include "orchestrate/process/process.h"

namespace mvn {
namespace {

class ProgramQuestion : public Question {
 public:
  explicit ProgramQuestion(const std::vector<std::string>& command) : process_({command, {}, {}}) {
    process_.input().close();
  }

  std::optional<Answer> poll() override {
    output_.read_available(process_.output());
    errors_.read_available(process_.errors());
    const auto end = process_.try_wait();
    if (!end) return std::nullopt;
    output_.read_available(process_.output());
    errors_.read_available(process_.errors());
    return Answer{end->success(), all(output_), all(errors_)};
  }

 private:
  static std::string all(LineReader& reader) {
    std::string text;
    while (true) {
      const auto line = reader.take_line();
      if (!line) return text + reader.take_rest();
      text.append(*line).append("\n");
    }
  }

  Process process_;
  LineReader output_;
  LineReader errors_;
};

}  // namespace

std::unique_ptr<Question> ask_slurm(const std::vector<std::string>& command) {
  log(LogLevel::kDebug, "running " + shell_text(command));
  return std::make_unique<ProgramQuestion>(command);
}

}  // namespace mvn
