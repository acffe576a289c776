// tokenize_benchmark TOKENIZER THREADS FILE...: encodes every line of the files once, starting with
// nothing remembered, as the tasks do, and prints "SECONDS IDS SHA256", the hash being that of all
// ids.
//
// compare.py runs it beside the reference library.
#include <chrono>
#include <iostream>

#include "common/files.h"
#include "common/hashing.h"
#include "train/tokenizers/load.h"

namespace {

void append_lines(const std::string& text, std::vector<std::string>& lines) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
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
  std::vector<std::int32_t> all;
  mvn::encode_each(*tokenizer, lines, std::stoi(argv[2]), [&](std::size_t, const auto ids) {
    all.insert(all.end(), ids.begin(), ids.end());
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  const std::string_view bytes(reinterpret_cast<const char*>(all.data()),
                               all.size() * sizeof all[0]);
  std::cout << took.count() << ' ' << all.size() << ' ' << mvn::sha256(bytes) << '\n';
}
