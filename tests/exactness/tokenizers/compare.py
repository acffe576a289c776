#!/usr/bin/env python3
"""Compares mvn's tokenizers with the reference library: every id, and every decoded text.

    compare.py ENCODE_TEXTS SHARED_DATA             compares; says what differs, exits 1
    compare.py ENCODE_TEXTS SHARED_DATA --write     and keeps the reference's ids in reference.json

Needs Python's tokenizers in the version of requirements.txt. Texts: all files of the shared data,
by line and whole; every code point; 100,000 random texts (texts.py).
"""
import json
import lzma
import pathlib
import struct
import subprocess
import sys
import tempfile

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import mistral
import texts

HERE = pathlib.Path(__file__).parent
SUFFIXES = {".txt", ".tsv", ".csv", ".jsonl", ".xz", ".json", ".md"}
RANDOM_BLOCK = 100     # random texts a hash
POINT_BLOCK = 0x4000  # code points a hash
FULL_RANDOM = 300      # random texts whose ids are kept in full


def gpt2(folder):
    made = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>"])
    return made


class Pair:
    """A tokenizer as the reference has it and as mvn has it (the path of its files)."""

    def __init__(self, name, reference, path, program):
        self.name, self.reference, self.path, self.program = name, reference, path, program
        self.compared = self.ids = self.different = 0

    def compare(self, batch, what):
        """Encodes all texts of `batch` both ways; returns the reference's ids."""
        with tempfile.TemporaryDirectory() as folder:
            source, result = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
            encoded = [text.encode() for text in batch]
            source.write_bytes(b"".join(struct.pack("<I", len(t)) + t for t in encoded))
            subprocess.run([self.program, self.path, source, result, "decode"], check=True)
            ours = result.read_bytes()
        at, expected = 0, []
        for text in batch:
            ids = self.reference.encode(text).ids
            expected.append(ids)
            self.compared += 1
            self.ids += len(ids)
            count, = struct.unpack_from("<I", ours, at)
            got = list(struct.unpack_from(f"<{count}i", ours, at + 4))
            at += 4 + 4 * count
            size, = struct.unpack_from("<I", ours, at)
            decoded = ours[at + 4:at + 4 + size].decode()
            at += 4 + size
            wanted = self.reference.decode(ids, skip_special_tokens=False)
            if got != ids or decoded != wanted:
                self.different += 1
                if self.different <= 10:
                    print(f"{self.name}: {what}: {text[:80]!r}\n  reference {ids[:20]}\n"
                          f"  mvn       {got[:20]}\n  decoded {wanted[:60]!r} / {decoded[:60]!r}")
        return expected


def data_files(shared):
    return sorted(p for p in shared.rglob("*") if p.is_file() and p.suffix in SUFFIXES)


def read(path):
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    return data.decode()


def hash_all(all_ids):
    state = 0xCBF29CE484222325
    for ids in all_ids:
        state = texts.fnv(ids, state)
    return f"{state:016x}"


def compare_all(pair, shared):
    """Everything; returns what reference.json keeps."""
    kept = {"files": {}, "random": [], "points": [], "full": []}
    for path in data_files(shared):
        name = path.relative_to(shared).as_posix()
        text = read(path)
        lines = pair.compare(text.split("\n"), name)
        whole = pair.compare([text], name)
        if path.suffix != ".xz":
            kept["files"][name] = [hash_all(lines), hash_all(whole)]
    ids = pair.compare([texts.random_text(i) for i in range(texts.RANDOM_TEXTS)], "random texts")
    kept["full"] = ids[:FULL_RANDOM]
    for begin in range(0, texts.RANDOM_TEXTS, RANDOM_BLOCK):
        kept["random"].append(hash_all(ids[begin:begin + RANDOM_BLOCK]))
    blocks = POINT_BLOCK // texts.BLOCK
    for begin in range(0, texts.BLOCKS, blocks):
        batch = [texts.block_text(i) for i in range(begin, begin + blocks)]
        kept["points"].append(hash_all(pair.compare(batch, "code points")))
    print(f"{pair.name}: {pair.compared} texts, {pair.ids} ids, {pair.different} differences")
    return kept


def main():
    program, shared = sys.argv[1], pathlib.Path(sys.argv[2])
    folder = shared / "tokenizers"
    wanted = (HERE / "requirements.txt").read_text().strip()
    if wanted != f"tokenizers=={tokenizers.__version__}":
        sys.exit(f"needs {wanted}, has tokenizers {tokenizers.__version__}")
    with tempfile.TemporaryDirectory() as temporary:
        converted = pathlib.Path(temporary) / "tokenizer.json"
        model = folder / "mistral" / "tokenizer.model"
        converted.write_text(json.dumps(mistral.convert(model.read_bytes())), encoding="utf-8")
        llama = Tokenizer.from_file(str(converted))
        neox = folder / "gpt-neox-20b" / "tokenizer.json"
        pairs = [Pair("gpt2", gpt2(folder / "gpt2"), folder / "gpt2", program),
                 Pair("gpt-neox-20b", Tokenizer.from_file(str(neox)), neox, program),
                 Pair("mistral", llama, converted, program),
                 Pair("mistral/tokenizer.model", llama, model, program)]
        kept = {pair.name: compare_all(pair, shared) for pair in pairs}
    del kept["mistral/tokenizer.model"]
    if "--write" in sys.argv:
        full = {name: part.pop("full") for name, part in kept.items()}
        kept = {"tokenizers": tokenizers.__version__, "random_block": RANDOM_BLOCK,
                "point_block": POINT_BLOCK, "by_tokenizer": kept}
        (HERE / "reference.json").write_text(json.dumps(kept, indent=1) + "\n")
        for name, rows in full.items():
            lines = "".join(" ".join(map(str, ids)) + "\n" for ids in rows)
            (HERE / f"random_ids_{name}.txt").write_text(lines)
    sys.exit(1 if any(pair.different for pair in pairs) else 0)


main()
