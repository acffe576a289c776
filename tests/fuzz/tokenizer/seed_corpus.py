#!/usr/bin/env python3
"""Writes first inputs for the tokenizer fuzzer: the variants of features.json with some texts, and
a SentencePiece model of a few pieces.

    python3 seed_corpus.py FOLDER
"""
import json
import pathlib
import struct
import sys

FEATURES = pathlib.Path(__file__).parents[2] / "exactness" / "tokenizers" / "features.json"


def small(model):
    """Few enough tokens that a mutation hits something."""
    vocabulary = dict(list(model["vocab"].items())[:12])
    merges = [m for m in model["merges"] if isinstance(m, list)
              and all(t in vocabulary for t in (*m, "".join(m)))]
    for word in ("lo", "th"):
        for token in (*word, word):
            vocabulary.setdefault(token, len(vocabulary))
        merges.append(list(word))
    return {**model, "vocab": {t: i for i, t in enumerate(vocabulary)}, "merges": merges}


def piece(text, score, kind):
    data = text.encode()
    body = b"\x0a" + bytes([len(data)]) + data + b"\x15" + struct.pack("<f", score) + bytes([0x18, kind])
    return b"\x0a" + bytes([len(body)]) + body


def main():
    folder = pathlib.Path(sys.argv[1])
    features = json.loads(FEATURES.read_text())
    for i, variant in enumerate(features["variants"]):
        made = {**features["bases"].get(variant["base"], {}), **variant["patch"]}
        made["model"] = small({**features["bases"].get(variant["base"], {}).get("model", {}),
                               **made["model"]})
        made["added_tokens"] = [
            {**t, "id": made["model"]["vocab"].get(t["content"], len(made["model"]["vocab"]))}
            for t in made["added_tokens"][:1]]
        text = " the <tok> low lo\n" + features["texts"][i % len(features["texts"])][:60]
        (folder / f"variant{i:02}").write_bytes(json.dumps(made).encode() + b"\n---\n" + text.encode())
    model = b"".join([piece("<unk>", 0, 2), piece("<s>", 0, 3), piece("</s>", 0, 3),
                      *(piece(f"<0x{b:02X}>", 0, 6) for b in (10, 65)),
                      piece("\u2581lo", -1, 1), piece("lo", -2, 1), piece("l", -3, 1),
                      piece("o", -4, 1), piece("\u2581", -5, 1), piece("user", 0, 4)])
    trainer, normalizer = b"\x12\x05\x18\x02\x98\x02\x01", b"\x1a\x04\x18\x01\x20\x00"
    (folder / "sentencepiece").write_bytes(model + trainer + normalizer + b"\n---\n lo lol user\nA")


main()
