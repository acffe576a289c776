"""The results of sweeps: results.db as tables, opened to read and never written."""

import html
import json
import math
import pathlib
import sqlite3
import subprocess
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from mvn_runner.tree import runner

_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
_SHOWN = 8  # configurations in a notebook's table and plot


class Table:
    """Rows with named columns, for where neither pandas nor polars is installed."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.columns = list(columns)
        self.rows = [tuple(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row)) for row in self.rows)

    def __getitem__(self, column: str) -> list[Any]:
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def __repr__(self) -> str:
        lines = ["\t".join(self.columns)]
        lines += ["\t".join("" if cell is None else str(cell) for cell in row) for row in self.rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _html_table(self.columns, self.rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.5g}" if isinstance(value, float) else str(value))


def _html_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _frame(columns: Sequence[str], rows: Sequence[Sequence[Any]], kind: Optional[str]) -> Any:
    if kind in (None, "pandas"):
        try:
            import pandas

            return pandas.DataFrame.from_records(list(rows), columns=list(columns))
        except ImportError:
            if kind is not None:
                raise
    if kind in (None, "polars"):
        try:
            import polars

            schema = list(columns)
            return polars.DataFrame(
                list(rows), schema=schema, orient="row", infer_schema_length=None
            )
        except ImportError:
            if kind is not None:
                raise
    return Table(columns, rows)


Curve = list[tuple[int, float]]


def _polyline(curve: Curve, box: tuple[float, float, float, float], colour: str) -> str:
    left, right, low, high = box
    points = []
    for step, value in curve:
        x = 40 + 430 * (step - left) / ((right - left) or 1)
        y = 170 - 160 * (value - low) / ((high - low) or 1)
        points.append(f"{x:.1f},{y:.1f}")
    return (
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(points)}"/>'
    )


def _plot(metric: str, curves: dict[str, Curve]) -> str:
    """Lines over steps, as SVG: nothing has to be installed for it."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return ""
    steps, values = [step for step, _ in points], [value for _, value in points]
    box = (min(steps), max(steps), min(values), max(values))
    lines = [
        _polyline(curve, box, _COLOURS[place % len(_COLOURS)])
        for place, curve in enumerate(curves.values())
    ]
    keys = [
        f'<text x="480" y="{20 + 16 * place}" fill="{_COLOURS[place % len(_COLOURS)]}">'
        f"{html.escape(name)}</text>"
        for place, name in enumerate(curves)
    ]
    axes = (
        '<path d="M40 10V170H470" fill="none" stroke="#888"/>'
        f'<text x="36" y="16" text-anchor="end">{box[3]:.3g}</text>'
        f'<text x="36" y="170" text-anchor="end">{box[2]:.3g}</text>'
        f'<text x="40" y="184">{box[0]}</text>'
        f'<text x="470" y="184" text-anchor="end">{box[1]}</text>'
        f'<text x="255" y="184" text-anchor="middle">{html.escape(metric)}</text>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="190" font-family="sans-serif" '
        f'font-size="11">{axes}{"".join(lines)}{"".join(keys)}</svg>'
    )


class Results:
    """A folder of results. Tables are of `frame`: "pandas", "polars", or whichever is there.

    It may be asked while sweeps run. A column means what docs/results.md says of the view of that
    name; NaN and what was never reported are both empty there, and `special` tells.
    """

    def __init__(self, folder: str = "results", frame: Optional[str] = None) -> None:
        if frame not in (None, "pandas", "polars", "table"):
            raise ValueError(f"frame: expected pandas, polars or table, got {frame!r}")
        self.folder = pathlib.Path(folder)
        self.database = self.folder / "results.db" if self.folder.is_dir() else self.folder
        self._kind = frame
        if not self.database.is_file():
            raise FileNotFoundError(f"{self.database}: no results there")

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        path = urllib.parse.quote(str(self.database.absolute()))
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            cursor = connection.execute(sql, values)
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
        finally:
            connection.close()

    def query(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The answer to any SELECT."""
        return _frame(*self._ask(sql, values), self._kind)

    def _view(self, view: str, **wanted: Optional[str]) -> Any:
        given = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in given)
        sql = f"SELECT * FROM {view}" + (f" WHERE {where}" if where else "")
        return self.query(sql, list(given.values()))

    def sweeps(self) -> Any:
        return self._view("sweeps")

    def trials(self, sweep: Optional[str] = None) -> Any:
        """A row for each trial, with what the sweep varies as columns where one sweep is asked."""
        columns, rows = self._ask(
            "SELECT * FROM trials" + (" WHERE sweep = ?" if sweep else ""), [sweep] if sweep else []
        )
        if sweep is None:
            return _frame(columns, rows, self._kind)
        varied = [json.loads(row[columns.index("parameters")] or "{}") for row in rows]
        names = sorted({name for each in varied for name in each} - set(columns))
        spread = [
            (*row, *(_plain(each.get(name)) for name in names)) for row, each in zip(rows, varied)
        ]
        return _frame([*columns, *names], spread, self._kind)

    def metrics(self, sweep: Optional[str] = None, name: Optional[str] = None) -> Any:
        """Every value of every metric: trial, name, step, value."""
        return self._view("metrics", sweep=sweep, name=name)

    def finals(self, sweep: Optional[str] = None, name: Optional[str] = None) -> Any:
        """The last value of each metric of each trial."""
        return self._view("finals", sweep=sweep, name=name)

    def curves(self, sweep: Optional[str] = None, name: Optional[str] = None) -> Any:
        """Means over the seeds of each configuration, step by step."""
        return self._view("curves", sweep=sweep, name=name)

    def groups(self, sweep: Optional[str] = None) -> Any:
        """Each configuration over its seeds: mean, sd, 95 % interval, the best first."""
        return self._view("group_stats", sweep=sweep)

    def failures(self, sweep: Optional[str] = None) -> Any:
        return self._view("failures", sweep=sweep)

    def comparisons(self, sweep: Optional[str] = None) -> Any:
        """Each configuration beside the best one of its stage."""
        return self._view("comparisons", sweep=sweep)

    def compare(self, sweep: str, by: str, *options: str) -> dict[str, Any]:
        """What `mvn-runner compare SWEEP --by KEY --json` says: verdicts, and how sure they are."""
        command = [str(runner()), "--results", str(self.database.parent), "compare", sweep]
        done = subprocess.run(
            [*command, "--by", by, *options, "--json"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ValueError(done.stderr.strip())
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    # In a notebook

    def _objective_curves(self, sweep: str, stage: str, metric: str) -> dict[str, Curve]:
        _, rows = self._ask(
            "SELECT c.params, c.step, c.mean FROM curves c JOIN group_stats g USING (group_id) "
            "WHERE c.sweep = ? AND c.stage = ? AND g.sweep = c.sweep AND g.stage = c.stage "
            "AND c.name = ? AND c.mean IS NOT NULL AND g.rank <= ? ORDER BY g.rank, c.step",
            (sweep, stage, metric, _SHOWN),
        )
        curves: dict[str, Curve] = {}
        for params, step, mean in rows:
            if math.isfinite(mean):
                curves.setdefault(params, []).append((step, mean))
        return curves

    def _stages(self, sweep: Optional[str]) -> list[tuple[str, str, str]]:
        _, rows = self._ask("SELECT DISTINCT sweep, stage, metric FROM group_stats")
        return [(row[0], row[1], row[2]) for row in rows if sweep in (None, row[0])]

    def show(self, sweep: Optional[str] = None) -> "Shown":
        """A small table and plot of a sweep, or of all; a notebook draws them."""
        parts = []
        for name, stage, metric in self._stages(sweep):
            columns, rows = self._ask(
                "SELECT rank, params, n, mean, sd, low, high FROM group_stats "
                "WHERE sweep = ? AND stage = ? LIMIT ?",
                (name, stage, _SHOWN),
            )
            title = html.escape(" ".join(part for part in (name, stage, metric) if part))
            plot = _plot(metric, self._objective_curves(name, stage, metric))
            parts.append(f"<h4>{title}</h4>{_html_table(columns, rows)}{plot}")
        return Shown("".join(parts) or "<p>no results yet</p>")

    def _repr_html_(self) -> str:
        return self.show().html

    def plot(self, sweep: str, name: str, axes: Any = None) -> Any:
        """Learning curves of a metric with matplotlib; the band is from the least to the most."""
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.subplots()[1]
        _, rows = self._ask(
            "SELECT params, step, mean, min, max FROM curves WHERE sweep = ? AND name = ? "
            "ORDER BY params, step",
            (sweep, name),
        )
        for params in dict.fromkeys(row[0] for row in rows):
            own = [row for row in rows if row[0] == params]
            steps = [row[1] for row in own]
            axes.plot(steps, [row[2] for row in own], label=params)
            axes.fill_between(steps, [row[3] for row in own], [row[4] for row in own], alpha=0.2)
        axes.set_xlabel("step")
        axes.set_ylabel(name)
        axes.legend()
        return axes


def _plain(value: Any) -> Any:
    """What fits into a cell of a table."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


class Shown:
    """HTML that a notebook draws."""

    def __init__(self, text: str) -> None:
        self.html = text

    def _repr_html_(self) -> str:
        return self.html
