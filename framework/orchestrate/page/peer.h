// Who is at the other end of a local connection. Private to the page.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace mvn {

// The user whose process has the socket 127.0.0.1:`theirs` that is connected to 127.0.0.1:`ours`,
// by the kernel's table of connections (/proc/net/tcp); nothing where it is not in there.
std::optional<uid_t> owner_of_connection(std::string_view table, int theirs, int ours);

// Whether that is this user or the superuser; what the kernel does not tell counts as a stranger.
bool is_own_connection(int theirs, int ours);

}  // namespace mvn
