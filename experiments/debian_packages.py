#!/usr/bin/env python3
"""Makes a text data set of what Debian's package manager already knows: no download, no account.

    python3 experiments/debian_packages.py [OUTPUT]        default: data/debian beside experiments/

Every Debian package has a synopsis ("Real-time strategy game of ancient warfare") and a section
("games"). From apt's own metadata (`apt-cache dumpavail`) this writes

    train.tsv, validation.tsv                 columns text (synopsis) and label (one of ten sections)
    corpus-train.txt, corpus-validation.txt   synopses of all sections, one a line, for pretraining
    tokenizer.json                            a byte-level BPE of 2,048 tokens trained on the corpus

Packages of one source ("0ad" and "0ad-data") are on the same side of the split, and no synopsis of
validation.tsv is in corpus-train.txt. The same metadata gives the same files, byte for byte.
Python's standard library is all it needs; it takes about ten seconds.

Where apt is not there, or knows too few packages, the texts are lines of Python's standard library
(python_lines.py), and the sections the modules that they are from: it says so.
"""
import argparse
import collections
import gzip
import hashlib
import heapq
import json
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SECTIONS = ("admin", "games", "graphics", "java", "javascript", "net", "perl", "python", "science",
            "sound")
TRAIN_ROWS = 4000
VALIDATION_ROWS = 1000
VALIDATION_SHARE = 5  # one source in five
VOCABULARY = 2048
END_OF_TEXT = "<|endoftext|>"


class Problem(Exception):
    """What the user has to know; printed as one line."""


Package = collections.namedtuple("Package", "name source section synopsis")


# Reading

def metadata_of_apt():
    if shutil.which("apt-cache") is None:
        raise Problem("apt-cache is not there: this program reads the metadata of a Debian machine; "
                      "elsewhere give a mirror's Packages file with --packages")
    run = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=False)
    if run.returncode != 0:
        raise Problem("apt-cache dumpavail failed: " + run.stderr.decode().strip())
    return run.stdout.decode("utf-8", "replace")


def metadata_of_file(path):
    openers = {".gz": gzip.open, ".xz": lzma.open}
    try:
        with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Problem(f"{path}: {error.strerror or error}") from error


FIELD = re.compile(r"^(Package|Source|Section|Description): *(.*)$", re.MULTILINE)


def packages_of(metadata):
    """One package a name, and one a synopsis, in the order of their names."""
    by_name = {}
    for record in metadata.split("\n\n"):
        fields = dict(FIELD.findall(record))
        name = fields.get("Package")
        synopsis = " ".join(fields.get("Description", "").split())
        if name and synopsis and fields.get("Section"):
            source = fields.get("Source", name).split()[0]
            section = fields["Section"].rpartition("/")[2]  # "contrib/games" is about games too
            by_name.setdefault(name, Package(name, source, section, synopsis))
    by_synopsis = {}
    for name in sorted(by_name):
        by_synopsis.setdefault(by_name[name].synopsis, by_name[name])
    return list(by_synopsis.values())


# Splitting

def place(text):
    """A number that looks random and is the same everywhere."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def in_validation(package):
    return place(package.source) % VALIDATION_SHARE == 0


def classification(packages, validation, rows, sections=SECTIONS):
    """`rows` packages, as many of each section as of any other, in an order that mixes them."""
    each = rows // len(sections)
    chosen = []
    for section in sections:
        of_section = [package for package in packages
                      if package.section == section and in_validation(package) == validation]
        if len(of_section) < each:
            raise Problem(f"{len(of_section)} packages of section '{section}' are known where {each} "
                          "are needed; run: apt-get update (as root), then try again")
        of_section.sort(key=lambda package: place(package.name))
        chosen += of_section[:each]
    return sorted(chosen, key=lambda package: place(package.name))


# The tokenizer: byte-level BPE as GPT-2 has it, in the tokenizer.json of Hugging Face

# GPT-2's way of cutting text into words, as far as Python's own `re` knows the classes.
WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_characters():
    """Byte -> the visible character that stands for it in the vocabulary."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    characters = {byte: chr(byte) for byte in visible}
    characters.update({byte: chr(0x100 + i) for i, byte in enumerate(others)})
    return [characters[byte] for byte in range(256)]


class Pairs:
    """How often each pair of neighbouring symbols occurs in the words, kept up to date."""

    def __init__(self, words):
        self.words = words  # [symbols, count]
        self.counts = collections.Counter()
        self.where = collections.defaultdict(set)  # pair -> indices of words
        for index, (symbols, count) in enumerate(words):
            for pair in zip(symbols, symbols[1:]):
                self.counts[pair] += count
                self.where[pair].add(index)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def most_frequent(self):
        """The first in the alphabet among equals; None when no pair is left."""
        while self.heap:
            count, pair = heapq.heappop(self.heap)
            if self.counts[pair] == -count and count < 0:
                return pair
        return None

    def merge(self, pair):
        changed = set()
        for index in self.where.pop(pair):
            symbols, count = self.words[index]
            for old in zip(symbols, symbols[1:]):
                self.counts[old] -= count
                changed.add(old)
            merged = merge_in(symbols, pair)
            self.words[index] = (merged, count)
            for new in zip(merged, merged[1:]):
                self.counts[new] += count
                self.where[new].add(index)
                changed.add(new)
        for one in sorted(changed):
            if self.counts[one] > 0:
                heapq.heappush(self.heap, (-self.counts[one], one))


def merge_in(symbols, pair):
    merged = []
    i = 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            merged.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def train_bpe(text, vocabulary_size):
    """Returns (vocabulary: token -> id, merges), END_OF_TEXT first."""
    characters = byte_characters()
    counts = collections.Counter(WORD.findall(text))
    pairs = Pairs([([characters[byte] for byte in word.encode()], counts[word])
                   for word in sorted(counts)])
    vocabulary = {token: i for i, token in enumerate([END_OF_TEXT, *sorted(characters)])}
    merges = []
    while len(vocabulary) < vocabulary_size:
        pair = pairs.most_frequent()
        if pair is None:
            break
        pairs.merge(pair)
        merges.append(pair)
        # Two merges may spell one token; it keeps its first number.
        vocabulary.setdefault("".join(pair), len(vocabulary))
    return vocabulary, merges


def tokenizer_json(vocabulary, merges):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    end_of_text = {"id": vocabulary[END_OF_TEXT], "content": END_OF_TEXT, "single_word": False,
                   "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [end_of_text],
        "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False, "vocab": vocabulary,
                  "merges": [" ".join(pair) for pair in merges]},
    }


# Writing

def write_table(path, packages):
    lines = ["text\tlabel"] + [f"{package.synopsis}\t{package.section}" for package in packages]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_data(packages, folder, train_rows, validation_rows, sections=SECTIONS):
    train = classification(packages, False, train_rows, sections)
    validation = classification(packages, True, validation_rows, sections)
    corpus = sorted(packages, key=lambda package: place(package.name))
    texts = {side: "".join(package.synopsis + "\n" for package in corpus
                           if in_validation(package) == (side == "validation"))
             for side in ("train", "validation")}
    write_table(folder / "train.tsv", train)
    write_table(folder / "validation.tsv", validation)
    for side, text in texts.items():
        (folder / f"corpus-{side}.txt").write_text(text, encoding="utf-8")
    tokenizer = tokenizer_json(*train_bpe(texts["train"], VOCABULARY))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1),
                                           encoding="utf-8")


def python_packages():
    """Lines of Python's modules in the place of packages, and the modules as sections."""
    import python_lines  # pylint: disable=import-outside-toplevel  # lies beside this file
    lines = python_lines.lines_by_module()
    packages = [Package(line, line, name, line) for name, known in lines.items() for line in known]
    return packages, tuple(lines)


def choose_texts(arguments):
    """The packages to take, and their sections."""
    if arguments.packages:
        return packages_of(metadata_of_file(arguments.packages)), SECTIONS
    try:
        packages = packages_of(metadata_of_apt())
        classification(packages, False, arguments.train_rows)
        classification(packages, True, arguments.validation_rows)
        return packages, SECTIONS
    except Problem as problem:
        print(f"debian_packages: {problem}\ndebian_packages: going on with lines of Python's "
              "standard library instead")
        return python_packages()


def make(arguments):
    packages, sections = choose_texts(arguments)
    output = arguments.output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed, so that the folder is whole or not there.
    with tempfile.TemporaryDirectory(prefix=output.name + ".", dir=output.parent) as aside:
        folder = pathlib.Path(aside) / "data"
        folder.mkdir()
        write_data(packages, folder, arguments.train_rows, arguments.validation_rows, sections)
        shutil.rmtree(output, ignore_errors=True)
        folder.rename(output)
    print(f"{output}: {arguments.train_rows} + {arguments.validation_rows} examples of "
          f"{len(sections)} sections, a corpus of {len(packages)} texts, tokenizer.json")


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "data" / "debian"
    parser = argparse.ArgumentParser(description="Makes a text data set of Debian's packages.")
    parser.add_argument("output", nargs="?", type=pathlib.Path, default=default)
    parser.add_argument("--packages", type=pathlib.Path,
                        help="a Packages file (plain, .gz or .xz) instead of apt's metadata")
    parser.add_argument("--train-rows", type=int, default=TRAIN_ROWS)
    parser.add_argument("--validation-rows", type=int, default=VALIDATION_ROWS)
    try:
        make(parser.parse_args())
    except Problem as problem:
        sys.exit(f"debian_packages: {problem}")


if __name__ == "__main__":
    main()
