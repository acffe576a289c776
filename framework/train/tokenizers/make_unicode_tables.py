#!/usr/bin/env python3
"""Writes unicode_tables.cc: the character classes and the NFC data that the tokenizers need.

The Unicode versions of the reference library's parts differ (its regular expressions are
Oniguruma's, its normalisation another package's), so no one Unicode database gives its ids. The
tables are therefore read off the library itself, one code point at a time.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python make_unicode_tables.py > unicode_tables.cc      # about a minute
"""
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
PROBE = "\ue000\ue001"  # the content of an added token


def matching(pattern):
    """The code points that the regular expression `pattern` matches."""
    remove = normalizers.Replace(Regex(pattern), "")
    matched = set()
    for begin in range(0, len(CODE_POINTS), 4096):
        block = CODE_POINTS[begin:begin + 4096]
        kept = set(map(ord, remove.normalize_str("".join(map(chr, block)))))
        matched.update(c for c in block if c not in kept)
    return matched


def added_token_classes():
    """The word characters and the white space that the flags of added tokens go by."""
    def tokenizer(**flags):
        made = Tokenizer(models.BPE())
        made.add_tokens([AddedToken(PROBE, normalized=False, **flags)])
        return made
    single, strip = tokenizer(single_word=True), tokenizer(lstrip=True)
    words = {c for c in CODE_POINTS if not single.encode(chr(c) + PROBE).ids}
    spaces = {c for c in CODE_POINTS if strip.encode(chr(c) + PROBE).offsets[0][0] == 0}
    return words, spaces


def decompositions():
    nfd = normalizers.NFD()
    found = {}
    for c in CODE_POINTS:
        if c not in HANGUL and (d := nfd.normalize_str(chr(c))) != chr(c):
            found[c] = list(map(ord, d))
    return found


def combining_classes(decomposed):
    """Class of every mark that moves: by which marks of known order it is swapped with."""
    nfd = normalizers.NFD()
    # A mark before U+0334 (overlay, class 1) or U+0345 (iota below, class 240) that is put after or
    # behind it has a class; one mark of each class then orders them all.
    def swaps(a, b):  # class(a) > class(b) > 0
        return nfd.normalize_str("a" + chr(a) + chr(b)) == "a" + chr(b) + chr(a) and a != b
    marks = [c for c in CODE_POINTS if c not in decomposed and c not in HANGUL and
             (swaps(c, 0x334) or swaps(0x345, c) or c in (0x334, 0x345))]
    # Insertion into ordered classes by comparison.
    classes = []
    for mark in marks:
        low, high = 0, len(classes)
        placed = False
        while low < high:
            middle = (low + high) // 2
            other = classes[middle][0]
            if swaps(mark, other):
                low = middle + 1
            elif swaps(other, mark):
                high = middle
            else:
                classes[middle].append(mark)
                placed = True
                break
        if not placed:
            classes.insert(low, [mark])
    return {mark: rank + 1 for rank, group in enumerate(classes) for mark in group}


def compositions(decomposed):
    """(first, second) -> composed. A full decomposition's last mark goes back on the rest."""
    nfc = normalizers.NFC()
    found = {}
    for c, parts in decomposed.items():
        if len(parts) < 2 or nfc.normalize_str("".join(map(chr, parts))) != chr(c):
            continue
        first = nfc.normalize_str("".join(map(chr, parts[:-1])))
        assert len(first) == 1, hex(c)
        found[(ord(first), parts[-1])] = c
    return found


def ranges(classify):
    """Runs of one class: (first, class), the default class 0 included."""
    runs, previous = [], 0
    for c in range(0x110000):
        current = classify(c)
        if current != previous:
            runs.append((c, current))
            previous = current
    return runs


def emit(declaration, entries, per_line):
    print(f"{declaration} = {{{{")
    for begin in range(0, len(entries), per_line):
        line = ", ".join(entries[begin:begin + per_line])
        print(f"    {line},")
    print("}};")
    print()


def main():
    letters, numbers, spaces = matching(r"\p{L}"), matching(r"\p{N}"), matching(r"\s")
    words, strip_spaces = added_token_classes()
    if spaces != strip_spaces:
        sys.exit("the two notions of white space differ")
    decomposed = decompositions()
    classes = combining_classes(decomposed)
    composed = compositions(decomposed)

    def classify(c):
        kind = 1 if c in letters else 2 if c in numbers else 3 if c in spaces else 0
        return kind | (4 if c in words else 0)

    print(f"""// Made by make_unicode_tables.py from tokenizers {tokenizers.__version__}; do not edit.
// clang-format off
#include "train/tokenizers/unicode_tables.h"

namespace mvn::unicode {{
""")
    runs = [f"{{0x{c:x}, {kind}}}" for c, kind in ranges(classify)]
    emit(f"const std::array<ClassRun, {len(runs)}> kClassRuns_", runs, 8)
    marks = [f"{{0x{c:x}, {rank}}}" for c, rank in ranges(lambda c: classes.get(c, 0))]
    emit(f"const std::array<ClassRun, {len(marks)}> kCombiningRuns_", marks, 8)
    parts = [(c, (d + [0] * 4)[:4]) for c, d in sorted(decomposed.items())]
    assert max(len(d) for d in decomposed.values()) <= 4
    entries = [f"{{0x{c:x}, {{{', '.join(f'0x{x:x}' for x in d)}}}}}" for c, d in parts]
    emit(f"const std::array<Decomposition, {len(entries)}> kDecompositions_", entries, 3)
    entries = [f"{{0x{a:x}, 0x{b:x}, 0x{c:x}}}" for (a, b), c in sorted(composed.items())]
    emit(f"const std::array<Composition, {len(entries)}> kCompositions_", entries, 5)
    print("""const std::span<const ClassRun> kClassRuns = kClassRuns_;
const std::span<const ClassRun> kCombiningRuns = kCombiningRuns_;
const std::span<const Decomposition> kDecompositions = kDecompositions_;
const std::span<const Composition> kCompositions = kCompositions_;

}  // namespace mvn::unicode
// clang-format on""")


main()
