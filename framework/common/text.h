// Small pieces of the sentences that people read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mvn {

// "1 trial", "3 trials".
std::string plural(std::size_t count, std::string_view noun);

// The first digits of an id or a hash: what people and folders call a trial.
inline constexpr std::size_t kShortId = 12;
std::string short_id(std::string_view id);

// The path as a person finds it: relative to the working directory where it is below.
std::string path_text(const std::filesystem::path& path);
// The command as a shell takes it.
std::string shell_text(const std::vector<std::string>& command);

// "12.3 s", "4m 05s", "3h 12m", "2d 04h".
std::string duration_text(double seconds);
// "0.25", "38.2", "1204": three significant digits or the whole number.
std::string rate_text(double rate);
// "0.4312", "1e-05": four significant digits.
std::string short_number(double number);

// The columns that UTF-8 text takes (one a character).
std::size_t columns(std::string_view text);
// At most `width` columns of UTF-8 text; what is cut ends in "...".
std::string shortened(const std::string& text, std::size_t width);
// The last `lines` lines of a text; at most 4000 bytes of it.
std::string last_lines(const std::string& text, std::size_t lines);

}  // namespace mvn
