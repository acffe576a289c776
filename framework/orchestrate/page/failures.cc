#include "orchestrate/page/failures.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/secrets.h"

namespace mvn {
namespace {

constexpr std::size_t kMostNamed = 200;  // trials of a cause

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// A path, or a word with a digit in it: an id, a number, a step.
bool differs_by_trial(const std::string& word) {
  return word.find('/') != std::string::npos || std::ranges::any_of(word, is_digit);
}

}  // namespace

std::string cause_of(const std::string& message) {
  std::string cause;
  std::string word;
  const auto end_word = [&] {
    cause += differs_by_trial(word) ? "…" : word;
    word.clear();
  };
  for (const char c : message) {
    if (c == ' ' || c == ',' || c == ':' || c == ';' || c == '(' || c == ')' || c == '\n') {
      end_word();
      cause += c;
    } else {
      word += c;
    }
  }
  end_word();
  return cause;
}

Json failures_by_cause(Database& db, const std::string& sweep) {
  std::map<std::pair<std::string, std::string>, Json> causes;  // by state and cause
  std::map<const Json*, std::set<std::string>> named;          // trials of each
  db.each(
      "SELECT v.state, v.message, v.trial, v.params, v.seed, coalesce(v.log_tail, '') FROM "
      "mvn_sweep s"
      " JOIN failures v ON v.sweep = s.name"
      " JOIN mvn_trial t ON t.sweep = s.id AND t.short = v.trial"
      " WHERE s.name = ? AND t.current = 1",
      [&](SQLite::Statement& row) {
        const auto state = row.getColumn(0).getString();
        const auto message = text_without_secrets(row.getColumn(1).getString());
        auto& cause = causes[{state, cause_of(message)}];
        if (cause.is_null()) {
          cause = {{"state", state},
                   {"message", message},
                   {"count", 0},
                   {"trials", Json::array()},
                   {"log", text_without_secrets(row.getColumn(5).getString())}};
        }
        cause["count"] = cause["count"].get<int>() + 1;
        const auto id = row.getColumn(2).getString();
        if (!named[&cause].insert(id).second || cause["trials"].size() >= kMostNamed) return;
        cause["trials"].push_back({{"id", id},
                                   {"params", row.getColumn(3).getString()},
                                   {"seed", row.getColumn(4).getInt64()}});
      },
      sweep);
  std::vector<Json> sorted;
  for (auto& [key, cause] : causes) {
    cause["trial_count"] = named[&cause].size();
    sorted.push_back(std::move(cause));
  }
  std::ranges::stable_sort(sorted, std::greater<>(),
                           [](const Json& cause) { return cause["count"].get<int>(); });
  return sorted;
}

}  // namespace mvn
