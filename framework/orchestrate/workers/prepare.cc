#include "orchestrate/workers/prepare.h"

#include <filesystem>
#include <sstream>

#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/log.h"
#include "orchestrate/process/run_to_end.h"

namespace mvn {
namespace {

constexpr std::size_t kTail = 15;  // lines of a command's output

void run(const Preparation& preparation, std::ostream& out, Signals& signals) {
  const auto text = shell_text(preparation.command);
  out << "preparing " << preparation.creates.string() << ": " << printable(text) << std::endl;
  log(LogLevel::kDebug, "running " + text + " in " + preparation.folder.string());
  const auto result = run_to_end({preparation.command, preparation.folder, {}}, "", signals);
  if (!result.end.success()) {
    const auto tail = last_lines(result.output + result.errors, kTail);
    throw Error("'" + text + "' ended with " + to_string(result.end) +
                (tail.empty() ? "" : ":\n" + tail));
  }
  if (!std::filesystem::exists(preparation.creates)) {
    throw Error("'" + text + "' ended well but did not create " + preparation.creates.string());
  }
  // What it made, and from what.
  std::istringstream lines(last_lines(result.output, kTail));
  for (std::string line; std::getline(lines, line);) out << "  " << printable(line) << "\n";
  out << std::flush;
}

}  // namespace

std::vector<Preparation> missing_preparations(const SweepPlan& plan) {
  std::vector<Preparation> missing;
  for (const auto& each : plan.prepare) {
    if (!std::filesystem::exists(each.creates)) missing.push_back(each);
  }
  return missing;
}

void prepare(const SweepPlan& plan, std::ostream& out, Signals& signals) {
  for (const auto& each : plan.prepare) {
    // Looked at again each time: one command may create what the next one would.
    if (!std::filesystem::exists(each.creates)) run(each, out, signals);
  }
}

}  // namespace mvn
