#!/usr/bin/env python3
"""Prepares tinyshakespeare and WikiText-2 for small-pretraining.yaml: byte by byte, no vocabulary.

    python3 experiments/small_texts.py SOURCE [OUTPUT]     default: data/small-texts beside experiments/

SOURCE has the published files: tinyshakespeare/input.txt (from karpathy/char-rnn) and
wikitext2/train.txt, validation.txt, test.txt (Merity et al. 2016). This writes

    shakespeare-train.txt, shakespeare-validation.txt   the first 90 % and the rest, as nanoGPT cuts it
    wikitext2-train.txt, wikitext2-validation.txt, wikitext2-test.txt
    tokenizer/vocab.json, tokenizer/merges.txt          a byte is a token, besides <|endoftext|>
"""
import json
import pathlib
import shutil
import sys


def byte_characters():
    """GPT-2's printable character for each byte: itself where it has one, else from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters.update({byte: chr(0x100 + i) for i, byte in enumerate(others)})
    return [characters[byte] for byte in range(256)]


def write_tokenizer(folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*byte_characters(), "<|endoftext|>"]
    vocabulary = json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    default = pathlib.Path(__file__).resolve().parent.parent / "data" / "small-texts"
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else default
    needed = [source / "tinyshakespeare" / "input.txt",
              *(source / "wikitext2" / f"{split}.txt" for split in ("train", "validation", "test"))]
    for file in needed:
        if not file.is_file():
            sys.exit(f"small_texts.py: no file {file}")
    write_tokenizer(output / "tokenizer")
    play = needed[0].read_bytes()
    cut = len(play) * 9 // 10
    (output / "shakespeare-train.txt").write_bytes(play[:cut])
    (output / "shakespeare-validation.txt").write_bytes(play[cut:])
    for file in needed[1:]:
        shutil.copyfile(file, output / f"wikitext2-{file.name}")
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
