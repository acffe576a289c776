#!/usr/bin/env python3
"""Time and peak memory of `mvn-runner export` for each format, of a sweep with many values.

measure.py RUNNER [--values N] [--trials N] [--only FORMAT] [--folder DIR]

Makes a results.db of N values (100 trials of 10 metrics unless told otherwise) from the schema in
this repository, and exports it once in each format.
"""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

SCHEMA = pathlib.Path(__file__).parents[2] / "framework/orchestrate/store/schema"
METRICS = 10


def make_results(database, values, trials):
    database.parent.mkdir(parents=True)
    db = sqlite3.connect(database)
    for file in sorted(SCHEMA.glob("0*.sql")) + [SCHEMA / "metric_kind.sql", SCHEMA / "views.sql"]:
        db.executescript(file.read_text())
    db.execute(f"PRAGMA user_version = {len(list(SCHEMA.glob('0*.sql')))}")
    db.execute(f"PRAGMA application_id = {0x6d766e72}")
    db.execute("INSERT INTO mvn_sweep VALUES (1, 'large', '/large.yaml', '', '{}', '0', 0, NULL)")
    names = ["eval/accuracy"] + [f"metric/{i}" for i in range(1, METRICS)]
    db.executemany("INSERT INTO mvn_metric_name VALUES (?, ?)", enumerate(names, 1))
    db.execute("INSERT INTO mvn_stage VALUES (1, '', 1, 1, 0)")
    steps = values // trials // METRICS
    for trial in range(1, trials + 1):
        lr = trial / trials
        config = json.dumps({"args": {"lr": lr}, "seed": 0})
        db.execute("INSERT INTO mvn_trial VALUES"
                   " (?, 1, ?, ?, '', ?, 0, 'done', NULL, ?, ?, ?, '[]', ?, 1, 0, NULL, 1)",
                   [trial, f"{trial:064x}", f"{trial:012x}", f"{trial:064x}", f"lr={lr}",
                    json.dumps({"args.lr": lr}), config, trial])
        db.execute("INSERT INTO mvn_attempt (trial, attempt, state, worker, device, started, ended,"
                   " spool_offset) VALUES (?, 1, 'done', '1', 'cpu', 1700000000000, 1700000060000, 0)",
                   [trial])
        db.execute("INSERT INTO mvn_param VALUES (?, 'args.lr', ?, 'config')", [trial, lr])
        db.executemany("INSERT INTO mvn_metric VALUES (?, ?, ?, 1, ?, ?)",
                       ((trial, name, step, 1 / (step + name), 1700000000000 + step)
                        for name in range(1, METRICS + 1) for step in range(1, steps + 1)))
    db.commit()
    db.close()
    return trials * METRICS * steps


def size_of(path):
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def measure(command, folder):
    begun = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return (time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--only", help="this format alone")
    parser.add_argument("--folder", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(dir=arguments.folder))
    runner = arguments.runner.resolve()
    try:
        made = make_results(folder / "results" / "results.db", arguments.values, arguments.trials)
        print(f"{made} values, {arguments.trials} trials;"
              f" results.db has {size_of(folder / 'results/results.db') / 1e6:.0f} MB")
        listed = subprocess.run([runner, "export", "--json"], capture_output=True, check=True)
        print("| format | seconds | of them CPU | peak memory, MiB | written, MB |\n|---|---|---|---|---|")
        for row in json.loads(listed.stdout):
            if arguments.only not in (None, row["format"]):
                continue
            output = folder / row["format"]
            seconds, cpu, memory = measure([runner, "export", row["format"], "large", output], folder)
            print(f"| {row['format']} | {seconds:.1f} | {cpu:.1f} | {memory:.0f}"
                  f" | {size_of(output) / 1e6:.0f} |", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
