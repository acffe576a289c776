// Scalars by the rules of YAML 1.2's core schema: `1e-5` is a number, `no` is a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mvn {

// true|True|TRUE|false|False|FALSE
std::optional<bool> core_bool(std::string_view text);
// Decimal, 0o17 or 0xff; nullopt also where it does not fit 64 bits.
std::optional<std::int64_t> core_int(std::string_view text);
// Decimal with optional fraction and exponent (integers too), .inf, -.inf, .nan.
std::optional<double> core_real(std::string_view text);

// A number's shortest text that reads back as the same number.
std::string number_text(double number);

// The number to twelve digits: 0.1 + 0.2 is 0.3, and the same values come out of every machine's
// libraries.
double rounded(double number);

}  // namespace mvn
