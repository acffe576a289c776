#include "orchestrate/store/maintenance.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/files.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/store/check_trial.h"
#include "orchestrate/store/chores.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr auto* kRebuild = "make it anew from the spools with 'mvn-runner collect --rebuild'";

void check_file(Database& db, CheckReport& report) {
  db.each("PRAGMA integrity_check(20)", [&](SQLite::Statement& row) {
    const auto text = row.getColumn(0).getString();
    if (text != "ok") report.findings.push_back({true, "the file", text, kRebuild});
  });
  db.each("SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2",
          [&](SQLite::Statement& row) {
            report.findings.push_back(
                {true, "the file",
                 plural(static_cast<std::size_t>(row.getColumn(2).getInt64()), "row") + " of " +
                     row.getColumn(0).getString() + " belong to no row of " +
                     row.getColumn(1).getString(),
                 kRebuild});
          });
}

// Folders that the database does not know.
void check_folders(Database& db, const fs::path& results, CheckReport& report) {
  for (const auto& entry : fs::directory_iterator(results)) {
    const auto name = entry.path().filename().string();
    if (!fs::exists(entry.path() / "sweep.json")) continue;
    const auto sweep = db.integer("SELECT id FROM mvn_sweep WHERE name = ?", name);
    if (!sweep) {
      report.findings.push_back({true, name, "the database does not know this sweep",
                                 "it is taken in when the sweep is run, or by 'mvn-runner collect "
                                 "--rebuild'"});
      continue;
    }
    for (const auto& trial : fs::directory_iterator(entry.path())) {
      const auto id = trial.path().filename().string();
      if (!fs::is_directory(trial.path() / "attempts")) continue;
      const auto known =
          db.integer("SELECT 1 FROM mvn_trial WHERE sweep = ? AND short = ?", *sweep, id);
      if (known) continue;
      report.findings.push_back({true, (fs::path(name) / id).string(),
                                 "the database does not know this trial", kRebuild});
    }
  }
}

void check_trials(Database& db, const fs::path& results, bool at_work, CheckReport& report) {
  std::vector<TrialToCheck> trials;
  db.each(
      "SELECT t.id, s.name, t.hash, t.state FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
      " ORDER BY t.id",
      [&](SQLite::Statement& row) {
        trials.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getString(),
                          row.getColumn(2).getString(), row.getColumn(3).getString()});
      });
  report.trials = static_cast<std::int64_t>(trials.size());
  TrialCheck check(db, results, at_work);
  for (const auto& trial : trials) check.run(trial, report);
}

// A link fails where the file has appeared meanwhile, which a rename would replace; some file
// systems have no links.
void put_in_place(const fs::path& written, const fs::path& file) {
  std::error_code error;
  fs::create_hard_link(written, file, error);
  if (error == std::errc::file_exists) throw Error(path_text(file) + " exists already");
  if (error) {
    fs::rename(written, file);
  } else {
    fs::remove(written);
  }
}

}  // namespace

bool CheckReport::is_whole() const {
  return std::ranges::none_of(findings, [](const CheckFinding& each) { return each.fault; });
}

CheckReport check_database(const fs::path& results, bool at_work) {
  const auto path = database_path(results);
  return translate_errors(path, [&] {
    Database db(path, Access::kRead);
    CheckReport report;
    // One moment of the database, however long this takes and whoever writes.
    db.connection().exec("BEGIN");
    check_file(db, report);
    if (!report.is_whole()) return report;  // what it says of its trials means nothing
    report.sweeps = db.known_integer("SELECT count(*) FROM mvn_sweep");
    check_trials(db, results, at_work, report);
    if (!at_work) check_folders(db, results, report);
    return report;
  });
}

VacuumSummary vacuum_database(const fs::path& results) {
  const auto path = database_path(results);
  const auto bytes = [&] {
    std::uintmax_t all = 0;
    for (const char* suffix : {"", "-wal"}) {
      std::error_code none;
      const auto size = fs::file_size(path.string() + suffix, none);
      all += none ? 0 : size;
    }
    return all;
  };
  VacuumSummary summary{bytes(), 0};
  translate_errors(path, [&] {
    Database db(path, Access::kWrite);
    db.connection().exec("VACUUM");
    db.connection().exec("PRAGMA wal_checkpoint(TRUNCATE)");
  });
  summary.after = bytes();
  return summary;
}

std::uintmax_t backup_database(const fs::path& database, const fs::path& file) {
  if (fs::exists(fs::symlink_status(file))) {
    throw Error(path_text(file) + " exists already; choose another name, or remove it");
  }
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder)) throw Error(path_text(folder) + ": no such folder");
  const fs::path writing =
      folder / ("." + file.filename().string() + "." + std::to_string(::getpid()) + ".tmp");
  try {
    translate_errors(database, [&] {
      Database db(database, Access::kRead);
      SQLite::Statement copy(db.connection(), "VACUUM INTO ?");
      copy.bind(1, writing.string());
      copy.exec();
    });
    fs::permissions(writing, fs::perms::owner_read | fs::perms::owner_write);
    sync_path(writing);
    put_in_place(writing, file);
    sync_path(folder);
  } catch (const fs::filesystem_error& error) {
    fs::remove(writing);
    throw Error(path_text(file) + ": cannot be written: " + error.code().message());
  } catch (...) {
    fs::remove(writing);
    throw;
  }
  return fs::file_size(file);
}

}  // namespace mvn
