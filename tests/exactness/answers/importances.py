"""What Optuna's PED-ANOVA answers, for make_numbers.py."""
import math

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)


def axis_of(name, distribution):
    if isinstance(distribution, CategoricalDistribution):
        return {"name": name, "choices": len(distribution.choices)}
    return {"name": name, "low": distribution.low, "high": distribution.high,
            "log": distribution.log}


def importance(distributions, trials):
    """`trials`: (parameters, loss); a parameter may be missing."""
    study = optuna.create_study()
    for params, loss in trials:
        study.add_trial(optuna.trial.create_trial(
            params=params, value=loss,
            distributions={name: distributions[name] for name in params}))
    axes = []
    for name, distribution in distributions.items():
        axis = axis_of(name, distribution)
        axis["values"] = [params.get(name) for params, _ in trials]
        axes.append(axis)
    answers = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())
    return {"of": "importance", "axes": axes, "losses": [loss for _, loss in trials],
            "answers": answers}


def cases(random):
    distributions = {"lr": FloatDistribution(1e-5, 1e-2, log=True),
                     "dropout": FloatDistribution(0.0, 0.5),
                     "model": CategoricalDistribution((0, 1, 2)),
                     "rank": CategoricalDistribution((0, 1))}
    for count, missing in ((12, 0.0), (60, 0.0), (300, 0.3)):
        trials = []
        for _ in range(count):
            params = {"lr": float(10 ** random.uniform(-5, -2)),
                      "dropout": float(random.uniform(0, 0.5)),
                      "model": int(random.integers(3))}
            if random.random() >= missing:
                params["rank"] = int(random.integers(2))
            loss = (math.log10(params["lr"]) + 3) ** 2 + 0.3 * params["model"]
            loss += 0.1 * params.get("rank", 3) + 0.01 * float(random.standard_normal())
            trials.append((params, loss))
        yield importance(distributions, trials)
    # Losses that are shared, and a range of few values.
    yield importance({"lr": FloatDistribution(1.0, 5.0)},
                     [({"lr": float(i % 5 + 1)}, float(i % 4)) for i in range(40)])
