#include "orchestrate/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <limits>

#include "common/disk_full.h"
#include "common/files.h"
#include "mvn/error.h"
#include "orchestrate/store/chores.h"
#include "orchestrate/store/lock_holder.h"
#include "orchestrate/store/schema.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

constexpr int kWriterWaitsMs = 30'000;  // for a person's shell that holds a lock
constexpr int kReaderWaitsMs = 5'000;
constexpr std::uint64_t kLargestInteger = std::numeric_limits<std::int64_t>::max();

// WAL needs memory shared by all its processes, which these file systems do not give.
bool is_network_file_system(const std::filesystem::path& folder) {
  struct statfs information {};
  if (::statfs(folder.c_str(), &information) != 0) return false;
  switch (static_cast<std::uint32_t>(information.f_type)) {
    case 0x6969U:      // NFS
    case 0xFE534D42U:  // SMB2
    case 0xFF534D42U:  // CIFS
    case 0x0BD00BD0U:  // Lustre
    case 0x47504653U:  // GPFS
    case 0x19830326U:  // BeeGFS
      return true;
    default:
      return false;
  }
}

std::filesystem::path folder_of_file(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A WAL database in a folder where nothing can be created opens only as immutable: allowed when
// no WAL lies beside it, which means that nobody is writing.
bool must_be_immutable(const std::filesystem::path& path) {
  return ::access(folder_of_file(path).c_str(), W_OK) != 0 &&
         !std::filesystem::exists(path.string() + "-wal");
}

std::string uri_of(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr const char* kDigits = "0123456789ABCDEF";
      uri += {'%', kDigits[c >> 4], kDigits[c & 15]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

SQLite::Database open(const std::filesystem::path& path, Access access) {
  if (access == Access::kRead) {
    if (must_be_immutable(path)) {
      return {uri_of(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI, kReaderWaitsMs};
    }
    return {path.string(), SQLite::OPEN_READONLY, kReaderWaitsMs};
  }
  std::filesystem::create_directories(folder_of_file(path));
  // SQLite would create it for everyone, and follow a link.
  if (!std::filesystem::exists(path) || std::filesystem::is_symlink(path)) {
    ::close(open_own_file(path, O_RDWR));
  }
  return {path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kWriterWaitsMs};
}

void prepare_for_writing(SQLite::Database& connection, const std::filesystem::path& path) {
  migrate(connection);
  const bool network = is_network_file_system(folder_of_file(path));
  connection.exec(network ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL");
  connection.exec(network ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  connection.exec("PRAGMA foreign_keys = ON");
  connection.exec("PRAGMA cache_size = -16384");  // KiB: with a large sweep it is filled
  do_chores(connection, folder_of_file(path));
}

// What is read here is the same in an older database, as far as that holds it: it is brought up to
// date when it is next written.
void add_views_of_now(SQLite::Database& connection) {
  constexpr int kFirstStepKnown = 4;
  const int version = connection.execAndGet("PRAGMA user_version").getInt();
  constexpr auto* kKinds = "SELECT count(*) FROM sqlite_schema WHERE name = 'mvn_metric_kind'";
  if (version > 0 && connection.execAndGet(kKinds).getInt() == 0) {
    std::string view(schema_metric_kind());
    view.insert(view.find("VIEW"), "TEMP ");
    connection.exec(view);
  }
  if (version == 0 || version >= kFirstStepKnown) return;
  connection.exec(
      "CREATE TEMP VIEW mvn_value AS SELECT * FROM mvn_metric m WHERE NOT EXISTS"
      " (SELECT 1 FROM mvn_metric later WHERE later.trial = m.trial AND later.name = m.name"
      "  AND later.step = m.step AND later.attempt > m.attempt)");
}

}  // namespace

Database::Database(const std::filesystem::path& path, Access access)
    : path_(path), connection_(open(path, access)) {
  if (access == Access::kWrite) {
    prepare_for_writing(connection_, path);
  } else {
    // Two connections that checkpoint at once can lose a WAL in SQLite before 3.51.3.
    connection_.exec("PRAGMA wal_autocheckpoint = 0");
    connection_.exec(
        "PRAGMA cache_size = -65536");  // KiB: what asks of all trials reads rows twice
    add_views_of_now(connection_);
  }
}

SQLite::Statement& Database::statement(const char* sql) {
  auto& statement = statements_[sql];
  if (statement) {
    statement->tryReset();  // reports the failure of the run before, which was thrown then
    statement->clearBindings();
  } else {
    statement = std::make_unique<SQLite::Statement>(connection_, sql);
  }
  return *statement;
}

void Database::bind(SQLite::Statement& statement, int index, const Json& value) {
  const bool beyond = value.is_number_unsigned() && value.get<std::uint64_t>() > kLargestInteger;
  if (value.is_null()) {
    statement.bind(index);
  } else if (value.is_boolean()) {
    statement.bind(index, static_cast<int>(value.get<bool>()));
  } else if (value.is_number_integer() && !beyond) {
    statement.bind(index, value.get<std::int64_t>());
  } else if (value.is_number()) {
    statement.bind(index, value.get<double>());
  } else if (value.is_string()) {
    statement.bind(index, value.get_ref<const std::string&>());
  } else {
    statement.bind(index, value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

Json Database::json(const SQLite::Statement& row, int column) const {
  const SQLite::Column value = row.getColumn(column);
  return parse_json(value.getString(),
                    path_.string() + ": column '" + std::string(value.getName()) + "'");
}

void throw_translated(const std::filesystem::path& path, const SQLite::Exception& error) {
  const std::string where = path.string() + ": ";
  switch (error.getErrorCode()) {
    case SQLITE_FULL:
      throw DiskFull(where + "the disk is full; free some space and run the same command again");
    case SQLITE_BUSY:
      throw DatabaseLocked(where + lock_holder(path) +
                           " keeps it locked: let that finish, or close it");
    case SQLITE_NOTADB:
      throw Error(where +
                  "no SQLite database, or damaged; make it anew from the spools with 'mvn-runner "
                  "collect --rebuild', or give another folder with --results");
    case SQLITE_CORRUPT:
      throw Error(where + "damaged (" + error.what() +
                  "); make it anew from the spools with 'mvn-runner collect --rebuild'");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      throw Error(where + "cannot be opened for this: " + error.what());
    default:
      throw Error(where + error.what());
  }
}

}  // namespace mvn
