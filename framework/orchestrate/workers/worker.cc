#include "orchestrate/workers/worker.h"

#include <unistd.h>

#include <cerrno>

#include "common/json.h"
#include "common/spool.h"

namespace mvn {
namespace {

constexpr std::size_t kRemembered = 4000;

std::optional<Reply> parse_reply(const std::string& line) {
  const Json json = try_parse_json(line);
  if (!json.is_object() || !json.contains("trial") || !json.contains("code")) return std::nullopt;
  const auto code = whole_number(json["code"]);
  if (!json["trial"].is_string() || !code || *code < 0 || *code > 255) return std::nullopt;
  return Reply{json["trial"], static_cast<int>(*code), json.value("message", std::string())};
}

}  // namespace

bool Worker::give(const std::filesystem::path& trial_file) { return ask("trial", trial_file); }

bool Worker::ask_for_checkpoint(const std::filesystem::path& trial_file) {
  return ask("checkpoint", trial_file);
}

bool Worker::ask(const char* what, const std::filesystem::path& trial_file) {
  // Shorter than PIPE_BUF and the pipe is empty: it is written whole or not at all.
  const std::string line = Json{{what, trial_file.string()}}.dump() + "\n";
  ssize_t written = -1;
  do {
    written = ::write(process_.input().get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(line.size());
}

std::vector<Reply> Worker::take_replies() {
  replies_.read_available(process_.output());
  complaints_.read_available(process_.errors());
  remember(complaints_.take_rest());
  std::vector<Reply> replies;
  while (true) {
    const auto line = replies_.take_line();
    if (!line) return replies;
    if (auto reply = parse_reply(*line)) {
      replies.push_back(std::move(*reply));
    } else {
      remember(*line + "\n");
    }
  }
}

void Worker::remember(const std::string& text) {
  said_ += text;
  if (said_.size() > kRemembered) said_.erase(0, said_.size() - kRemembered);
}

}  // namespace mvn
