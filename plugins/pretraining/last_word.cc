#include "last_word.h"

#include <algorithm>
#include <cctype>

#include "mvn/data.h"
#include "mvn/error.h"

namespace mvn {
namespace {

bool has_column(const Table& table, const char* name) {
  return std::find(table.columns.begin(), table.columns.end(), name) != table.columns.end();
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string trimmed_right(std::string text) {
  while (!text.empty() && is_space(text.back())) text.pop_back();
  return text;
}

// "a b c" -> "a b" and " c".
LastWordText split_last_word(const std::string& text) {
  const std::string whole = trimmed_right(text);
  const auto last = std::find_if(whole.rbegin(), whole.rend(), is_space);
  return {trimmed_right({whole.begin(), last.base()}), {last.base(), whole.end()}};
}

// A word follows its context after one space, as it does in the text that both were cut from.
LastWordText joined(LastWordText text) {
  text.context = trimmed_right(std::move(text.context));
  const auto first = std::find_if_not(text.word.begin(), text.word.end(), is_space);
  text.word = trimmed_right({first, text.word.end()});
  if (!text.context.empty() && !text.word.empty()) text.word.insert(0, " ");
  return text;
}

}  // namespace

std::vector<LastWordText> read_last_words(const Params& params) {
  const auto key = params.key("last_word");
  const Table table = read_table(params.get_path("last_word"), {}, key);
  const bool apart = has_column(table, "context") && has_column(table, "continuation");
  if (!apart && !has_column(table, "text")) {
    throw ConfigError(key, table.path.string() +
                               " has neither the columns 'context' and 'continuation' nor 'text'");
  }
  std::vector<LastWordText> texts;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& cells = table.rows[row];
    texts.push_back(joined(apart ? LastWordText{cells[table.column("context", key)],
                                                cells[table.column("continuation", key)]}
                                 : split_last_word(cells[table.column("text", key)])));
    if (texts.back().word.empty()) {
      throw DataError(table.path.string() + ":" + std::to_string(table.lines[row]) +
                      ": has no last word");
    }
  }
  if (texts.empty()) throw DataError(table.path.string() + ": has no rows");
  return texts;
}

void write_last_words(const Tokenizer& tokenizer, const std::vector<LastWordText>& texts,
                      TokenWriter& writer, int threads) {
  const auto closing = closing_tokens(tokenizer).size();
  std::vector<std::string> both;  // each context, then the same with its word
  for (const auto& text : texts) {
    both.push_back(text.context);
    both.push_back(text.context + text.word);
  }
  std::vector<std::int32_t> context;
  encode_each(tokenizer, both, threads, [&](std::size_t index, auto whole) {
    whole = whole.first(whole.size() - std::min(whole.size(), closing));
    if (index % 2 == 0) {
      context.assign(whole.begin(), whole.end());
      return;
    }
    const auto& text = texts[index / 2];
    if (context.size() >= whole.size()) {
      throw DataError("the word '" + text.word + "' has no token of its own after '..." +
                      text.context.substr(text.context.size() -
                                          std::min<std::size_t>(text.context.size(), 40)) +
                      "'");
    }
    const std::vector<std::int32_t> start = {std::max(0, tokenizer.end_of_text())};
    writer.add(context.empty() ? start : whole.first(context.size()));
    writer.add(whole.subspan(context.size()));
  });
}

LastWords::LastWords(TokenStore tokens, std::int64_t max_length) : tokens_(std::move(tokens)) {
  for (std::int64_t i = 0; i < tokens_.size() / 2; ++i) {
    const auto length =
        static_cast<std::int32_t>(tokens_[2 * i].size() + tokens_[2 * i + 1].size() - 1);
    const auto limit = max_length > 0 ? static_cast<std::int32_t>(max_length) : length;
    if (static_cast<std::int64_t>(word(i).size()) > limit) {
      throw ConfigError("training.max_length", "is " + std::to_string(max_length) +
                                                   ", but a last word has " +
                                                   std::to_string(word(i).size()) + " tokens");
    }
    lengths_.push_back(std::min(length, limit));
  }
}

std::vector<std::int32_t> LastWords::inputs(std::int64_t index) const {
  const auto context = tokens_[2 * index];
  const auto predicted = word(index);
  std::vector<std::int32_t> ids(context.begin(), context.end());
  ids.insert(ids.end(), predicted.begin(), predicted.end() - 1);
  const auto length = lengths_.at(static_cast<std::size_t>(index));
  return {ids.end() - length, ids.end()};
}

std::span<const std::int32_t> LastWords::word(std::int64_t index) const {
  return tokens_[2 * index + 1];
}

}  // namespace mvn
