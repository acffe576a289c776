#include "train/tokenizers/unicode.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/utf8.h"
#include "train/tokenizers/unicode_tables.h"

namespace mvn::unicode {
namespace {

constexpr std::size_t kCodePoints = 0x110000;

std::unique_ptr<std::uint8_t[]> expand(std::span<const ClassRun> runs) {
  auto table = std::make_unique<std::uint8_t[]>(kCodePoints);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t end = i + 1 < runs.size() ? runs[i + 1].first : kCodePoints;
    std::fill(table.get() + runs[i].first, table.get() + end, runs[i].value);
  }
  return table;
}

// Hangul syllables are composed by arithmetic (Unicode 3.12).
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTrails = 0x11A7;
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTrailCount;

struct NormalisationData {
  std::unique_ptr<std::uint8_t[]> combining = expand(kCombiningRuns);
  std::unordered_map<char32_t, const Decomposition*> decompositions;
  std::unordered_map<std::uint64_t, char32_t> compositions;
  // Code points that NFC may change or move: those with a combining class, a decomposition, or the
  // second place in a composition.
  std::vector<bool> may_change = std::vector<bool>(kCodePoints);

  NormalisationData() {
    for (const auto& entry : kDecompositions) {
      decompositions.emplace(entry.code_point, &entry);
    }
    for (const auto& [first, second, composed] : kCompositions) {
      compositions.emplace(std::uint64_t{first} << 32 | second, composed);
    }
    for (const auto& entry : kDecompositions) may_change[entry.code_point] = true;
    // What decomposes and composes to itself again stays as it is between starters.
    for (const auto& entry : kCompositions) may_change[entry.composed] = false;
    for (const auto& entry : kCompositions) may_change[entry.second] = true;
    for (std::size_t c = 0; c < kCodePoints; ++c) {
      if (combining[c] != 0) may_change[c] = true;
    }
    for (char32_t c = 0; c < kVowelCount; ++c) may_change[kVowels + c] = true;
    for (char32_t c = 1; c < kTrailCount; ++c) may_change[kTrails + c] = true;
  }
};

const NormalisationData& data() {
  static const NormalisationData instance;
  return instance;
}

void decompose(char32_t c, std::vector<char32_t>& out) {
  if (c >= kSyllables && c < kSyllables + kSyllableCount) {
    const char32_t index = c - kSyllables;
    out.push_back(kLeads + index / (kVowelCount * kTrailCount));
    out.push_back(kVowels + index % (kVowelCount * kTrailCount) / kTrailCount);
    if (index % kTrailCount != 0) out.push_back(kTrails + index % kTrailCount);
    return;
  }
  const auto found = data().decompositions.find(c);
  if (found == data().decompositions.end()) {
    out.push_back(c);
    return;
  }
  for (const char32_t part : found->second->parts) {
    if (part != 0) out.push_back(part);
  }
}

// Marks between two starters go by their classes, stably.
void order_marks(std::vector<char32_t>& points) {
  const auto* classes = data().combining.get();
  auto begin = points.begin();
  while (begin != points.end()) {
    if (classes[*begin] == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, points.end(), [&](char32_t c) { return classes[c] == 0; });
    std::stable_sort(begin, end, [&](char32_t a, char32_t b) { return classes[a] < classes[b]; });
    begin = end;
  }
}

// The code point that `first` and `second` make together, or 0.
char32_t composed(char32_t first, char32_t second) {
  if (first >= kLeads && first < kLeads + kLeadCount && second >= kVowels &&
      second < kVowels + kVowelCount) {
    return kSyllables + ((first - kLeads) * kVowelCount + (second - kVowels)) * kTrailCount;
  }
  if (first >= kSyllables && first < kSyllables + kSyllableCount &&
      (first - kSyllables) % kTrailCount == 0 && second > kTrails &&
      second < kTrails + kTrailCount) {
    return first + (second - kTrails);
  }
  const auto found = data().compositions.find(std::uint64_t{first} << 32 | second);
  return found == data().compositions.end() ? 0 : found->second;
}

// Joins each starter with the marks that are not blocked from it.
void compose(std::vector<char32_t>& points) {
  const auto* classes = data().combining.get();
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t starter = kNone;
  std::size_t kept = 0;
  int last_class = -1;  // of the last kept point after the starter, -1: none
  for (const char32_t c : std::vector<char32_t>(points)) {
    const int c_class = classes[c];
    const bool blocked = last_class != -1 && last_class >= c_class;
    if (starter != kNone && !blocked) {
      if (const char32_t joined = composed(points[starter], c); joined != 0) {
        points[starter] = joined;
        continue;
      }
    }
    if (c_class == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = c_class;
    }
    points[kept++] = c;
  }
  points.resize(kept);
}

}  // namespace

const std::uint8_t* class_table() {
  static const std::unique_ptr<std::uint8_t[]> table = expand(kClassRuns);
  return table.get();
}

bool is_surely_nfc(std::string_view text) {
  const auto& may_change = data().may_change;
  for (std::size_t at = 0; at < text.size();) {
    // Below U+0300 every code point is its own NFC.
    if (static_cast<unsigned char>(text[at]) < 0xCC) {
      ++at;
      continue;
    }
    const CodePoint point = code_point_at(text, at);
    if (may_change[point.value]) return false;
    at += point.size;
  }
  return true;
}

std::string nfc(std::string_view text) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    decompose(point.value, points);
    at += point.size;
  }
  order_marks(points);
  compose(points);
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : points) append_utf8(result, c);
  return result;
}

}  // namespace mvn::unicode
