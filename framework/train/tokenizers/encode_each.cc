#include <algorithm>
#include <atomic>
#include <future>

#include "mvn/tokenizer.h"

namespace mvn {
namespace {

// Enough that taking the next chunk costs nothing, so little that threads end together.
constexpr std::size_t kChunkBytes = 32U << 10;

// The ids of some consecutive texts.
struct Chunk {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<std::int32_t> ids;
  std::vector<std::size_t> ends;  // in ids, of each text
};

std::vector<Chunk> cut(std::span<const std::string> texts) {
  std::vector<Chunk> chunks;
  std::size_t bytes = kChunkBytes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (bytes >= kChunkBytes) {
      chunks.push_back({.begin = i, .end = i, .ids = {}, .ends = {}});
      bytes = 0;
    }
    bytes += texts[i].size();
    chunks.back().end = i + 1;
  }
  return chunks;
}

void encode_chunk(const Tokenizer& tokenizer, std::span<const std::string> texts, Chunk& chunk) {
  for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
    const auto ids = tokenizer.encode(texts[i]);
    chunk.ids.insert(chunk.ids.end(), ids.begin(), ids.end());
    chunk.ends.push_back(chunk.ids.size());
  }
}

void hand_over(Chunk chunk, const TakeIds& take) {
  const std::span<const std::int32_t> ids = chunk.ids;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < chunk.ends.size(); ++i) {
    take(chunk.begin + i, ids.subspan(begin, chunk.ends[i] - begin));
    begin = chunk.ends[i];
  }
}

}  // namespace

void encode_each(const Tokenizer& tokenizer, std::span<const std::string> texts, int threads,
                 const TakeIds& take) {
  if (threads <= 1) {
    for (std::size_t i = 0; i < texts.size(); ++i) take(i, tokenizer.encode(texts[i]));
    return;
  }
  auto chunks = cut(texts);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < chunks.size(); i = next++) {
      encode_chunk(tokenizer, texts, chunks[i]);
    }
  };
  const auto helpers = std::min<std::size_t>(static_cast<std::size_t>(threads), chunks.size());
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < helpers; ++i) {
    others.push_back(std::async(std::launch::async, work));
  }
  work();
  for (auto& each : others) each.get();
  for (auto& chunk : chunks) hand_over(std::move(chunk), take);
}

}  // namespace mvn
