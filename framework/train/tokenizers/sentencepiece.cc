#include "train/tokenizers/sentencepiece.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>

#include "common/utf8.h"
#include "mvn/error.h"
#include "train/tokenizers/unicode.h"

namespace mvn {
namespace {

// One field of a protocol buffer: a number (varint, fixed32, fixed64) or bytes.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}

  // The next field, or nothing at the end. Throws DataError (without a file) when damaged.
  std::optional<Field> next() {
    if (data_.empty()) return std::nullopt;
    const std::uint64_t tag = varint();
    Field field;
    field.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:
        throw DataError("unknown wire type");
    }
    return field;
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > data_.size()) throw DataError("ends inside a field");
    const std::string_view taken = data_.substr(0, size);
    data_.remove_prefix(size);
    return taken;
  }

  std::uint64_t fixed(std::size_t size) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t value = 0;
    std::memcpy(&value, take(size).data(), size);
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    throw DataError("a number is too long");
  }

  std::string_view data_;
};

enum class PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;
};

// The parts of SentencePiece's ModelProto that matter, with its defaults.
struct Model {
  std::vector<Piece> pieces;
  std::uint64_t type = 1;  // 1 unigram, 2 BPE
  bool byte_fallback = false;
  bool has_charsmap = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
};

Piece read_piece(std::string_view data) {
  Piece piece;
  Reader reader(data);
  while (const auto field = reader.next()) {
    if (field->number == 1) piece.text = field->bytes;
    if (field->number == 2)
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
    if (field->number == 3) piece.type = static_cast<PieceType>(field->value);
  }
  if (valid_utf8_prefix(piece.text) != piece.text.size()) throw DataError("a piece is not UTF-8");
  return piece;
}

void read_trainer(std::string_view data, Model& model) {
  Reader reader(data);
  while (const auto field = reader.next()) {
    if (field->number == 3) model.type = field->value;
    if (field->number == 35) model.byte_fallback = field->value != 0;
  }
}

void read_normalizer(std::string_view data, Model& model) {
  Reader reader(data);
  while (const auto field = reader.next()) {
    if (field->number == 2) model.has_charsmap = !field->bytes.empty();
    if (field->number == 3) model.add_dummy_prefix = field->value != 0;
    if (field->number == 4) model.remove_extra_whitespaces = field->value != 0;
  }
}

Model read_model(std::string_view data) {
  Model model;
  Reader reader(data);
  while (const auto field = reader.next()) {
    if (field->number == 1) model.pieces.push_back(read_piece(field->bytes));
    if (field->number == 2) read_trainer(field->bytes, model);
    if (field->number == 3) read_normalizer(field->bytes, model);
  }
  if (model.pieces.empty()) throw DataError("has no pieces");
  return model;
}

// Every way to make a piece of two others, by falling score; ties by the parts' ids. The order is
// that of the tokenizer.json files that transformers wrote.
Merges merges_of(const Model& model, const Vocabulary& vocabulary) {
  struct Candidate {
    std::size_t piece;
    std::int32_t left;
    std::int32_t right;
  };
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const std::string& text = model.pieces[i].text;
    for (std::size_t at = 0; at < text.size();) {
      at += code_point_at(text, at).size;
      const auto left = vocabulary.find(text.substr(0, at));
      const auto right = vocabulary.find(text.substr(at));
      if (at == text.size() || left == vocabulary.end() || right == vocabulary.end()) continue;
      candidates.push_back({i, left->second, right->second});
    }
  }
  const auto& pieces = model.pieces;
  std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    if (pieces[a.piece].score != pieces[b.piece].score) {
      return pieces[a.piece].score > pieces[b.piece].score;
    }
    return std::tie(a.piece, a.left, a.right) < std::tie(b.piece, b.left, b.right);
  });
  Merges merges;
  merges.reserve(candidates.size());
  for (const auto& [piece, left, right] : candidates) {
    merges.emplace_back(pieces[static_cast<std::size_t>(left)].text,
                        pieces[static_cast<std::size_t>(right)].text);
  }
  return merges;
}

void check_supported(const Model& model, const JsonSource& source) {
  const auto refuse = [&](const std::string& what) {
    throw ConfigError(source.key,
                      source.path.string() + ": " + what +
                          "; convert the tokenizer to tokenizer.json with transformers");
  };
  if (model.type != 2) refuse("only SentencePiece models of type BPE are supported");
  if (model.has_charsmap) refuse("a SentencePiece normalisation table is not supported");
  if (model.remove_extra_whitespaces) refuse("remove_extra_whitespaces is not supported");
}

TokenizerParts parts_of(const Model& model) {
  TokenizerParts parts;
  Vocabulary vocabulary;
  BpeOptions options{.fuse_unk = true, .byte_fallback = model.byte_fallback};
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& [text, score, type] = model.pieces[i];
    const auto id = static_cast<std::int32_t>(i);
    if (!vocabulary.emplace(text, id).second) {
      throw DataError("the piece '" + text + "' is there twice");
    }
    if (type == PieceType::kUnknown) options.unk_token = text;
    if (type != PieceType::kUnknown && type != PieceType::kControl &&
        type != PieceType::kUserDefined) {
      continue;
    }
    if (text.empty()) throw DataError("a special piece is empty");
    parts.added_tokens.set({.id = id,
                            .content = text,
                            .normalized = false,
                            .special = type != PieceType::kUserDefined});
  }
  const Merges merges = merges_of(model, vocabulary);
  parts.model = std::make_shared<const Bpe>(std::move(vocabulary), merges, options);
  return parts;
}

}  // namespace

TokenizerParts read_sentencepiece(const JsonSource& source, std::string_view data) {
  try {
    const Model model = read_model(data);
    check_supported(model, source);
    TokenizerParts parts = parts_of(model);
    const std::string marker(unicode::kSpaceMarkerUtf8);
    if (model.add_dummy_prefix) parts.normalizers.emplace_back(Prepend{marker});
    parts.normalizers.emplace_back(Replace{" ", marker});
    parts.decoders = {Replace{marker, " "}, ByteFallback{}, Fuse{}};
    if (model.add_dummy_prefix) parts.decoders->emplace_back(Strip{" ", 1, 0});
    if (const std::int32_t begin = parts.model->id_of("<s>"); begin >= 0) {
      parts.prefix = {begin};
      parts.pair = PairTokens{{begin}, {begin}, {}};  // as transformers converts it
    }
    return parts;
  } catch (const DataError& e) {
    throw DataError(source.path.string() + ": " + e.what());
  }
}

}  // namespace mvn
