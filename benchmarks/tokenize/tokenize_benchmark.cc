// tokenize_benchmark TOKENIZER THREADS FILE...: encodes every line of the files once, starting with
// nothing remembered, and prints "SECONDS IDS SHA256", the hash being that of all ids.
//
// compare.py runs it beside the reference library.
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include "common/files.h"
#include "common/hashing.h"
#include "train/tokenizers/load.h"

namespace {

using Ids = std::vector<std::int32_t>;

void append_lines(const std::string& text, std::vector<std::string>& lines) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

std::vector<Ids> encode_all(const mvn::Tokenizer& tokenizer, const std::vector<std::string>& lines,
                            int threads) {
  constexpr std::size_t kChunk = 256;
  std::vector<Ids> all(lines.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t begin; (begin = next.fetch_add(kChunk)) < lines.size();) {
      const std::size_t end = std::min(begin + kChunk, lines.size());
      for (std::size_t i = begin; i < end; ++i) all[i] = tokenizer.encode(lines[i]);
    }
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  others.clear();
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: tokenize_benchmark TOKENIZER THREADS FILE...\n";
    return 2;
  }
  const auto tokenizer = mvn::load_tokenizer(argv[1], "tokenizer");
  std::vector<std::string> lines;
  for (int i = 3; i < argc; ++i) append_lines(mvn::read_file(argv[i]), lines);

  const auto start = std::chrono::steady_clock::now();
  const auto all = encode_all(*tokenizer, lines, std::stoi(argv[2]));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  std::string bytes;
  std::size_t count = 0;
  for (const Ids& ids : all) {
    bytes.append(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]);
    count += ids.size();
  }
  std::cout << took.count() << ' ' << count << ' ' << mvn::sha256(bytes) << '\n';
}
