"""Makes the tokenizer.json of a Llama or Mistral model from SentencePiece's tokenizer.model, as
transformers 4 wrote the published ones.

    python3 mistral.py tokenizer.model tokenizer.json
"""
import json
import struct
import sys


def fields(data):
    """(number, value) of a protocol buffer's fields."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    at = 0
    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        elif kind == 2:
            size = varint()
            yield tag >> 3, data[at:at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[kind]
            yield tag >> 3, data[at:at + size]
            at += size


def pieces(data):
    for number, value in fields(data):
        if number == 1:
            piece = dict(fields(value))
            yield (piece[1].decode(), struct.unpack("<f", piece.get(2, bytes(4)))[0],
                   piece.get(3, 1))


def merges(vocabulary, scores):
    """transformers' generate_merges with scores."""
    found = []
    for piece, score in scores.items():
        local = [(piece[:i], piece[i:], score) for i in range(1, len(piece))
                 if piece[:i] in vocabulary and piece[i:] in vocabulary]
        found.extend(sorted(local, key=lambda m: (vocabulary[m[0]], vocabulary[m[1]])))
    found.sort(key=lambda m: m[2], reverse=True)
    return [[left, right] for left, right, _ in found]


def convert(data):
    rows = list(pieces(data))
    vocabulary = {piece: i for i, (piece, _, _) in enumerate(rows)}
    scores = {piece: score for piece, score, _ in rows}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": vocabulary[piece], "content": piece, **flags, "special": kind != 4}
                         for piece, _, kind in rows if kind in (2, 3, 4)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                     {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>", "type_id": 1}},
                     {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
                  "byte_fallback": True, "vocab": vocabulary, "merges": merges(vocabulary, scores)},
    }


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        converted = convert(file.read())
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(converted, file, ensure_ascii=False)
