#include "runner/commands/commands.h"

#include <algorithm>

namespace mvn {

const std::vector<CommandRow>& command_table() {
  static const auto table = [] {
    std::vector<CommandRow> all;
    for (const auto& rows : {sweep_commands(), answer_commands(), page_commands(),
                             export_commands(), database_commands(), plugin_commands(),
                             hub_commands(), exchange_commands(), shell_commands()}) {
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  }();
  return table;
}

const CommandRow* find_command(const std::string& name) {
  const auto& table = command_table();
  const auto found = std::ranges::find(table, name, &CommandRow::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace mvn
