// The little of the zip format that torch.save uses: stored (uncompressed) entries, zip64 allowed.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mvn {

// The entries of the archive in `bytes`, each a view into it. `where` begins the message of the
// DataError thrown for a damaged archive, a compressed or an encrypted entry.
std::map<std::string, std::string_view> read_stored_zip(const std::string& where,
                                                        std::string_view bytes);

}  // namespace mvn
