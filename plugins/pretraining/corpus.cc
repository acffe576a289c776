#include "corpus.h"

#include <algorithm>

#include "mvn/data.h"
#include "mvn/error.h"

namespace mvn {
namespace {

bool looks_like_a_table(const std::filesystem::path& path) {
  static const std::vector<std::string> endings = {".csv",    ".tsv",     ".jsonl", ".json",
                                                   ".ndjson", ".parquet", ".arrow", ".feather"};
  return std::find(endings.begin(), endings.end(), data_ending(path)) != endings.end();
}

std::vector<std::string> read_column(const Params& params, const std::string& which) {
  auto options = table_options(params);
  options.needed = options.joined = {params.get_text("text")};
  Table table = read_table(params.get_path(which), options, params.key(which));
  const auto column = table.column(params.get_text("text"), params.key("text"));
  std::vector<std::string> documents;
  documents.reserve(table.rows.size());
  for (auto& row : table.rows) documents.push_back(std::move(row[column]));
  return documents;
}

}  // namespace

std::vector<ParamSpec> corpus_params() {
  std::vector<ParamSpec> params = {
      {.name = "train",
       .type = ParamType::kPath,
       .help = "training text: a plain text file, or a table with the column `text`; needed unless "
               "training.steps is 0"},
      {.name = "validation",
       .type = ParamType::kPath,
       .help = "text to evaluate on while training",
       .required = true},
      {.name = "test", .type = ParamType::kPath, .help = "text to evaluate on at the end"},
      {.name = "last_word",
       .type = ParamType::kPath,
       .help = "texts whose last word is guessed at the end (LAMBADA): JSON Lines or a table with "
               "the columns context and continuation, or text"},
      {.name = "text", .help = "name of the column with the documents, where the files are tables"},
      {.name = "block",
       .type = ParamType::kInt,
       .default_value = 256,
       .help = "length of the sequences that the text is cut into",
       .unit = "tokens",
       .min = 1},
  };
  for (auto& spec : table_params()) params.push_back(std::move(spec));
  return params;
}

std::vector<std::string> read_documents(const Params& params, const std::string& which) {
  const auto path = params.get_path(which);
  std::vector<std::string> documents;
  if (params.has("text")) {
    documents = read_column(params, which);
  } else if (looks_like_a_table(path)) {
    throw ConfigError(params.key("text"), "is required where the text is in a table (" +
                                              path.string() +
                                              "): the name of the column with the documents");
  } else {
    documents.push_back(read_text(path, params.key(which), params.get_text("encoding")));
  }
  std::erase_if(documents, [](const std::string& document) { return document.empty(); });
  if (documents.empty()) throw DataError(path.string() + ": has no text");
  return documents;
}

void write_stream(const Tokenizer& tokenizer, const std::vector<std::string>& documents,
                  TokenWriter& writer, int threads) {
  std::vector<std::int32_t> stream;
  std::int64_t bytes = 0;
  const auto separator = tokenizer.end_of_text();
  const auto separate = [&] {
    if (separator >= 0) stream.push_back(separator);
  };
  separate();
  encode_each(tokenizer, documents, threads, [&](std::size_t document, const auto ids) {
    stream.insert(stream.end(), ids.begin(), ids.end());
    bytes += static_cast<std::int64_t>(documents[document].size());
    separate();
  });
  writer.add(stream, bytes);
}

Corpus::Corpus(TokenStore stream, std::int64_t block) : stream_(std::move(stream)), block_(block) {
  for (std::int64_t start = 0; start < predictions(); start += block) {
    lengths_.push_back(static_cast<std::int32_t>(std::min(block, predictions() - start)));
  }
}

std::int64_t Corpus::predictions() const {
  if (stream_.size() == 0) return 0;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(stream_[0].size()) - 1);
}

std::span<const std::int32_t> Corpus::inputs(std::int64_t index) const {
  const auto length = static_cast<std::size_t>(lengths_.at(static_cast<std::size_t>(index)));
  return stream_[0].subspan(static_cast<std::size_t>(index * block_), length);
}

std::span<const std::int32_t> Corpus::targets(std::int64_t index) const {
  const auto length = static_cast<std::size_t>(lengths_.at(static_cast<std::size_t>(index)));
  return stream_[0].subspan(static_cast<std::size_t>(index * block_) + 1, length);
}

}  // namespace mvn
