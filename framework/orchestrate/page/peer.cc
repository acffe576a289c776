#include "orchestrate/page/peer.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace mvn {
namespace {

// "0100007F:1F90", as the kernel writes 127.0.0.1:8080.
std::string address(int port) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0100007F:%04X", static_cast<unsigned>(port));
  return text.data();
}

}  // namespace

std::optional<uid_t> owner_of_connection(std::string_view table, int theirs, int ours) {
  constexpr std::size_t kUser = 7;
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    if (fields.size() <= kUser || fields[1] != address(theirs) || fields[2] != address(ours)) {
      continue;
    }
    return static_cast<uid_t>(std::stoul(fields[kUser]));
  }
  return {};
}

bool is_own_connection(int theirs, int ours) {
  std::ifstream file("/proc/net/tcp");
  const std::string table{std::istreambuf_iterator<char>(file), {}};
  const auto owner = owner_of_connection(table, theirs, ours);
  return owner && (*owner == ::getuid() || *owner == 0);
}

}  // namespace mvn
