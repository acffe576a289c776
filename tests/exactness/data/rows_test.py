#!/usr/bin/env python3
"""What mvn reads of public data sets beside what pandas and datasets read: every text, every label.

    rows_test.py --reader READ_ROWS --data SHARED_DATA [--python PYTHON]

Prints a line for each layout: what it is, the lines of `task:` that it takes, its rows, and whether
all are equal. Files of other forms (encodings, compression, Parquet, Arrow) are made of the public
ones by pandas and datasets. Exits 4 (skipped) where they or the data are not there; PYTHON has them
where this Python does not. MVN_SHARED_DATA names the data, too.
"""
import argparse
import csv
import json
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 4
ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--reader", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--data", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--python", type=pathlib.Path)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


try:
    import datasets
    import numpy
    import pandas
    import pyarrow.parquet
    import tokenizers
except ImportError as missing:
    other = ARGUMENTS.parse_args().python
    if other is None or not other.exists() or os.environ.get("MVN_SECOND_PYTHON"):
        skip(f"{missing}; pip install pandas pyarrow datasets tokenizers")
    os.environ["MVN_SECOND_PYTHON"] = "1"
    os.execv(other, [str(other), *sys.argv])

OPTIONS = ARGUMENTS.parse_args()
DATA = pathlib.Path(os.environ.get("MVN_SHARED_DATA", OPTIONS.data))
FAILURES = []


def read(parameters, *arguments):
    """What mvn reads, a JSON value a line."""
    done = subprocess.run([OPTIONS.reader, *arguments], input=json.dumps(parameters), text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def plain(label):
    """"1.0" and "1" are one label."""
    return label[:-2] if label.endswith(".0") and label[:-2].lstrip("-").isdigit() else label


def yaml_lines(parameters):
    """As somebody writes them below `task:`."""
    def text(value):
        if isinstance(value, list):
            return "[" + ", ".join(text(each) for each in value) + "]"
        return json.dumps(value) if value in (";", " ") else str(value)
    named = {key: pathlib.PurePath(value).name if key.startswith("train") else value
             for key, value in parameters.items()}
    return "<br>".join(f"{key}: {text(value)}" for key, value in named.items())


def compare(what, parameters, texts, labels, reference="pandas"):
    """Checks one layout and prints its line."""
    ours = read(parameters)
    expected = [([part.strip() for part in text] if isinstance(text, (tuple, list))
                 else text.strip(), plain(str(label).strip()))
                for text, label in zip(texts, labels, strict=True)]
    found = [(row["text"], row["label"]) for row in ours]
    equal = found == expected
    print(f"| {what} | {yaml_lines(parameters)} | {len(found)} | "
          f"{'equal to ' + reference if equal else 'DIFFERENT from ' + reference} |")
    if not equal:
        first = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]),
                     min(len(found), len(expected)))
        FAILURES.append(f"{what}: {len(found)} and {len(expected)} rows; row {first + 1}: "
                        f"{found[first:first + 1]} and {expected[first:first + 1]}")


def delimited(path, **options):
    """A table as text, no cell taken for a number or for nothing."""
    return pandas.read_csv(path, dtype=str, keep_default_na=False, **options)


def tabs(path, **options):
    return delimited(path, sep="\t", quoting=csv.QUOTE_NONE, **options)


def json_lines(path):
    with (lzma.open(path) if path.suffix == ".xz" else path.open("rb")) as stream:
        return pandas.read_json(stream, lines=True, dtype=False)


def public_layouts():
    """The sets of the shared data, each in its own layout."""
    def one(folder, file, frame, text, label, **more):
        path = DATA / folder / file
        table = frame(path)
        compare(folder, {"train": str(path), **more, "text": text, "label": label},
                table[text], table[label])
    one("sst2", "train.tsv", tabs, "sentence", "label")
    one("sst2-glue", "train.tsv", tabs, "sentence", "label")
    one("trec", "train.jsonl", json_lines, "text", "label")
    one("banking77", "train.csv", delimited, "text", "category")
    cola = ["source", "label", "mark", "sentence"]
    one("cola", "in_domain_train.tsv", lambda path: tabs(path, names=cola), "sentence", "label",
        columns=cola)
    one("emotion", "train.txt", lambda path: delimited(path, sep=";", quoting=csv.QUOTE_NONE),
        "text", "label_name", delimiter=";")
    names = ["text", "label"]
    one("ag_news", "train_10k_description.tsv", lambda path: tabs(path, names=names), *names,
        columns=names)
    names = ["class", "title", "description"]
    one("ag_news", "test.csv", lambda path: delimited(path, names=names), "description", "class",
        columns=names)
    one("massive_en_intent", "train.jsonl", json_lines, "text", "label")
    one("amazon_counterfactual", "train.tsv", tabs, "sentence", "is_counterfactual")
    one("tweet_sentiment", "train.csv", delimited, "text", "sentiment")
    one("imdb", "train.jsonl.xz", json_lines, "text", "label")


def pairs(folder):
    """Two columns as a pair, and its tokens."""
    path = DATA / "stsb" / "dev.csv"
    names = ["one", "two", "score"]
    table = delimited(path, names=names)
    parameters = {"train": str(path), "columns": names, "text": names[:2], "label": "score"}
    rows = list(zip(table["one"], table["two"]))
    compare("pairs of texts (stsb)", parameters, rows, table["score"])
    template = tokenizers.Tokenizer.from_file(
        str(DATA / "tokenizers" / "gpt-neox-20b" / "tokenizer.json"))
    template.post_processor = tokenizers.processors.TemplateProcessing(
        single="<|endoftext|> $A", pair="<|endoftext|> $A <|padding|> $B <|endoftext|>",
        special_tokens=[("<|endoftext|>", 0), ("<|padding|>", 1)])
    file = folder / "tokenizer.json"
    template.save(str(file))
    parameters["validation"] = parameters["train"]
    stripped = [(one.strip(), two.strip()) for one, two in rows]
    for length in (8, 15, 24, 4096):
        for side in ("left", "right"):
            template.enable_truncation(length, strategy="longest_first", direction=side)
            expected = [each.ids for each in template.encode_batch(stripped)]
            found = read(parameters, file, str(length), side)
            equal = found == expected
            print(f"| pairs of texts, cut to {length} tokens at the {side} | | {len(found)} | "
                  f"{'equal to tokenizers' if equal else 'DIFFERENT from tokenizers'} |")
            if not equal:
                FAILURES.append(f"pairs of {length} tokens, {side}")


def other_forms(folder):
    """The public rows in other encodings and compressed."""
    table = tabs(DATA / "sst2" / "validation.tsv")
    latin = table.assign(sentence="caf\xe9 " + table["sentence"])
    for encoding in ("latin-1", "windows-1252", "utf-16"):
        path = folder / f"{encoding}.csv"
        latin.to_csv(path, index=False, encoding=encoding)
        back = delimited(path, encoding=encoding)
        compare(f"CSV in {encoding}", {"train": str(path), "encoding": encoding,
                                       "text": "sentence", "label": "label"},
                back["sentence"], back["label"])
    for ending in (".gz", ".xz", ".bz2"):
        path = folder / f"train.csv{ending}"
        table.to_csv(path, index=False)
        back = delimited(path)
        compare(f"CSV, {ending}", {"train": str(path), "text": "sentence", "label": "label"},
                back["sentence"], back["label"])
    path = folder / "labels_first.txt"
    path.write_text("".join(f"{label} {text}\n" for text, label in
                            zip(table["sentence"], table["label"])))
    split = [line.split(" ", 1) for line in path.read_text().split("\n") if line]
    compare("`label text` on a line", {"train": str(path), "columns": ["label", "text"],
                                       "delimiter": " ", "text": "text", "label": "label"},
            [text for _, text in split], [label for label, _ in split], "str.split")
    (folder / "train_text.txt").write_text("".join(t + "\n" for t in table["sentence"]))
    (folder / "train_labels.txt").write_text("".join(t + "\n" for t in table["label"]))
    compare("texts and labels in two files",
            {"train": str(folder / "train_text.txt"),
             "train_labels": str(folder / "train_labels.txt")},
            table["sentence"], table["label"])
    path = folder / "nested.jsonl"
    path.write_text("".join(json.dumps({"review": {"body": t}, "label": int(n)}) + "\n"
                            for t, n in zip(table["sentence"], table["label"])))
    nested = pandas.json_normalize([json.loads(line) for line in path.read_text().splitlines()])
    compare("a key within an object", {"train": str(path), "text": "review.body",
                                       "label": "label"}, nested["review.body"], nested["label"])


def labelled(name):
    """A public set as `datasets` has it, its labels a ClassLabel."""
    table = json_lines(DATA / name / "train.jsonl")
    names = sorted(set(table["label"]))
    features = datasets.Features({"text": datasets.Value("string"),
                                  "label": datasets.ClassLabel(names=names)})
    rows = {"text": list(table["text"]), "label": [names.index(each) for each in table["label"]]}
    return datasets.Dataset.from_dict(rows, features=features)


def names_of(data):
    return [data.features["label"].int2str(each) for each in data["label"]]


def columnar(folder):
    """Parquet and Arrow files, as pandas, pyarrow and datasets write them."""
    columns = {"text": "text", "label": "label"}
    data = labelled("trec")
    for codec in ("snappy", "zstd", "gzip", "lz4", "brotli", "none"):
        path = folder / f"{codec}.parquet"
        pyarrow.parquet.write_table(data.data.table, path, compression=codec, row_group_size=1000)
        back = datasets.Dataset.from_parquet(str(path), cache_dir=str(folder / codec))
        compare(f"Parquet of `datasets`, {codec}", {"train": str(path), **columns}, back["text"],
                names_of(back), "datasets")
    parts = folder / "parts"
    parts.mkdir()
    for i in range(3):
        data.shard(3, i, contiguous=True).to_parquet(str(parts / f"train-{i:05}-of-00003.parquet"))
    compare("Parquet in three parts", {"train": str(parts / "train"), **columns}, data["text"],
            names_of(data), "datasets")
    saved = folder / "saved"
    data.save_to_disk(str(saved), num_shards=3)
    back = datasets.load_from_disk(str(saved))
    compare("`save_to_disk` (Arrow streams)", {"train": str(saved), **columns}, back["text"],
            names_of(back), "datasets")
    frame = json_lines(DATA / "massive_en_intent" / "train.jsonl")
    frame["label"] = frame["label_text"].astype("category")
    for name, write in (("pandas.parquet", frame.to_parquet), ("pandas.feather", frame.to_feather)):
        write(folder / name)
        reader = pandas.read_parquet if name.endswith("parquet") else pandas.read_feather
        back = reader(folder / name)
        compare(f"{name.split('.')[1].title()} of pandas, categories",
                {"train": str(folder / name), **columns}, back["text"], back["label"])
    types = [numpy.int8, numpy.uint16, numpy.int64, numpy.float32, numpy.float64]
    for kind in types:
        frame["label"] = (numpy.arange(len(frame)) % 7).astype(kind)
        path = folder / f"{numpy.dtype(kind)}.parquet"
        frame.to_parquet(path)
        back = pandas.read_parquet(path)
        compare(f"Parquet, labels of {numpy.dtype(kind)}", {"train": str(path), **columns},
                back["text"], back["label"])
    nested = pyarrow.table({"review": [{"body": text, "n": i % 3}
                                       for i, text in enumerate(frame["text"])]})
    pyarrow.parquet.write_table(nested, folder / "nested.parquet")
    back = pandas.json_normalize(
        pyarrow.parquet.read_table(folder / "nested.parquet")["review"].to_pylist())
    compare("Parquet, objects", {"train": str(folder / "nested.parquet"), "text": "review.body",
                                 "label": "review.n"}, back["body"], back["n"])


def main():
    if not (DATA / "sst2").exists():
        skip(f"{DATA / 'sst2'} is not there (set MVN_SHARED_DATA)")
    print("| what | lines below task: | rows | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        public_layouts()
        other_forms(folder)
        pairs(folder)
        if (OPTIONS.reader.parent.parent / "lib" / "libmvn_arrow.so").exists():
            columnar(folder)
    for failure in FAILURES:
        print("FAILED", failure)
    return 1 if FAILURES else 0


if __name__ == "__main__":
    datasets.disable_progress_bars()
    sys.exit(main())
