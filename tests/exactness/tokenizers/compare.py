#!/usr/bin/env python3
"""Compares mvn's tokenizers with the reference library: every id, and every decoded text.

    compare.py ENCODE_TEXTS SHARED_DATA             compares; says what differs, exits 1
    compare.py ENCODE_TEXTS SHARED_DATA --write     and keeps the reference's ids in reference.json

Needs Python's tokenizers in the version of requirements.txt. Texts: all files of the shared data,
by line and whole; every code point; 100,000 random texts (texts.py).
"""
import array
import json
import lzma
import pathlib
import struct
import subprocess
import sys
import tempfile

import tokenizers

import published
import texts

HERE = pathlib.Path(__file__).parent
SUFFIXES = {".txt", ".tsv", ".csv", ".jsonl", ".xz", ".json", ".md"}
RANDOM_BLOCK = 1000   # random texts a hash
POINT_BLOCK = 0x4000  # code points a hash
FULL_RANDOM = 100     # random texts whose ids are kept in full
BATCH = 20_000        # texts that are encoded together


def encode_texts(program, path, batch):
    """(ids, decoded text) of each text, as mvn has them."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
        encoded = [text.encode() for text in batch]
        source.write_bytes(b"".join(struct.pack("<I", len(t)) + t for t in encoded))
        subprocess.run([program, path, source, result, "decode"], check=True)
        data = result.read_bytes()
    at = 0
    for _ in batch:
        count, = struct.unpack_from("<I", data, at)
        ids = array.array("i", data[at + 4:at + 4 + 4 * count])
        at += 4 + 4 * count
        size, = struct.unpack_from("<I", data, at)
        yield ids, data[at + 4:at + 4 + size].decode()
        at += 4 + size


class Subject:
    """A tokenizer as the reference has it, and the files that mvn reads it from."""

    def __init__(self, name, reference, paths, program):
        self.name, self.reference, self.paths, self.program = name, reference, paths, program
        self.compared = self.ids = self.different = 0

    def compare(self, all_texts, what):
        """Encodes and decodes all texts both ways; returns the reference's ids."""
        expected = []
        for begin in range(0, len(all_texts), BATCH):
            expected += self.compare_batch(all_texts[begin:begin + BATCH], what)
        return expected

    def compare_batch(self, batch, what):
        encodings = self.reference.encode_batch_fast(batch)
        lists = [encoding.ids for encoding in encodings]
        decoded = self.reference.decode_batch(lists, skip_special_tokens=False)
        expected = [array.array("i", ids) for ids in lists]
        for path in self.paths:
            ours = encode_texts(self.program, path, batch)
            for text, ids, back, (our_ids, our_back) in zip(batch, expected, decoded, ours):
                if our_ids != ids or our_back != back:
                    self.report(what, text, (ids, back), (our_ids, our_back))
        self.compared += len(batch)
        self.ids += sum(map(len, expected))
        return expected

    def report(self, what, text, expected, ours):
        self.different += 1
        if self.different <= 10:
            for name, (ids, back) in (("reference", expected), ("mvn", ours)):
                print(f"{self.name}: {what}: {text[:60]!r}: {name}: {list(ids[:20])}, {back[:60]!r}",
                      flush=True)


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


def compare_files(subject, shared):
    """By line and whole; what is compressed, by line, and the C++ test does not read it."""
    hashes = {}
    for path in data_files(shared):
        name = path.relative_to(shared).as_posix()
        text = read(path)
        lines = subject.compare(text.split("\n"), name)
        if path.suffix != ".xz":
            hashes[name] = [hash_all(lines), hash_all(subject.compare([text], name + ", whole"))]
    return hashes


def compare_all(subject, shared):
    """Everything; returns what reference.json keeps."""
    kept = {"files": compare_files(subject, shared)}
    print(f"{subject.name}: shared data: {subject.compared} texts, {subject.ids} ids", flush=True)
    random = [texts.random_text(i) for i in range(texts.RANDOM_TEXTS)]
    ids = subject.compare(random, "random texts")
    kept["full"] = [" ".join(map(str, row)) for row in ids[:FULL_RANDOM]]
    kept["random"] = [hash_all(ids[i:i + RANDOM_BLOCK])
                      for i in range(0, texts.RANDOM_TEXTS, RANDOM_BLOCK)]
    blocks = POINT_BLOCK // texts.BLOCK
    ids = subject.compare([texts.block_text(i) for i in range(texts.BLOCKS)], "code points")
    kept["points"] = [hash_all(ids[i:i + blocks]) for i in range(0, texts.BLOCKS, blocks)]
    print(f"{subject.name}: all: {subject.compared} texts, {subject.ids} ids, "
          f"{subject.different} differences", flush=True)
    return kept


def main():
    program, shared = sys.argv[1], pathlib.Path(sys.argv[2])
    folder = shared / "tokenizers"
    wanted = (HERE / "requirements.txt").read_text().strip()
    if wanted != f"tokenizers=={tokenizers.__version__}":
        sys.exit(f"needs {wanted}, has tokenizers {tokenizers.__version__}")
    subjects = {}
    for name in published.NAMES:
        reference = published.reference(name, folder / name)
        subjects[name] = Subject(name, reference, [folder / name], program)
    with tempfile.TemporaryDirectory() as temporary:
        converted = pathlib.Path(temporary) / "tokenizer.json"
        converted.write_text(published.mistral_json(folder / "mistral"), encoding="utf-8")
        subjects["mistral"].paths.append(converted)
        kept = {name: compare_all(subject, shared) for name, subject in subjects.items()}
    if "--write" in sys.argv:
        kept = {"tokenizers": tokenizers.__version__, "random_block": RANDOM_BLOCK,
                "point_block": POINT_BLOCK, "by_tokenizer": kept}
        (HERE / "reference.json").write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(1 if any(subject.different for subject in subjects.values()) else 0)


main()
