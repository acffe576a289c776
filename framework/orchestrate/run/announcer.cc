#include "orchestrate/run/announcer.h"

#include <algorithm>
#include <sstream>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/nearest.h"
#include "orchestrate/run/labels.h"

namespace mvn {
namespace {

constexpr std::size_t kLabelWidth = 48;  // columns of a trial's label in lines that stay

std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += "\n  | " + line;
  return result;
}

// What a trial says of itself: its further lines are not taken for the runner's.
std::string said(const AttemptEnd& end) {
  std::string text;
  for (const char c : end.message) text += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return text;
}

// "sweep.yaml:2:16"
std::string place_text(const Location& where) {
  std::string text = path_text(where.file);
  if (!where.argument.empty()) return where.argument;
  if (where.line > 0) text += ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
  return text;
}

std::string trials(std::size_t count, const std::string& one, const std::string& several) {
  return std::to_string(count) + (count == 1 ? " trial " + one : " trials " + several);
}

}  // namespace

std::string announcement(Course course, std::size_t running) {
  switch (course) {
    case Course::kRunning:
      return "resumed";
    case Course::kPaused:
      return "paused: no new trials start, " + trials(running, "runs", "run") +
             " on; mvn-runner resume goes on";
    case Course::kDraining:
      return "draining: no new trials start, " + trials(running, "runs to its", "run to their") +
             " end; Ctrl-C again stops now, at a checkpoint";
    case Course::kStopping:
      return "stopping: " + trials(running, "writes its", "write their") +
             " checkpoint; Ctrl-C again kills at once";
    case Course::kKilling:
      return "killing: " + trials(running, "ends", "end") + " without a checkpoint";
  }
  return "";
}

Announcer::Announcer(const SweepPlan& plan, View& view)
    : plan_(plan), view_(view), labels_(trial_labels(plan)) {}

void Announcer::relabel() { labels_ = trial_labels(plan_); }

std::string Announcer::short_label(std::size_t trial) const {
  return shortened(printable(labels_[trial]), kLabelWidth);
}

void Announcer::started(const Attempt& attempt) {
  view_.detail("started " + short_label(attempt.trial) + "  " +
               short_id(plan_.trials[attempt.trial].id) +
               (attempt.number > 1 ? "  attempt " + std::to_string(attempt.number) : ""));
}

void Announcer::ended(const Attempt& attempt, const AttemptEnd& end, const RunStatus& status,
                      double now) {
  const auto label = short_label(attempt.trial);
  const auto count = "[" + std::to_string(status.done) + "/" + std::to_string(status.trials) + "] ";
  if (end.state == TrialState::kDone) {
    std::string objective;
    const auto goal = plan_.metrics.find(plan_.trials[attempt.trial].stage);
    if (attempt.objective) {
      objective = "  " + goal->second.name + " " + short_number(*attempt.objective);
    }
    view_.detail(count + "done " + label + objective + "  " + duration_text(now - attempt.started));
  } else if (end.state == TrialState::kDiverged) {
    view_.note(count + "DIVERGED " + label + ": " + said(end));
  } else if (end.state == TrialState::kStopped) {
    view_.note(count + "STOPPED " + label + ": " + said(end));
  } else if (end.state == TrialState::kInterrupted) {
    view_.detail("interrupted " + label + ": " + said(end));
  } else {
    view_.note("FAILED " + label + ": " + said(end) + indented(end.log_tail) +
               "\n  log: " + path_text(attempt.log()));
  }
}

void Announcer::retried(const Attempt& attempt, const AttemptEnd& end, const std::string& with) {
  view_.note("RETRY " + short_label(attempt.trial) + with + ": " + said(end) +
             "\n  log: " + path_text(attempt.log()));
}

void Announcer::without_objective(const Attempt& attempt, const std::vector<std::string>& names) {
  const auto& stage = plan_.trials[attempt.trial].stage;
  const auto& wanted = plan_.metrics.at(stage).name;
  std::string said = names.empty() ? "it reported no metric at all" : "it reported ";
  constexpr std::size_t kShown = 12;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    said += (i == 0 ? "'" : ", '") + names[i] + "'";
  }
  if (names.size() > kShown) said += " and " + std::to_string(names.size() - kShown) + " more";
  const auto nearest = nearest_name(wanted, names);
  view_.note("NO OBJECTIVE " + short_label(attempt.trial) + " is done and has not reported '" +
             wanted + "', the metric of " + place_text(locate(plan_, stage, "metric.name")) + ": " +
             said + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

void Announcer::warned(const std::string& message, bool last) {
  view_.note("warning: " + printable_lines(message) +
             (last ? "\n  further warnings are in the view `events`" : ""));
}

void Announcer::damaged(const Attempt& attempt, const std::string& what) {
  const auto goal = plan_.metrics.find(plan_.trials[attempt.trial].stage);
  const Json example = {
      {"type", "metric"},
      {"step", 1},
      {"values", {{goal == plan_.metrics.end() ? "eval/loss" : goal->second.name, 0.5}}}};
  view_.note("DAMAGED " + short_label(attempt.trial) + ": " + what + "\n  a line is such as " +
             example.dump() +
             "; further ones are in the view `events`\n  spool: " + path_text(attempt.spool()));
}

void Announcer::blocked(const BlockedTrial& blocked, const std::string& reason) {
  view_.note("BLOCKED " + short_label(blocked.trial) + ": " + reason);
}

}  // namespace mvn
