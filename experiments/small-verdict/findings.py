#!/usr/bin/env python3
"""Makes the tables and pictures of docs/findings.md out of the results that lie beside this file.

    python3 experiments/small-verdict/findings.py [--runner build/bin/mvn-runner] [--check]
    python3 experiments/small-verdict/findings.py --take results

What stands between `<!-- NAME -->` and `<!-- end -->` in the page is replaced, and the pictures are
drawn; with --check nothing is written, and anything that would change is named. With --take the
results of a run first replace those that lie here. The verdict and its numbers are those of
`mvn-runner compare`; Python's standard library is all that is needed besides.
"""
import argparse
import json
import pathlib
import sqlite3
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results"
PAGE = ROOT / "docs" / "findings.md"
ARMS = {"mamba": ("Mamba", "#0072b2"), "gptneo": ("GPT-Neo", "#d55e00")}
SWEEPS = ["small-verdict", "small-verdict-baselines", "small-verdict-peft"]
# The stages whose models are judged on test texts, as the page calls them.
STAGES = {"final": "LoRA, r 16", "equal": "LoRA, as many parameters", "probe": "linear probe",
          "scratch": "LoRA on random weights", "full": "all parameters trained",
          "authors": "LoRA, r 16, pretrained by the authors' recipes"}
PRETRAININGS = {"pretrain": "common", "authors_pretrain": "authors'"}
SETS = {"sst2": "SST-2", "trec": "TREC", "banking77": "banking77", "ag_news": "AG News",
        "emotion": "emotion", "massive_en_intent": "MASSIVE"}


def compare(runner, sweep, by, stage):
    command = [runner, "compare", sweep, "--by", by, "--results", RESULTS, "--format", "json"]
    done = subprocess.run(command + (["--stage", stage] if stage else []), capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"findings.py: {done.stderr.strip()}")
    return json.loads(done.stdout)["comparisons"][0]


def set_name(label):
    """Of "train=sst2" or a path with the data set's folder: the page's name."""
    for folder, name in SETS.items():
        if folder in label:
            return name
    return label


def scores(database):
    """(stage, arm, data set) -> test accuracies, in the order of their seeds."""
    found = {}
    query = """
        SELECT f.stage, a.value, d.value, f.value FROM finals f
        JOIN params a ON a.trial = f.trial AND a.name IN ('model.plugin', 'args.method')
        JOIN params d ON d.trial = f.trial AND d.name IN ('task.test', 'args.test')
        WHERE f.name = 'test/accuracy' ORDER BY f.stage, a.value, d.value, f.seed"""
    for stage, arm, path, value in database.execute(query):
        found.setdefault((stage, arm, set_name(path)), []).append(value)
    return found


def percent(value, digits=1):
    return f"{100 * value:.{digits}f}"


def mean_and_spread(values):
    if not values:
        return ""
    spread = f" ± {percent(statistics.stdev(values))}" if len(values) > 1 else ""
    return percent(statistics.mean(values)) + spread


def verdict_table(found):
    pair = found["pairs"][0]
    lines = ["| data set | Mamba | GPT-Neo | difference | 95 % interval | p (Holm) | better |",
             "|---|---|---|---|---|---|---|"]
    arms = {each["set"]: {arm["arm"]: arm for arm in each["arms"]} for each in found["sets"]}
    sign = 1 if pair["a"] == "mamba" else -1
    for each in pair["sets"]:
        by_arm = arms[each["set"]]
        cells = [f"{percent(by_arm[arm]['mean'])} ± {percent(by_arm[arm]['sd'])}" for arm in ARMS]
        low, high = sorted(sign * each["difference"][end] for end in ("low", "high"))
        winner = {"better": pair["a"], "worse": pair["b"]}.get(each["verdict"])
        word = ARMS[winner][0] if winner else each["verdict"]
        p = each["holm_p"]
        lines.append(f"| {set_name(each['set'])} | {' | '.join(cells)} | "
                     f"{percent(sign * each['difference']['estimate'])} | "
                     f"{percent(low)} to {percent(high)} | "
                     f"{'< 0.001' if p < 0.001 else f'{p:.2g}'} | {word} |")
    return "\n".join(lines)


def stage_table(found):
    stages = [stage for stage in STAGES if any(key[0] == stage for key in found)]
    lines = ["| trained | arm | " + " | ".join(SETS.values()) + " | mean |",
             "|---|---|" + "---|" * (len(SETS) + 1)]
    rows = [(STAGES[stage], ARMS[arm][0], stage, arm) for stage in stages for arm in ARMS]
    rows += [("words and pairs of words, logistic regression", "tf-idf", "", "tfidf"),
             ("the most frequent label", "majority", "", "majority")]
    for what, name, stage, arm in rows:
        cells = [found.get((stage, arm, data), []) for data in SETS.values()]
        means = [statistics.mean(values) for values in cells if values]
        if not means:
            continue
        mean = percent(statistics.mean(means)) if len(means) == len(SETS) else ""
        lines.append(f"| {what} | {name} | " + " | ".join(map(mean_and_spread, cells))
                     + f" | {mean} |")
    return "\n".join(lines)


def rates_table(database):
    """The validation accuracy of every learning rate that was tried, by data set."""
    query = """
        SELECT a.value, d.value, r.value, f.value FROM finals f
        JOIN params a ON a.trial = f.trial AND a.name = 'model.plugin'
        JOIN params d ON d.trial = f.trial AND d.name = 'task.train'
        JOIN params r ON r.trial = f.trial AND r.name = 'optimizer.lr'
        WHERE f.name = 'eval/accuracy' AND f.stage = 'tune'"""
    tried = {}
    for arm, path, rate, value in database.execute(query):
        tried.setdefault((arm, set_name(path)), {})[rate] = value
    rates = sorted({rate for values in tried.values() for rate in values})
    lines = ["| arm | data set | " + " | ".join(f"{rate:g}" for rate in rates) + " |",
             "|---|---|" + "---|" * len(rates)]
    for arm in ARMS:
        for data in SETS.values():
            values = tried.get((arm, data), {})
            if not values:
                continue
            best = max(values.values())
            cells = [f"**{percent(values[rate])}**" if values.get(rate) == best
                     else percent(values[rate]) if rate in values else "" for rate in rates]
            lines.append(f"| {ARMS[arm][0]} | {data} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost_table(database):
    """What each stage took: trials, and hours of one core."""
    query = """
        SELECT t.stage, a.value, count(*), sum(t.seconds) / 3600 FROM trials t
        JOIN params a ON a.trial = t.trial AND a.name = 'model.plugin'
        WHERE t.state = 'done' GROUP BY t.stage, a.value"""
    found = {(stage, arm): (count, hours) for stage, arm, count, hours in database.execute(query)}
    stages = ["rates", "pretrain", "tune", *(stage for stage in STAGES if stage != "authors"),
              "authors_rates", "authors_pretrain", "authors"]
    lines = ["| stage | " + " | ".join(f"trials of {name} | core-hours" for name, _ in ARMS.values())
             + " |", "|---|" + "---|" * (2 * len(ARMS))]
    for stage in stages:
        cells = [found.get((stage, arm)) for arm in ARMS]
        if any(cells):
            lines.append(f"| `{stage}` | " + " | ".join(
                f"{cell[0]} | {cell[1]:.2f}" if cell else " | " for cell in cells) + " |")
    return "\n".join(lines)


def pretraining_table(database):
    query = """
        SELECT f.stage, a.value, f.seed, f.name, f.value FROM finals f
        JOIN params a ON a.trial = f.trial AND a.name = 'model.plugin'
        WHERE f.name IN ('eval/loss', 'eval/bits_per_byte') ORDER BY f.seed"""
    found = {}
    for stage, arm, _, name, value in database.execute(query):
        found.setdefault((stage, arm, name), []).append(value)
    lines = ["| recipe | arm | models | loss on held-out text | bits a byte |", "|---|---|---|---|---|"]
    for stage, recipe in PRETRAININGS.items():
        for arm, (name, _) in ARMS.items():
            loss, bits = (found[stage, arm, f"eval/{what}"] for what in ("loss", "bits_per_byte"))
            spread = [f"{statistics.mean(each):.3f} ± {statistics.stdev(each):.3f}"
                      for each in (loss, bits)]
            lines.append(f"| {recipe} | {name} | {len(loss)} | {spread[0]} | {spread[1]} |")
    return "\n".join(lines)


def check_table(database, ours):
    """The `final` of transformers and peft beside ours."""
    query = """
        SELECT a.value, d.value, f.value FROM finals f
        JOIN params a ON a.trial = f.trial AND a.name = 'args.model'
        JOIN params d ON d.trial = f.trial AND d.name = 'args.test'
        WHERE f.sweep = 'small-verdict-peft' AND f.name = 'test/accuracy'"""
    theirs = {}
    for arm, path, value in database.execute(query):
        theirs.setdefault((arm, set_name(path)), []).append(value)
    lines = ["| arm | data set | transformers and peft | here |", "|---|---|---|---|"]
    for (arm, data), values in sorted(theirs.items()):
        lines.append(f"| {ARMS[arm][0]} | {data} | {mean_and_spread(values)} | "
                     f"{mean_and_spread(ours['final', arm, data])} |")
    return "\n".join(lines)


def forest(found):
    """The differences with their intervals, as SVG."""
    pair = found["pairs"][0]
    sign = 1 if pair["a"] == "mamba" else -1
    rows = [(set_name(each["set"]), *(sign * each["difference"][end]
                                      for end in ("estimate", "low", "high")))
            for each in pair["sets"]]
    overall = pair.get("mean_difference")
    if overall and overall["low"] is not None:
        rows.append(("mean of the data sets", *(sign * overall[end]
                                                for end in ("estimate", "low", "high"))))
    rows = [(name, middle, min(a, b), max(a, b)) for name, middle, a, b in rows]
    reach = 1.05 * max(max(abs(low), abs(high)) for _, _, low, high in rows)
    left, width, line, top = 190, 560, 30, 40
    height = top + line * len(rows) + 50

    def x(value):
        return left + width * (value + reach) / (2 * reach)

    region = found["region"]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 30} {height}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{left + width + 30}" height="{height}" fill="white"/>',
             f'<rect x="{x(-region):.1f}" y="{top - 12}" width="{x(region) - x(-region):.1f}" '
             f'height="{line * len(rows)}" fill="#eeeeee"/>',
             f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{top - 12}" '
             f'y2="{top + line * len(rows) - 12}" stroke="#888888"/>',
             f'<text x="{x(0) - 12:.1f}" y="18" text-anchor="end" fill="#a84a00">GPT-Neo is better</text>',
             f'<text x="{x(0) + 12:.1f}" y="18" fill="#0072b2">Mamba is better</text>']
    for i, (name, middle, low, high) in enumerate(rows):
        y = top + line * i
        colour = "#0072b2" if low > 0 else "#a84a00" if high < 0 else "#555555"
        weight = ' font-weight="bold"' if name.startswith("mean") else ""
        parts += [f'<text x="{left - 12}" y="{y + 5}" text-anchor="end"{weight}>{name}</text>',
                  f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" '
                  f'stroke="{colour}" stroke-width="2"/>',
                  f'<circle cx="{x(middle):.1f}" cy="{y}" r="5" fill="{colour}"/>']
    bottom = top + line * len(rows)
    step = 0.05 if reach > 0.1 else 0.02 if reach > 0.04 else 0.01
    marks = int(reach / step)
    parts += [f'<text x="{x(k * step):.1f}" y="{bottom + 8}" text-anchor="middle" fill="#444444">'
              f'{100 * k * step:g}</text>' for k in range(-marks, marks + 1)]
    parts += [f'<text x="{x(0):.1f}" y="{bottom + 30}" text-anchor="middle">test accuracy of Mamba '
              'less that of GPT-Neo, points, with 95 % intervals</text>', "</svg>", ""]
    return "\n".join(parts)


def curves(database):
    """The training loss of each pretraining, as SVG."""
    query = """
        SELECT a.value, m.trial, m.step, m.value FROM metrics m
        JOIN params a ON a.trial = m.trial AND a.name = 'model.plugin'
        WHERE m.stage = 'pretrain' AND m.name = 'train/loss' ORDER BY a.value, m.trial, m.step"""
    lines = {}
    for arm, trial, step, value in database.execute(query):
        lines.setdefault((arm, trial), []).append((step, value))
    values = [value for line in lines.values() for _, value in line]
    low, high = min(values) - 0.1, min(max(values), 7.7)
    last = max(step for line in lines.values() for step, _ in line)
    left, top, width, height = 60, 15, 600, 260

    def point(step, value):
        y = top + height * (high - min(value, high)) / (high - low)
        return f"{left + width * step / last:.1f},{y:.1f}"

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} '
             f'{top + height + 55}" font-family="sans-serif" font-size="13">',
             f'<rect width="{left + width + 90}" height="{top + height + 55}" fill="white"/>']
    for mark in range(int(low) + 1, int(high) + 1):
        y = top + height * (high - mark) / (high - low)
        parts += [f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>',
                  f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{mark}</text>']
    parts += [f'<text x="{left + width * k / 5:.1f}" y="{top + height + 20}" text-anchor="middle" '
              f'fill="#444444">{last * k // 5}</text>' for k in range(6)]
    for (arm, _), line in sorted(lines.items()):
        path = " ".join(point(*each) for each in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{ARMS[arm][1]}" opacity="0.75"/>')
    for arm, (name, colour) in ARMS.items():
        ends = [line[-1] for (each, _), line in lines.items() if each == arm]
        x, y = point(last, statistics.mean(value for _, value in ends)).split(",")
        parts.append(f'<text x="{float(x) + 6:.1f}" y="{float(y) + 4:.1f}" fill="{colour}">{name}</text>')
    parts += [f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">training loss '
              'by step of 2,048 tokens, a line for each pretraining</text>', "</svg>", ""]
    return "\n".join(parts)


def take(folder):
    """Copies a run's results here: without predictions of single texts and measurements of speed,
    which are most of it, without trials that the sweeps have no more, and without the names of the
    machine and its folders."""
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "results.db"
    target.unlink(missing_ok=True)
    source = sqlite3.connect(f"file:{folder / 'results.db'}?mode=ro", uri=True)
    source.execute("VACUUM INTO ?", [str(target)])
    database = sqlite3.connect(target)
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute(f"DELETE FROM mvn_sweep WHERE name NOT IN ({', '.join('?' * len(SWEEPS))})", SWEEPS)
    database.execute("DELETE FROM mvn_trial WHERE NOT current")
    database.execute("DELETE FROM mvn_prediction")
    database.execute("DELETE FROM mvn_artifact")
    database.execute("DELETE FROM mvn_metric WHERE name IN (SELECT id FROM mvn_metric_name WHERE "
                     "name IN ('data/padding_share', 'train/peak_share', 'train/grad_norm', "
                     "'train/tokens_per_second') OR name LIKE 'eval/predicted/%')")
    database.execute("DELETE FROM mvn_environment WHERE name = 'host'")
    database.execute("UPDATE mvn_attempt SET host = ''")
    # The sweep's file is ROOT/experiments/small-verdict/NAME.yaml.
    for (file,) in database.execute("SELECT DISTINCT file FROM mvn_sweep").fetchall():
        root = str(pathlib.Path(file).parent.parent.parent) + "/"
        for table, column in [("mvn_sweep", "file"), ("mvn_environment", "name"),
                              ("mvn_environment", "value"), ("mvn_event", "message"),
                              ("mvn_attempt", "message")]:
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, '') "
                             f"WHERE instr({column}, ?)", [root, root])
    database.commit()
    database.execute("VACUUM")


def filled(page, blocks):
    for name, text in blocks.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        if begin not in page:
            sys.exit(f"findings.py: {PAGE} has no {begin.strip()}")
        head, rest = page.split(begin, 1)
        page = head + begin + text + "\n" + end + rest.split(end, 1)[1]
    return page


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", type=pathlib.Path, default=ROOT / "build" / "bin" / "mvn-runner")
    parser.add_argument("--check", action="store_true", help="write nothing, say what would change")
    parser.add_argument("--take", type=pathlib.Path, metavar="RESULTS",
                        help="the results folder of a run, which replaces what lies here")
    arguments = parser.parse_args()
    if arguments.take:
        take(arguments.take)
    database = sqlite3.connect(f"file:{RESULTS / 'results.db'}?mode=ro", uri=True)
    verdict, authors = (compare(arguments.runner, "small-verdict", "model.plugin", stage)
                        for stage in ("final", "authors"))
    found = scores(database)
    made = {
        PAGE: filled(PAGE.read_text(encoding="utf-8"),
                     {"verdict": verdict["pairs"][0]["sentence"],
                      "verdict table": verdict_table(verdict),
                      "verdict by the authors' recipes": authors["pairs"][0]["sentence"],
                      "check": check_table(database, found),
                      "stages": stage_table(found),
                      "rates": rates_table(database),
                      "cost": cost_table(database),
                      "pretraining": pretraining_table(database)}),
        ROOT / "docs" / "findings.svg": forest(verdict),
        ROOT / "docs" / "findings-pretraining.svg": curves(database),
    }
    changed = [path for path, text in made.items()
               if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        print(f"{path.relative_to(ROOT)} {'would change' if arguments.check else 'written'}")
        if not arguments.check:
            path.write_text(made[path], encoding="utf-8")
    sys.exit(1 if changed and arguments.check else 0)


if __name__ == "__main__":
    main()
