#!/usr/bin/env python3
"""Times mvn's tokenizers beside Python's `tokenizers` and prints one table.

    tests/exactness/setup.sh                        # once: the library, into .deps/python
    cmake --preset default -DMVN_BUILD_BENCHMARKS=ON && ninja -C build tokenize_benchmark
    .deps/python/bin/python benchmarks/tokenize/compare.py [--rounds 7] [--build build]

The work is every line of the .txt and .tsv files below MVN_SHARED_DATA. The two sides take turns, each
round in a process of its own, so that neither has seen a word before; only encoding is timed. The
library is called in its fastest way, `encode_batch_fast` on all lines at once. Both must give the
same ids. A row has the medians, the least and the most in brackets, and the ratio of the medians.
"""
import argparse
import array
import hashlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/exactness/tokenizers"))
import published  # noqa: E402


def read_lines(files):
    """As tokenize_benchmark reads them."""
    lines = []
    for file in files:
        text = pathlib.Path(file).read_bytes().decode()
        lines += text.removesuffix("\n").split("\n") if text else []
    return lines


def time_library(name, folder, files):
    """The library's side of a round: prints what tokenize_benchmark prints."""
    tokenizer = published.reference(name, pathlib.Path(folder))
    lines = read_lines(files)
    start = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(lines)
    took = time.perf_counter() - start
    ids = array.array("i")
    for encoding in encodings:
        ids.extend(encoding.ids)
    print(took, len(ids), hashlib.sha256(ids.tobytes()).hexdigest())


def run(command, threads):
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds, ids, digest = result.stdout.split()
    return float(seconds), int(ids), digest


def measure(name, folder, files, threads, arguments):
    ours = [arguments.build / "bin/tokenize_benchmark", folder, str(threads)]
    peer = [sys.executable, __file__, "--library", name, folder]
    rounds = [[], []]
    for _ in range(arguments.rounds):
        results = [run([*command, *files], threads) for command in (ours, peer)]
        if results[0][1:] != results[1][1:]:
            sys.exit(f"{name}: the ids differ: {results}")
        for times, (seconds, _, _) in zip(rounds, results):
            times.append(seconds)
    return rounds


def row(name, threads, megabytes, rounds):
    speeds = [[megabytes / seconds for seconds in times] for times in rounds]
    ours, peer = map(statistics.median, speeds)
    cells = [f"{statistics.median(s):.1f} ({min(s):.1f} to {max(s):.1f})" for s in speeds]
    return f"| {name} | {threads} | {cells[0]} | {cells[1]} | {ours / peer:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--tokenizer", action="append", choices=published.NAMES)
    arguments = parser.parse_args()
    shared = pathlib.Path(os.environ.get("MVN_SHARED_DATA", ROOT.parent / "shared/data"))
    files = sorted(p for p in shared.rglob("*") if p.suffix in (".txt", ".tsv")
                   and shared / "tokenizers" not in p.parents)
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    cores = len(os.sched_getaffinity(0))
    print(f"{len(files)} files, {megabytes:.1f} MB, {arguments.rounds} rounds, megabytes a second\n")
    print("| tokenizer | threads | mvn | tokenizers | ratio |\n|---|---|---|---|---|", flush=True)
    for name in arguments.tokenizer or published.NAMES:
        for threads in sorted({1, cores}):
            rounds = measure(name, shared / "tokenizers" / name, files, threads, arguments)
            print(row(name, threads, megabytes, rounds), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--library"]:
        time_library(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        main()
