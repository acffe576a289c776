// encode_texts TOKENIZER INPUT OUTPUT [decode]: the ids of many texts, for comparison with the
// reference library. INPUT is a sequence of (uint32 size, bytes), OUTPUT of (uint32 count, int32
// ids), or with `decode` also the decoded text as (uint32 size, bytes) after the ids.
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>

#include "common/files.h"
#include "train/tokenizers/load.h"

namespace {

template <typename T>
void put(std::ofstream& out, const T* data, std::size_t count) {
  const auto size = static_cast<std::uint32_t>(count);
  out.write(reinterpret_cast<const char*>(&size), sizeof size);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(count * sizeof(T)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: encode_texts TOKENIZER INPUT OUTPUT [decode]\n";
    return 2;
  }
  const auto tokenizer = mvn::load_tokenizer(argv[1], "tokenizer");
  const std::string input = mvn::read_file(argv[2]);
  std::ofstream out(argv[3], std::ios::binary);
  for (std::size_t at = 0; at < input.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, input.data() + at, sizeof size);
    const auto ids = tokenizer->encode(std::string_view(input).substr(at + sizeof size, size));
    at += sizeof size + size;
    put(out, ids.data(), ids.size());
    if (argc > 4) {
      const std::string text = tokenizer->decode(ids);
      put(out, text.data(), text.size());
    }
  }
  return out.good() ? 0 : 1;
}
