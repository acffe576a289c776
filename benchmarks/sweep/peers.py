"""Runs a peer's sweep of trials that do nothing and prints its seconds: peers.py ENGINE TRIALS."""

import os
import subprocess
import sys
import time


def optuna_sweep(trials, objective):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start = time.perf_counter()
    study = optuna.create_study(storage="sqlite:///study.db",
                                sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=trials)
    return time.perf_counter() - start


def ray_sweep(trials):
    import ray
    from ray import tune

    def trainable(config):
        tune.report({"loss": config["x"]})

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    tuner = tune.Tuner(trainable, param_space={"x": tune.grid_search(list(range(trials)))},
                       tune_config=tune.TuneConfig(reuse_actors=True),
                       run_config=tune.RunConfig(storage_path=os.getcwd(), name="noop", verbose=0))
    start = time.perf_counter()
    results = tuner.fit()
    seconds = time.perf_counter() - start
    if results.errors or len(results) != trials:
        raise SystemExit("Ray Tune's trials failed")
    ray.shutdown()
    return seconds


def with_process(trial):
    subprocess.run(["true"], check=True)
    return trial.suggest_int("x", 1, 1000)


def main():
    engine, trials = sys.argv[1], int(sys.argv[2])
    if engine == "optuna":
        print(optuna_sweep(trials, lambda trial: trial.suggest_int("x", 1, 1000)))
    elif engine == "optuna-process":
        print(optuna_sweep(trials, with_process))
    else:
        print(ray_sweep(trials))


if __name__ == "__main__":
    main()
