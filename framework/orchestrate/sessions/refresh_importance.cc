#include "orchestrate/sessions/refresh_importance.h"

#include "orchestrate/answers/importance.h"
#include "orchestrate/store/store.h"

namespace mvn {

void refresh_importance(const std::filesystem::path& results, const std::set<std::string>& sweeps) {
  const auto database = database_path(results);
  Store store(database);
  for (const auto& sweep : sweeps) {
    store.set_importance(sweep, sweep_importance(database, sweep));
  }
}

}  // namespace mvn
