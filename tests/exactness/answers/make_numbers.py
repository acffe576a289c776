#!/usr/bin/env python3
"""What SciPy, statsmodels and Optuna answer, for the tests of framework/orchestrate/answers.

    make_numbers.py > expected.json

Prints a list of cases: what is asked ("of"), of which numbers, and the answers by name. Values of
tests that count arrangements are multiples of 1/1024, so that sums in any order are the same.
"""
import itertools
import json
import math
import sys

import numpy
from scipy import integrate, optimize, special, stats
from statsmodels.stats import contingency_tables, multitest
from statsmodels.stats.power import TTestIndPower, TTestPower

import importances
from mersenne import Mersenne64

SIZES = ((2, 2), (2, 5), (3, 3), (4, 4), (5, 5), (4, 7), (5, 8), (10, 10))


def sample(random, n, shift=0.0):
    values = 0.8 + shift + 0.02 * random.standard_normal(n)
    return [round(value * 1024) / 1024 for value in values]


def interval(result):
    bounds = result.confidence_interval(0.95)
    return {"low": bounds.low, "high": bounds.high}


def newcombe(a, b):
    """The score interval of P(a > b): Newcombe 2006, method 5."""
    n, m = len(a), len(b)
    estimate = stats.mannwhitneyu(a, b).statistic / (n * m)
    z = stats.norm.ppf(0.975)

    def excess(p):
        spread = 1 + ((n + m) / 2 - 1) * ((1 - p) / (2 - p) + p / (1 + p))
        return abs(estimate - p) - z * math.sqrt(p * (1 - p) * spread / (n * m))

    edge = 1e-12
    low = 0 if estimate == 0 else optimize.brentq(excess, 0, min(estimate, 1 - edge), xtol=1e-15)
    high = 1 if estimate == 1 else optimize.brentq(excess, max(estimate, edge), 1, xtol=1e-15)
    return {"probability": estimate, "low": low, "high": high}


def hedges(a, b):
    freedom = len(a) + len(b) - 2
    pooled = math.sqrt(((len(a) - 1) * numpy.var(a, ddof=1) +
                        (len(b) - 1) * numpy.var(b, ddof=1)) / freedom)
    correction = math.exp(special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2))
    return (numpy.mean(a) - numpy.mean(b)) / pooled * correction / math.sqrt(freedom / 2)


def permutation(a, b):
    return stats.permutation_test((a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis),
                                  vectorized=True, n_resamples=numpy.inf).pvalue


def two_samples(a, b):
    result = stats.ttest_ind(a, b, equal_var=False)
    yield {"of": "welch", "a": a, "b": b,
           "answers": {"estimate": numpy.mean(a) - numpy.mean(b), "p": result.pvalue,
                       "freedom": result.df, **interval(result)}}
    yield {"of": "hedges_g", "a": a, "b": b, "answers": {"g": hedges(a, b)}}
    yield {"of": "superiority", "a": a, "b": b, "answers": newcombe(a, b)}
    yield {"of": "permutation", "a": a, "b": b, "exact": True, "answers": {"p": permutation(a, b)}}


def pairs(a, b):
    result = stats.ttest_rel(a, b)
    yield {"of": "paired", "a": a, "b": b,
           "answers": {"estimate": numpy.mean(numpy.subtract(a, b)), "p": result.pvalue,
                       "freedom": result.df, **interval(result)}}
    yield {"of": "correlation", "a": a, "b": b, "answers": {"r": stats.pearsonr(a, b).statistic}}


def signed_ranks(values):
    """By all signs, of ranks that are shared: what SciPy's exact method does not know."""
    values = [value for value in values if value != 0]
    ranks = stats.rankdata(numpy.abs(values))
    observed = sum(rank for rank, value in zip(ranks, values) if value > 0)
    sums = [sum(rank for rank, above in zip(ranks, signs) if above)
            for signs in itertools.product((False, True), repeat=len(ranks))]
    low = sum(total <= observed for total in sums) / len(sums)
    high = sum(total >= observed for total in sums) / len(sums)
    return {"p": min(1, 2 * min(low, high)), "sum": observed}


def over_sets(random):
    for n in (4, 6, 7, 9, 12):
        values = [(i + 1) * (1 if random.random() < 0.75 else -1) / 1024 for i in range(n)]
        result = stats.wilcoxon(values, method="exact", alternative="two-sided")
        assert signed_ranks(values)["p"] == result.pvalue
        yield {"of": "wilcoxon", "a": values, "exact": True, "answers": signed_ranks(values)}
    for values in ([3, -3, 5, 0, 8, 1, 1, -1], [2, 2, 2, 2, 2, 2], [0, 0, 1, -4, 4, 4, 9]):
        tied = [value / 1024 for value in values]
        yield {"of": "wilcoxon", "a": tied, "exact": True, "answers": signed_ranks(tied)}
    for sets, arms, places in ((4, 3, 1024), (6, 4, 1024), (5, 3, 64), (8, 5, 64)):
        table = [[round((0.8 + 0.01 * j + 0.03 * random.standard_normal()) * places) / places
                  for j in range(arms)] for _ in range(sets)]
        result = stats.friedmanchisquare(*zip(*table))
        ranks = stats.rankdata(table, axis=1).mean(axis=0)
        yield {"of": "friedman", "sets": table,
               "answers": {"statistic": result.statistic, "p": result.pvalue, "rank": ranks[0]}}


def several(random):
    for n in (1, 2, 5, 9):
        p = list(random.random(n) ** 3)
        adjusted = multitest.multipletests(p, method="holm")[1]
        yield {"of": "holm", "a": p, "answers": {str(i): q for i, q in enumerate(adjusted)}}


def texts():
    for only_a, only_b in ((0, 5), (0, 6), (3, 3), (2, 11), (40, 21), (130, 90)):
        result = contingency_tables.mcnemar([[0, only_a], [only_b, 0]], exact=True)
        n, fewer = only_a + only_b, min(only_a, only_b)
        mid = 2 * stats.binom.cdf(fewer, n, 0.5) - stats.binom.pmf(fewer, n, 0.5)
        yield {"of": "mcnemar", "a": [only_a, only_b],
               "answers": {"p": result.pvalue, "mid_p": mid}}


def exchanges(random):
    """Models of two arms that are right (1) or not (0) about each text."""
    for models_a, models_b, count in ((1, 1, 14), (2, 2, 12), (2, 4, 13), (3, 5, 40)):
        a = (random.random((models_a, count)) < 0.8).astype(int)
        b = (random.random((models_b, count)) < 0.6).astype(int)
        by_text = a.mean(0) - b.mean(0)
        answers = {"difference": by_text.mean(), **bootstrap(a, b)}
        if count < 20:  # all exchanges can be listed
            signs = numpy.array(list(itertools.product((-1, 1), repeat=count)))
            sums = numpy.round(signs @ by_text * models_a * models_b)
            seen = round(by_text.sum() * models_a * models_b)
            tails = (sums <= seen).mean(), (sums >= seen).mean()
            answers["p"] = min(1, 2 * min(tails))
            result = stats.permutation_test(
                (a.sum(0) * models_b, b.sum(0) * models_a), lambda x, y, axis: (x - y).sum(axis),
                permutation_type="samples", vectorized=True, n_resamples=numpy.inf)
            assert math.isclose(result.pvalue, answers["p"])
        yield {"of": "exchange", "rights_a": a.tolist(), "rights_b": b.tolist(),
               "answers": answers}


def bootstrap(a, b):
    """The multi-bootstrap with the draws that we take."""
    random = Mersenne64(20_000)
    drawn = []
    for _ in range(2000):
        of_a, of_b = ([random() % len(arm) for _ in arm] for arm in (a, b))
        by_text = a[of_a].sum(0) * len(b) - b[of_b].sum(0) * len(a)
        drawn.append(sum(by_text[random() % a.shape[1]] for _ in range(a.shape[1])))
    low, high = numpy.percentile(numpy.array(drawn) / (len(a) * len(b) * a.shape[1]), (2.5, 97.5))
    return {"low": low, "high": high}


def critical_differences():
    for arms, sets in ((2, 6), (3, 8), (5, 10), (12, 30), (40, 5)):
        def excess(width):
            def density(lowest):
                within = special.ndtr(lowest + width) - special.ndtr(lowest)
                return arms * stats.norm.pdf(lowest) * within ** (arms - 1)
            return integrate.quad(density, -9, 9, epsabs=1e-13, limit=200)[0] - 0.95
        width = optimize.brentq(excess, 1, 20, xtol=1e-14)
        assert math.isclose(width, stats.studentized_range.ppf(0.95, arms, numpy.inf),
                            rel_tol=1e-6)
        yield {"of": "nemenyi", "a": [arms, sets],
               "answers": {"difference": width / math.sqrt(2) *
                           math.sqrt(arms * (arms + 1) / (6 * sets))}}


def eight_sets(random):
    """Two arms on eight data sets, five seeds each: all that their comparison says."""
    sets = [{"a": sample(random, 5, 0.01 * i), "b": sample(random, 5, 0.005 * i - 0.01)}
            for i in range(8)]
    answers, worst = {}, []
    for i, each in enumerate(sets):
        result = stats.ttest_ind(each["a"], each["b"], equal_var=False)
        bounds = interval(result)
        answers.update({f"p{i}": result.pvalue, f"low{i}": bounds["low"],
                        f"high{i}": bounds["high"]})
        worst.append(max(result.pvalue, permutation(each["a"], each["b"])))
    for i, p in enumerate(multitest.multipletests(worst, method="holm")[1]):
        answers[f"holm{i}"] = p
    means = [numpy.mean(each["a"]) - numpy.mean(each["b"]) for each in sets]
    over = stats.ttest_1samp(means, 0)
    answers.update({"wilcoxon": stats.wilcoxon(means, method="exact").pvalue,
                    "mean": numpy.mean(means), **interval(over)})
    yield {"of": "eight_sets", "sets": sets, "answers": answers}


def smallest(power):
    return next(n for n in range(2, 1001) if power(n) >= 0.8)


def powers():
    two, one = TTestIndPower(), TTestPower()
    for effect in (0.2, 0.5, 1.0, 1.7, 3.0):
        for n in (2, 3, 5, 10, 40):
            yield {"of": "power", "a": [effect, n],
                   "answers": {"two_samples": two.power(effect, n, 0.05),
                               "pairs": one.power(effect, n, 0.05)}}
        yield {"of": "needed", "a": [effect], "exact": True,
               "answers": {"each": smallest(lambda n: two.power(effect, n, 0.05)),
                           "pairs": smallest(lambda n: one.power(effect, n, 0.05))}}


def cases():
    random = numpy.random.default_rng(7)
    for n, m in SIZES:
        for shift in (0.0, 0.015, 0.1):
            a, b = sample(random, n, shift), sample(random, m)
            yield from two_samples(a, b)
            if n == m and n > 2:
                yield from pairs(a, b)
    yield from over_sets(random)
    yield from several(random)
    yield from texts()
    yield from powers()
    yield from exchanges(random)
    yield from critical_differences()
    yield from importances.cases(random)
    yield from eight_sets(random)


def plain(value):
    return value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    lines = []
    for case in cases():
        # SciPy's noncentral t gives up where a power is 1 within 1e-5.
        case["answers"] = {name: plain(value) for name, value in case["answers"].items()
                           if not math.isnan(value)}
        lines.append(json.dumps(case, default=plain))
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
