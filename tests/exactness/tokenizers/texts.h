// The texts that the tokenizers are compared on; texts.py makes the same ones in Python.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace mvn::test {

inline constexpr int kRandomTexts = 100'000;
inline constexpr int kBlockTexts = 0x110000 / 16;

// A seeded mixture of letters, marks, white space, controls, emoji, long runs, special tokens.
std::string random_text(int index);

// Every code point of a block of 16, in several surroundings.
std::string block_text(int index);

// FNV-1a over the ids of one text and an end mark, 32 bits at a time; begin with kFnvStart.
inline constexpr std::uint64_t kFnvStart = 0xCBF29CE484222325U;
std::uint64_t fnv(std::span<const std::int32_t> ids, std::uint64_t state);

}  // namespace mvn::test
