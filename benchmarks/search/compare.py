#!/usr/bin/env python3
"""Searches the usual test functions with `method: bayes` and with Optuna's TPESampler, the same
number of trials, over many seeds, and prints the medians of the best value found. See `run`."""

import argparse
import json
import math
import pathlib
import statistics
import subprocess

import optuna

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/bin/search_draws"


def sphere(x):
    return sum(v * v for v in x.values())


def rosenbrock(x):
    return (1 - x["a"]) ** 2 + 100 * (x["b"] - x["a"] ** 2) ** 2


def branin(x):
    a, b = x["a"], x["b"]
    curve = b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10 - 0.397887


HARTMANN_A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
              [17, 8, 0.05, 10, 0.1, 14]]
HARTMANN_P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
              [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]


def hartmann6(x):
    total = 0
    for weight, row, centre in zip((1, 1.2, 3, 3.2), HARTMANN_A, HARTMANN_P):
        total += weight * math.exp(-sum(r * (v - c / 10000) ** 2
                                        for r, c, v in zip(row, centre, x.values())))
    return 3.32237 - total


def training(x):
    """Like the loss of a small training run: a learning rate that goes with the optimizer, a rank
    with diminishing returns, a dropout, a batch size."""
    best_rate = (-3.3, -1.7, -3.8)[x["optimizer"]]
    rate = (math.log10(x["lr"]) - best_rate) ** 2
    rank = 1 / x["rank"] + 0.004 * x["rank"]
    batch = (0.3, 0.1, 0.0, 0.15)[x["batch"]]
    return rate + rank + batch + (x["dropout"] - 0.15) ** 2 + (0, 0.2, 0.05)[x["optimizer"]] - 0.126


def numbers(keys, low, high):
    return {key: {"min": float(low), "max": float(high)} for key in keys}


FUNCTIONS = {
    "sphere, 5 dimensions": (sphere, numbers("abcde", -5, 5)),
    "Rosenbrock, 2 dimensions": (rosenbrock, numbers("ab", -2, 2)),
    "Branin": (branin, {**numbers("a", -5, 10), **numbers("b", 0, 15)}),
    "Hartmann, 6 dimensions": (hartmann6, numbers("abcdef", 0, 1)),
    "a training run: log, int, q, choices": (training, {
        "optimizer": {"values": ["adamw", "sgd", "lion"]},
        "lr": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1.0},
        "rank": {"min": 1, "max": 64},
        "batch": {"values": [8, 16, 32, 64]},
        "dropout": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.05}}),
}


def best_so_far(values):
    best, result = math.inf, []
    for value in values:
        best = min(best, value)
        result.append(best)
    return result


def search_ours(function, axes, seed, trials):
    process = subprocess.Popen([PROGRAM, json.dumps(axes), str(seed), str(trials)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    values = []
    for _ in range(trials):
        point = json.loads(process.stdout.readline())
        x = {key: int(point[key]) if "values" in axes[key] else point[key] for key in axes}
        values.append(function(x))
        print(repr(values[-1]), file=process.stdin, flush=True)
    process.wait()
    return best_so_far(values)


def suggest(trial, key, axis):
    if "values" in axis:
        return trial.suggest_categorical(key, range(len(axis["values"])))
    if "q" in axis:
        return trial.suggest_float(key, axis["min"], axis["max"], step=axis["q"])
    if isinstance(axis["min"], int):
        return trial.suggest_int(key, axis["min"], axis["max"])
    return trial.suggest_float(key, axis["min"], axis["max"], log="distribution" in axis)


def search_optuna(function, axes, seed, trials, sampler):
    study = optuna.create_study(sampler=sampler(seed=seed))
    study.optimize(lambda trial: function({key: suggest(trial, key, axis)
                                           for key, axis in axes.items()}), n_trials=trials)
    return best_so_far([trial.value for trial in study.trials])


def row(name, function, axes, options):
    sampler = optuna.samplers.RandomSampler if options.random else optuna.samplers.TPESampler
    seeds = range(options.seeds)
    ours = [search_ours(function, axes, seed, options.trials) for seed in seeds]
    peers = [search_optuna(function, axes, seed, options.trials, sampler) for seed in seeds]
    half = options.trials // 2 - 1
    for label, at in ((options.trials // 2, half), (options.trials, -1)):
        mine, theirs = [run[at] for run in ours], [run[at] for run in peers]
        wins = sum(a < b for a in mine for b in theirs) + sum(
            a == b for a in mine for b in theirs) / 2
        print(f"| {name} | {label} | {statistics.median(mine):.3g} | "
              f"{statistics.median(theirs):.3g} | {wins / len(seeds) ** 2:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--only", default="", help="functions whose name begins so")
    parser.add_argument("--random", action="store_true", help="beside Optuna's RandomSampler")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    peer = "random" if options.random else "TPE"
    print(f"median of the best value over {options.seeds} seeds (the lower the better; the minimum "
          f"is 0), Optuna {optuna.__version__}\n")
    print(f"| function | trials | mvn-runner | Optuna {peer} | probability that ours is better |")
    print("|---|---|---|---|---|")
    for name, (function, axes) in FUNCTIONS.items():
        if name.startswith(options.only):
            row(name, function, axes, options)


if __name__ == "__main__":
    main()
