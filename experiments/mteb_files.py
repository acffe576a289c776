#!/usr/bin/env python3
"""Prepares the texts of nine of MTEB's English tasks.

    python3 experiments/mteb_files.py SOURCE [OUTPUT]

OUTPUT is data/mteb beside experiments/ unless given. SOURCE has the published files:

    amazon_counterfactual/train.tsv, test.tsv     O'Neill et al. 2021
    banking77/train.csv, test.csv                 PolyAI-LDN/task-specific-datasets
    emotion/train.txt, test.txt                   Saravia et al. 2018
    imdb/train.jsonl.xz, test.jsonl.xz            Maas et al. 2011; `text` and `label` in JSON Lines
    massive_en_intent/train.jsonl, test.jsonl     FitzGerald et al. 2022, English
    tweet_sentiment/train.csv, test.csv           Kaggle's Tweet Sentiment Extraction
    stsb/train.csv, dev.csv, test.csv             Cer et al. 2017: two sentences and a score, no header
    scifact/corpus.jsonl, queries.jsonl, qrels_test.tsv    Wadden et al. 2020, as BEIR has it

Of each classification train.jsonl and test.jsonl are written, with `text` and `label`; of STS-B JSON
Lines with `sentence1`, `sentence2` and `score`; SciFact's files as they are.
"""
import argparse
import csv
import json
import lzma
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
SPLITS = ("train", "test")


def separated(delimiter, columns=None):
    def read(path):
        with open(path, newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file, fieldnames=columns, delimiter=delimiter)
    return read


def json_lines(path):
    opened = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def scenario(row):
    """Of an intent such as `alarm_set` the first word."""
    return row["label_text"].split("_")[0]


# Of each classification: the folder and ending of its files, how they are read, text and label of a row.
CLASSIFICATIONS = {
    "amazon_counterfactual": ("amazon_counterfactual", "tsv", separated("\t"),
                              lambda row: (row["sentence"], row["is_counterfactual"])),
    "banking77": ("banking77", "csv", separated(","), lambda row: (row["text"], row["category"])),
    "emotion": ("emotion", "txt", separated(";"), lambda row: (row["text"], row["label_name"])),
    "imdb": ("imdb", "jsonl.xz", json_lines, lambda row: (row["text"], row["label"])),
    "massive_intent": ("massive_en_intent", "jsonl", json_lines,
                       lambda row: (row["text"], row["label_text"])),
    "massive_scenario": ("massive_en_intent", "jsonl", json_lines,
                         lambda row: (row["text"], scenario(row))),
    "tweet_sentiment": ("tweet_sentiment", "csv", separated(","),
                        lambda row: (row["text"], row["sentiment"])),
}


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def write_classification(source, output, name):
    folder, ending, read, cells = CLASSIFICATIONS[name]
    for split in SPLITS:
        rows = map(cells, read(source / folder / f"{split}.{ending}"))
        write_rows(output / name / f"{split}.jsonl",
                   ({"text": text, "label": str(label)} for text, label in rows))


def write_sts(source, output):
    read = separated(",", ["sentence1", "sentence2", "score"])
    for split in ("train", "dev", "test"):
        write_rows(output / "stsb" / f"{split}.jsonl", read(source / "stsb" / f"{split}.csv"))


def write_retrieval(source, output):
    (output / "scifact").mkdir(parents=True, exist_ok=True)
    for file in ("corpus.jsonl", "queries.jsonl", "qrels_test.tsv"):
        shutil.copyfile(source / "scifact" / file, output / "scifact" / file)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path, nargs="?",
                        default=HERE.parent / "data" / "mteb")
    arguments = parser.parse_args()
    try:
        for name in CLASSIFICATIONS:
            write_classification(arguments.source, arguments.output, name)
        write_sts(arguments.source, arguments.output)
        write_retrieval(arguments.source, arguments.output)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"mteb_files.py: {error}")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
