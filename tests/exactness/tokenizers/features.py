#!/usr/bin/env python3
"""Writes features.json: small tokenizers, each with one feature more, and the ids and texts that the
reference library gives for them. tokenizer_features_test.cc replays it.

    python3 features.py > features.json      # with tokenizers of requirements.txt
"""
import copy
import json
import sys

import tokenizers
from tokenizers import Tokenizer

import texts

TEXTS = [
    "", " ", "  ", "a", " a", "hello world", " hello  world ", "Hello, hello!", "low lower lowest",
    "don't we'll I'VE", "1 22 333", "a\tb\n\nc \n d", "x<tok>y", "x <tok> y", "<tok><tok>",
    " <tok>\t<tok>  end", "a<tok>b <tok> c", "word inword word. wordy _word", "word word",
    "\u00e9t\u00e9 cafe\u0301 e\u0301", "\u0301a", "\u1100\u1161\u11a8 \uac00\u11a8",
    "\u4e2d\u6587 \U0001f600!", "<s>hello</s> <unk> ok", "a<s> b<s>c", "\u2581low \u2581\u2581low",
    "low\u2581er", "zqzq lowz", "zz hello qq", "hello\u3000world", "<0x41><0x0A>\n", "----", "a  b   c    d",
    "the the them then", "hello world hello world", "\x1c\x1d \x85 \u200b",
    *(texts.random_text(i) for i in (3, 14, 15, 92, 65, 35)),
]


def bpe(words, alphabet, first):
    """A vocabulary after the tokens `first`, and the merges that spell `words`."""
    vocabulary = {}
    for token in [*first, *alphabet]:
        vocabulary.setdefault(token, len(vocabulary))
    merges = []
    for word in words:
        symbols = list(word)
        while len(symbols) > 1:
            pair = symbols[0], symbols[1]
            if "".join(pair) not in vocabulary:
                vocabulary["".join(pair)] = len(vocabulary)
            if list(pair) not in merges:
                merges.append(list(pair))
            symbols[:2] = ["".join(pair)]
    return vocabulary, merges


def byte_alphabet():
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(b) for b in visible] + [chr(0x100 + n) for n in range(256 - len(visible))]


def added(content, token_id, **flags):
    return {"id": token_id, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": False, **flags}


def model(vocabulary, merges, **options):
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "vocab": vocabulary, "merges": merges, **options}


def base(**parts):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
            "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            **parts}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
WORDS = ["\u0120hello", "\u0120world", "hello", "low", "\u0120low", "er", "est", "th", "the", "\u0120the",
         "\u0120\u0120", "\u010a\u010a", "33", "----", "\u00c3\u00a9", "ll", "'t"]
BYTES = base(model=model(*bpe(WORDS, byte_alphabet(), ["<s>", "</s>"])), pre_tokenizer=BYTE_LEVEL,
             decoder={**BYTE_LEVEL})
LETTERS = [chr(c) for c in range(0x20, 0x7F) if chr(c) not in "zq"] + ["\u2581", "\u00e9", "\u4e2d"]
PIECES = ["\u2581hello", "\u2581world", "low", "\u2581low", "\u2581the", "er", "est", "\u2581\u2581", "\u2581\u2581\u2581\u2581",
          "th", "33", "----", "he", "hell"]
CODES = [f"<0x{b:02X}>" for b in range(256)]
SPM_MODEL = model(*bpe(PIECES, LETTERS, ["<unk>", "<s>", "</s>"]), unk_token="<unk>", fuse_unk=True)
FALLBACK_MODEL = model(*bpe(PIECES, LETTERS, ["<unk>", "<s>", "</s>", *CODES]), unk_token="<unk>",
                       fuse_unk=True, byte_fallback=True)
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
LLAMA = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, REPLACE]}
LLAMA_DECODER = {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
    {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
SPECIALS = [added(t, i, special=True) for i, t in enumerate(["<unk>", "<s>", "</s>"])]
SPM = base(model=SPM_MODEL, normalizer=LLAMA, added_tokens=SPECIALS, decoder=LLAMA_DECODER)
FALLBACK = base(model=FALLBACK_MODEL, normalizer=LLAMA, added_tokens=SPECIALS, decoder=LLAMA_DECODER)
BASES = {"bytes": BYTES, "pieces": SPM, "fallback": FALLBACK}


def template(before, after):
    special = lambda t: {"SpecialToken": {"id": t, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    ids = {"<s>": BYTES["model"]["vocab"]["<s>"], "</s>": BYTES["model"]["vocab"]["</s>"]}
    return {"type": "TemplateProcessing",
            "single": [*map(special, before), text, *map(special, after)],
            "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in ids.items()}}


def metaspace(**options):
    return {"type": "Metaspace", "replacement": "\u2581", **options}


def variants():
    """(name, base, patch)"""
    size = len(BYTES["model"]["vocab"])
    yield "plain", "bytes", {}
    yield "prefix space", "bytes", {"pre_tokenizer": {**BYTE_LEVEL, "add_prefix_space": True}}
    yield "no regex", "bytes", {"pre_tokenizer": {**BYTE_LEVEL, "use_regex": False}}
    yield "one in a sequence", "bytes", {
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTE_LEVEL]}}
    yield "nfc", "bytes", {"normalizer": {"type": "NFC"}}
    yield "ignore merges", "bytes", {"model": {"ignore_merges": True, "merges": []}}
    yield "merges as text", "bytes", {
        "model": {"merges": ["#version: 0.2", *(" ".join(m) for m in BYTES["model"]["merges"])]}}
    short = {t: i for t, i in BYTES["model"]["vocab"].items() if t not in ("z", "q", "\u00c2", "\u00f0")}
    for name, options in {"drops what it does not know": {}, "unknown": {"unk_token": "<s>"},
                          "fused unknown": {"unk_token": "<s>", "fuse_unk": True}}.items():
        made = {**BYTES["model"], "vocab": {t: i for i, t in enumerate(short)}, **options}
        yield name, "", base(model=made, pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)
    for flags in ({}, {"single_word": True}, {"lstrip": True}, {"rstrip": True},
                  {"lstrip": True, "rstrip": True}, {"normalized": True},
                  {"single_word": True, "lstrip": True, "rstrip": True, "special": True}):
        name = "added " + (" ".join(flags) or "plain")
        tokens = [added("<tok>", size, **flags), added("word", size + 1, **flags),
                  added("<s>", 0, **flags), added("  ", size + 2, **flags),
                  added("<tok", size + 3, **flags), added("e\u0301", size + 4, **flags)]
        yield name, "bytes", {"added_tokens": tokens}
        yield name + " nfc", "bytes", {"added_tokens": tokens, "normalizer": {"type": "NFC"}}
        many = len(SPM_MODEL["vocab"])
        tokens = SPECIALS + [added("<tok>", many, **flags), added("word", many + 1, **flags)]
        yield name + " pieces", "pieces", {"added_tokens": tokens}
    yield "template", "bytes", {"post_processor": template(["<s>"], ["</s>", "</s>"])}
    yield "sequence of processors", "bytes", {"post_processor": {
        "type": "Sequence", "processors": [
            BYTE_LEVEL, {"type": "Sequence", "processors": [template(["<s>"], ["</s>"])]}]}}
    yield "plain", "pieces", {}
    yield "unfused unknown", "pieces", {"model": {"fuse_unk": False}}
    yield "no unknown", "pieces", {"model": {"unk_token": None}}
    yield "ignore merges", "pieces", {"model": {"ignore_merges": True, "merges": []}}
    yield "no normalizer", "pieces", {"normalizer": None}
    yield "long patterns", "pieces", {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": "lo"}, "content": "the lo"}, {"type": "NFC"}, LLAMA]}}
    yield "plain", "fallback", {}
    codes = {t: i for t, i in FALLBACK_MODEL["vocab"].items() if t not in ("<0x9F>", "<0x7A>")}
    for fuse in (True, False):
        made = {**FALLBACK_MODEL, "vocab": {t: i for i, t in enumerate(codes)}, "fuse_unk": fuse}
        yield f"missing bytes, fuse {fuse}", "", base(
            model=made, normalizer=LLAMA, added_tokens=SPECIALS, decoder=LLAMA_DECODER)
    yield "spaces inside pieces", "", base(
        model=model(*bpe(["a\u2581b", "low\u2581", "\u2581the\u2581"], LETTERS, ["<unk>"]),
                    unk_token="<unk>"), normalizer=LLAMA, decoder=LLAMA_DECODER)
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            step = metaspace(prepend_scheme=scheme, split=split)
            yield f"metaspace {scheme} {split}", "fallback", {
                "normalizer": None, "pre_tokenizer": step, "decoder": step}
    yield "metaspace defaults", "fallback", {
        "normalizer": None, "pre_tokenizer": metaspace(), "decoder": metaspace()}
    yield "no decoder", "fallback", {"decoder": None}
    yield "strip both", "fallback", {"decoder": {"type": "Strip", "content": "\u2581", "start": 2, "stop": 0}}


def merged(under, over):
    """`over`'s parts in place of `under`'s; the model's fields one by one."""
    result = {**copy.deepcopy(under), **over}
    if "model" in over and under:
        result["model"] = {**under["model"], **over["model"]}
    return result


def main():
    rows = []
    for name, base_name, patch in variants():
        full = merged(BASES.get(base_name, {}), patch)
        try:
            reference = Tokenizer.from_str(json.dumps(full))
        except Exception as error:
            sys.exit(f"{name}: {error}")
        ids = [reference.encode(text).ids for text in TEXTS]
        rows.append({"name": name, "base": base_name, "patch": patch, "ids": ids,
                     "decoded": [reference.decode(i, skip_special_tokens=False) for i in ids]})
    for row in rows:
        row["ids"] = [" ".join(map(str, ids)) for ids in row["ids"]]
    lines = ",\n".join(json.dumps(row) for row in rows)
    print(json.dumps({"tokenizers": tokenizers.__version__, "texts": TEXTS})[:-1] + ",")
    print(f'"bases": {json.dumps(BASES)},\n"variants": [\n{lines}\n]}}')


main()
