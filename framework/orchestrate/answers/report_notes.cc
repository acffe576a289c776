#include "orchestrate/answers/report_notes.h"

#include "common/printable.h"
#include "orchestrate/answers/words.h"
#include "orchestrate/store/lookup.h"

namespace mvn {
namespace {

constexpr std::int64_t kShownFailures = 50;
constexpr std::int64_t kNamedTrials = 3;  // in a sentence

// As a terminal may see it.
std::string text(SQLite::Statement& row, int column) {
  return printable(row.getColumn(column).getString());
}

}  // namespace

ReportNotes::ReportNotes(Database& db, const std::string& sweep)
    : db_(db), sweep_(sweep), name_(names_of_trials(db, sweep)) {
  db.each(
      "SELECT state, count(*) FROM mvn_trial"
      " WHERE sweep = (SELECT id FROM mvn_sweep WHERE name = ?) AND current = 1 GROUP BY state",
      [&](SQLite::Statement& row) { counts_[text(row, 0)] = row.getColumn(1).getInt64(); }, sweep);
}

std::int64_t ReportNotes::in_state(const char* state) const {
  const auto found = counts_.find(state);
  return found == counts_.end() ? 0 : found->second;
}

std::string ReportNotes::of_done(std::int64_t count, const std::string& stage) const {
  const auto all = db_.integer(
      "SELECT count(*) FROM mvn_trial WHERE sweep = (SELECT id FROM mvn_sweep WHERE name = ?)"
      " AND stage = ? AND current = 1 AND state = 'done'",
      sweep_, stage);
  return std::to_string(count) + " of " + std::to_string(all.value_or(0)) +
         (all == 1 ? " trial that is done" : " trials that are done");
}

void ReportNotes::print_numberless(const std::string& stage, const std::string& metric,
                                   std::ostream& out) const {
  std::int64_t count = 0;
  std::string named;
  db_.each(
      "WITH last AS (SELECT t.label, t.seed, t.position,"
      "  (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = g.metric"
      "   ORDER BY m.step DESC LIMIT 1) AS value,"
      "  EXISTS (SELECT 1 FROM mvn_value m WHERE m.trial = t.id AND m.name = g.metric) AS measured"
      "  FROM mvn_sweep s JOIN mvn_trial t ON t.sweep = s.id"
      "  JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
      "  WHERE s.name = ? AND t.stage = ? AND t.current = 1 AND t.state = 'done')"
      " SELECT label, seed, value FROM last"
      " WHERE measured AND NOT coalesce(abs(value) < 9e999, 0) ORDER BY position",
      [&](SQLite::Statement& row) {
        if (++count > kNamedTrials) return;
        const double value = row.isColumnNull(2) ? 0 : row.getColumn(2).getDouble();
        named += (count == 1 ? "" : ", ");
        named += value == 0 ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        named += " of " + name_("", text(row, 0), row.getColumn(1).getInt64());
      },
      sweep_, stage);
  if (count == 0) return;
  if (count > kNamedTrials) named += " and " + std::to_string(count - kNamedTrials) + " more";
  out << "The last " << metric << " of " << of_done(count, stage)
      << " is no number and in no mean: " << named << ".\n";
}

void ReportNotes::print_below_majority(const std::string& stage, std::ostream& out) const {
  db_.each(
      "WITH compared AS (SELECT t.label, t.seed, a.name, b.name AS bound,"
      "  (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = a.id"
      "   ORDER BY m.step DESC LIMIT 1) AS value,"
      "  (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = b.id"
      "   ORDER BY m.step DESC LIMIT 1) AS least"
      "  FROM mvn_metric_name b JOIN mvn_metric_name a"
      "   ON b.name GLOB '*/majority' AND a.name = replace(b.name, '/majority', '/accuracy')"
      "  JOIN mvn_trial t ON t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?1)"
      "   AND t.stage = ?2 AND t.current = 1 AND t.state = 'done')"
      // The other columns are those of the row with the smallest value.
      " SELECT name, bound, label, seed, least, min(value), count(*) FROM compared"
      " WHERE value < least GROUP BY name ORDER BY name",
      [&](SQLite::Statement& row) {
        const double least = row.getColumn(4).getDouble();
        const double value = row.getColumn(5).getDouble();
        const int decimals = decimals_apart(value, least, 3);
        out << "The " << text(row, 0) << " of " << of_done(row.getColumn(6).getInt64(), stage)
            << " is below " << text(row, 1)
            << ", what the most frequent class alone would give: the lowest is "
            << fixed(value, decimals) << " against " << fixed(least, decimals) << ", of "
            << name_("", text(row, 2), row.getColumn(3).getInt64()) << ".\n";
      },
      sweep_, stage);
}

void ReportNotes::print_failures(std::ostream& out) const {
  if (in_state("failed") + in_state("diverged") + in_state("interrupted") + in_state("blocked") ==
      0) {
    return;
  }
  std::int64_t count = 0;
  db_.each(
      "SELECT v.stage, v.params, v.seed, v.trial, v.state, v.message, v.folder, v.attempts"
      " FROM mvn_sweep s JOIN mvn_trial t ON t.sweep = s.id"
      " JOIN trials v ON v.sweep = s.name AND v.id = t.hash"
      " WHERE s.name = ? AND t.current = 1"
      " AND t.state IN ('failed', 'diverged', 'interrupted', 'blocked') ORDER BY t.position",
      [&](SQLite::Statement& row) {
        if (++count > kShownFailures) return;
        const auto name = name_(text(row, 0), text(row, 1), row.getColumn(2).getInt64());
        const auto state = text(row, 4);
        const auto message = text(row, 5);
        out << (count == 1 ? "\nNot done:\n" : "") << "  " << text(row, 3) << ' ' << name << ' '
            << state << (message.empty() ? "" : ": " + message) << '\n';
        if (row.getColumn(7).getInt() > 0 && state != "blocked") {
          const auto folder = db_.path().parent_path() / text(row, 6);
          out << "    log: " << (folder / "attempts" / text(row, 7) / "log.txt").string() << '\n';
        }
      },
      sweep_);
  if (count <= kShownFailures) return;
  out << "  and " << count - kShownFailures << " more: mvn-runner query \"SELECT * FROM failures"
      << " WHERE sweep = '" << sweep_ << "'\"\n";
}

void ReportNotes::print_stopped(std::ostream& out) const {
  const auto stopped = in_state("stopped");
  if (stopped == 0) return;
  out << "\nStopped early, without a result: " << stopped << (stopped == 1 ? " trial" : " trials")
      << "; the view `stops` says why.\n";
}

}  // namespace mvn
