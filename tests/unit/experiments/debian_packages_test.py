"""The program that makes a data set of Debian's packages, on metadata made here."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import debian_packages

NOUNS = ("archive", "browser", "camera", "daemon", "editor", "filter", "graph", "hash")
USES = ("reads", "writes", "sorts", "plays", "draws", "checks", "sends", "maps")


def record(name, section, synopsis, source=None):
    lines = [f"Package: {name}", f"Source: {source} (1.0-2)" if source else None, "Version: 1.0",
             f"Section: {section}", f"Description: {synopsis}", f"Tag: {section}::x", " more::tags"]
    return "\n".join(line for line in lines if line)


def metadata():
    records = []
    for section in debian_packages.SECTIONS:
        for i in range(64):
            noun, use = NOUNS[i % 8], USES[i // 8]
            source = f"{section}-{noun}-{use}"
            records.append(record(source, section, f"{section} {noun} that {use} number {i}"))
            records.append(record(source + "-data", "contrib/" + section,
                                  f"{section} {noun} that {use} number {i} - data", source))
    return "\n\n".join(records) + "\n"


def decode(vocabulary, tokens):
    """The text of tokens, by the byte of each character."""
    bytes_of = {character: byte for byte, character in enumerate(debian_packages.byte_characters())}
    assert all(token in vocabulary for token in tokens)
    return bytes(bytes_of[character] for token in tokens for character in token).decode()


def encode(merges, word):
    symbols = [debian_packages.byte_characters()[byte] for byte in word.encode()]
    for pair in merges:
        symbols = debian_packages.merge_in(symbols, pair)
    return symbols


class Program(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.packages = self.folder / "Packages"
        self.packages.write_text(metadata())

    def run_program(self, output, *arguments):
        return subprocess.run([sys.executable, debian_packages.__file__, output, *arguments],
                              capture_output=True, text=True, check=False)

    def make(self, name="data"):
        output = self.folder / name
        done = self.run_program(output, "--packages", self.packages, "--train-rows", "200",
                                "--validation-rows", "50")
        self.assertEqual(done.returncode, 0, done.stderr)
        return output

    def rows(self, path):
        lines = path.read_text().splitlines()
        self.assertEqual(lines[0], "text\tlabel")
        return [line.split("\t") for line in lines[1:]]

    def test_every_section_is_there_equally_often(self):
        output = self.make()
        for name, each in (("train.tsv", 20), ("validation.tsv", 5)):
            labels = [label for _, label in self.rows(output / name)]
            counts = {label: labels.count(label) for label in labels}
            self.assertEqual(counts, {section: each for section in debian_packages.SECTIONS})

    def test_a_source_is_on_one_side_of_the_split(self):
        output = self.make()
        def stems(name):
            return {text.removesuffix(" - data") for text, _ in self.rows(output / name)}
        self.assertFalse(stems("train.tsv") & stems("validation.tsv"))

    def test_validation_is_not_in_the_training_corpus(self):
        output = self.make()
        corpus = set((output / "corpus-train.txt").read_text().splitlines())
        self.assertFalse(corpus & {text for text, _ in self.rows(output / "validation.tsv")})

    def test_the_same_metadata_gives_the_same_files(self):
        first, second = self.make("first"), self.make("second")
        for path in first.iterdir():
            self.assertEqual(path.read_bytes(), (second / path.name).read_bytes(), path.name)

    def test_the_tokenizer_loses_nothing(self):
        tokenizer = json.loads((self.make() / "tokenizer.json").read_text())
        vocabulary = tokenizer["model"]["vocab"]
        merges = [tuple(merge.split(" ")) for merge in tokenizer["model"]["merges"]]
        self.assertEqual(sorted(vocabulary.values()), list(range(len(vocabulary))))
        self.assertEqual(vocabulary["<|endoftext|>"], 0)
        for word in (" archive", "naïve", "日本", "\t"):
            self.assertEqual(decode(vocabulary, encode(merges, word)), word)
        self.assertEqual(encode(merges, " archive"), ["Ġarchive"])

    def test_too_few_packages(self):
        self.packages.write_text(record("bash", "shells", "GNU Bourne Again SHell"))
        output = self.folder / "data"
        done = self.run_program(output, "--packages", self.packages)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr,
                         "debian_packages: 0 packages of section 'admin' are known where 400 are "
                         "needed; run: apt-get update (as root), then try again\n")
        self.assertEqual(list(self.folder.iterdir()), [self.packages])

    def test_no_such_file(self):
        done = self.run_program(self.folder / "data", "--packages", "nowhere")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "debian_packages: nowhere: No such file or directory\n"))


class Words(unittest.TestCase):
    def test_merges_follow_the_counts(self):
        vocabulary, merges = debian_packages.train_bpe("aaab aaab ab ab ab ", 257 + 3)
        self.assertEqual(merges[0], ("a", "b"))
        self.assertEqual(len(vocabulary), 260)

    def test_training_ends_where_no_pair_is_left(self):
        vocabulary, merges = debian_packages.train_bpe("ab", 1000)
        self.assertEqual((merges, len(vocabulary)), ([("a", "b")], 258))


if __name__ == "__main__":
    unittest.main()
