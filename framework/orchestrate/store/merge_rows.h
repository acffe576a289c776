// Rows of another results database in this one. Private to the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "orchestrate/store/database.h"

namespace mvn {

// Between its making and release() the other database is attached; take() and finish() are called
// within one transaction.
class MergedRows {
 public:
  // `other` is of the same schema.
  MergedRows(Database& db, const std::filesystem::path& other);

  // The trial of the other database, in place of this one's where there is one.
  void take(const std::string& sweep, const std::string& id);
  // All that belongs to the trials taken; labels anew, as what varies may be more than before.
  void finish();
  // After the transaction.
  void release();

 private:
  // The sweep's row here, made of the other's where there is none.
  std::int64_t sweep_row(const std::string& sweep);
  void take_names();
  void take_stages(std::int64_t other, std::int64_t own);
  void relabel(std::int64_t sweep);

  Database& db_;
};

}  // namespace mvn
