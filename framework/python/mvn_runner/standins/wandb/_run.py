"""The run that wandb.init() gives: this trial, under W&B's names."""

import atexit
import collections
import fnmatch
import glob as globbing
import json
import os
import pathlib
import shutil
import time

from wandb._artifact import Artifact
from wandb._config import Config
from wandb._media import Media
from wandb._program import as_number, say, trial, warn
from wandb._summary import Summary
from wandb._table import Table
from wandb.util import make_artifact_name_safe

_runs = 0


class Settings:
    """Options that say how W&B works; none of them changes anything here."""

    def __init__(self, *args, **options):
        self.__dict__.update(options)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Metric:
    """What define_metric() gives back."""

    def __init__(self, name, step_metric, summary, goal):
        self.name = name
        self.step_metric = step_metric
        self.summary = summary
        self.goal = goal


def flatten(data, prefix=""):
    """{"a": {"b": 1}} is {"a.b": 1}."""
    flat = {}
    for name, value in data.items():
        full = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            flat.update(flatten(value, full + "."))
        else:
            flat[full] = value
    return flat


def last_step(own):
    """The largest step that earlier attempts of the trial reported; -1 where there is none."""
    last = -1
    for spool in own.folder.glob("attempts/*/spool.jsonl"):
        with open(spool, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and record.get("type") == "metric":
                    last = max(last, int(record.get("step", -1)))
    return last


class LeftOut:
    """Counts what is not recorded; people hear of each kind once."""

    def __init__(self):
        self.counts = collections.Counter()

    def add(self, kind, name):
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            warn(f"{name!r} is {kind}, which is not recorded; what follows of this kind is counted")

    def tell(self):
        if self.counts:
            told = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.counts.items()))
            trial().event("wandb: left out in all: " + told, level="info")


def kind_of(value):
    if isinstance(value, Media):
        return "a wandb." + type(value).__name__
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Media):
        return "a list of wandb." + type(value[0]).__name__
    return "a " + type(value).__name__


class Run:
    disabled = False

    def __init__(self, project, config, on_finish, number, **options):
        self._trial = trial()
        self._on_finish = on_finish
        # Another run of the same program: its metrics are not those of the first.
        self._prefix = "" if number == 1 else f"run{number}/"
        self._folder = self._trial.folder / "wandb" / ("" if number == 1 else f"run-{number}")
        self._left_out = LeftOut()
        self._metrics = {}
        self._last = {}  # the last value of each metric that is a step
        self._extremes = {}
        self._saved = set()
        self._finished = False
        resume = options.get("resume") not in (None, False, "never")
        self.resumed = resume and self._trial.attempt > 1
        self.starting_step = last_step(self._trial) + 1 if self.resumed else 0
        self._step = self.starting_step
        self.start_time = time.time()
        own_id = self._trial.id[:12] or "outside"
        self.id = own_id if number == 1 else f"{own_id}-{number}"
        self.name = options.get("name") or self.id
        self.project = project or self._trial.sweep or "mvn-runner"
        self.entity = options.get("entity") or "mvn-runner"
        self.group = options.get("group") or ""
        self.job_type = options.get("job_type") or self._trial.stage
        self.tags = tuple(options.get("tags") or ())
        self.notes = options.get("notes")
        self.sweep_id = self._trial.sweep or None
        self.settings = options.get("settings") or Settings(mode="offline", run_id=self.id)
        self.mode = "offline"
        self.offline = True
        self.summary = Summary(self._summary_changed)
        self.config = Config(self._trial.args, self._config_changed)
        self.config_static = self.config
        if number > 1:
            warn(
                f"this is run {number} of one trial: its metrics are recorded as {self._prefix}..."
            )
        self.config.update(config, allow_val_change=True)

    # Where

    @property
    def dir(self):
        folder = self._folder / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    @property
    def url(self):
        return self._trial.folder.absolute().as_uri()

    def get_url(self):
        return self.url

    get_project_url = get_sweep_url = get_url
    project_url = sweep_url = url

    @property
    def path(self):
        return f"{self.entity}/{self.project}/{self.id}"

    @property
    def step(self):
        return self._step

    def project_name(self):
        return self.project

    # What it reports

    def _config_changed(self, changed):
        if changed:
            self._trial.param({self._prefix + key: value for key, value in changed.items()})

    def _summary_changed(self, values):
        found = {name: as_number(value) for name, value in flatten(values).items()}
        self._record(
            {name: value for name, value in found.items() if value is not None}, self._step
        )

    def _record(self, values, step):
        if values:
            self._trial.log(
                {self._prefix + name: value for name, value in values.items()}, step=step
            )

    def log(self, data, step=None, commit=None, sync=None):
        if not isinstance(data, dict):
            if not hasattr(data, "items"):
                raise ValueError("wandb.log must be passed a dictionary")
            data = dict(data.items())
        if any(not isinstance(key, str) for key in data):
            raise ValueError("Key values passed to `wandb.log` must be strings.")
        if step is not None:
            step = int(step)
            if step < self._step:
                self._left_out.add("a step before the last one", f"step {step} after {self._step}")
                return
            self._step = step
        self._take(flatten(data))
        if commit or (commit is None and step is None):
            self._step += 1

    def _take(self, flat):
        values = {}
        for name, value in flat.items():
            number = as_number(value)
            if number is not None:
                values[name] = number
            elif value is not None:
                self._keep_or_count(name, value)
        self._last.update(values)
        by_step = collections.defaultdict(dict)
        for name, value in values.items():
            if name.startswith("_"):
                continue  # _step, _timestamp: W&B's own
            by_step[self._step_of(name)][name] = value
            self._note_extreme(name, value, by_step)
        for at, found in sorted(by_step.items()):
            self._record(found, at)
        self.summary._keep(values)

    def _keep_or_count(self, name, value):
        table = value if isinstance(value, Table) else getattr(value, "table", None)
        if isinstance(table, Table):
            file = f"{make_artifact_name_safe(name)}-{self._step}.csv"
            path = self._folder / "tables" / file
            table.write_csv(path)
            self._trial.artifact(path, kind="table", step=self._step)
        if not isinstance(value, Table):
            self._left_out.add(kind_of(value), name)

    def _defined(self, name):
        """What was said of a metric: of its name first, then of the pattern that fits best."""
        if name in self._metrics:
            return self._metrics[name]
        fitting = [key for key in self._metrics if fnmatch.fnmatchcase(name, key)]
        return self._metrics[max(fitting, key=len)] if fitting else None

    def _step_of(self, name):
        metric = self._defined(name)
        by = metric.step_metric if metric else None
        value = self._last.get(by) if by else None
        if value is None or value != int(value) or value < 0:
            return self._step
        return int(value)

    def _note_extreme(self, name, value, by_step):
        """W&B calls the smallest of "loss" "loss.min" where the program asks for it."""
        metric = self._defined(name)
        if metric is None or not metric.summary:
            return
        for word in metric.summary.split(","):
            if word == "best":
                better = max if metric.goal == "maximize" else min
            else:
                better = {"min": min, "max": max}.get(word)
            if better is None:
                continue
            full = f"{name}.{word}"
            best = better(self._extremes.get(full, value), value)
            self._extremes[full] = best
            by_step[self._step_of(name)][full] = best
            self.summary._keep({full: best})

    def define_metric(
        self,
        name,
        step_metric=None,
        step_sync=None,
        hidden=None,
        summary=None,
        goal=None,
        overwrite=None,
        **_options,
    ):
        step = getattr(step_metric, "name", step_metric)
        self._metrics[name] = Metric(name, step, summary, goal)
        return self._metrics[name]

    def alert(self, title, text="", level=None, wait_duration=None):
        words = {"INFO": "info", "ERROR": "error"}
        name = str(getattr(level, "value", level)).upper()
        self._trial.event(f"{title}: {text}" if text else str(title), words.get(name, "warning"))

    def watch(self, models=None, *args, **options):
        if options.get("log", "gradients") and models is not None:
            self._left_out.add("a histogram of watch()", "watch")
        return ()

    def unwatch(self, *args, **options):
        return None

    # Files

    def save(self, glob_str=None, base_path=None, policy="live"):
        if glob_str is None:
            return True
        self._saved.add((os.fspath(glob_str), base_path))
        return self._copy_saved(os.fspath(glob_str), base_path)

    def _copy_saved(self, pattern, base_path):
        copied = []
        files = pathlib.Path(self.dir).absolute()
        for found in sorted(globbing.glob(pattern)):
            path = pathlib.Path(found).absolute()
            if not path.is_file() or files in path.parents:
                continue
            base = pathlib.Path(base_path).absolute() if base_path else path.parent
            target = files / os.path.relpath(path, base).replace("../", "")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            copied.append(str(target))
        return copied

    def restore(self, name, run_path=None, replace=False, root=None):
        path = pathlib.Path(self.dir) / name
        if not path.is_file():
            raise ValueError(f"File {name} not found: it is not among this trial's files")
        return open(path, encoding="utf-8")

    @property
    def _artifacts(self):
        return self._folder / "artifacts"

    def log_artifact(self, artifact_or_path, name=None, type=None, aliases=None, tags=None):
        artifact = artifact_or_path
        if not isinstance(artifact, Artifact):
            path = pathlib.Path(artifact_or_path)
            artifact = Artifact(name or f"run-{self.id}-{path.name}", type or "unspecified")
            (artifact.add_dir if path.is_dir() else artifact.add_file)(path)
        artifact.aliases = list(aliases or ["latest"])
        folder = artifact._write(self._artifacts)
        self._trial.artifact(folder, kind=artifact.type or "artifact", step=self._step)
        return artifact

    def upsert_artifact(self, *args, **options):
        return self.log_artifact(*args, **options)

    finish_artifact = upsert_artifact

    def log_model(self, path, name=None, aliases=None):
        return self.log_artifact(path, name or f"run-{self.id}-model", "model", aliases)

    def use_artifact(self, artifact_or_name, type=None, aliases=None, use_as=None):
        if isinstance(artifact_or_name, Artifact):
            return self.log_artifact(artifact_or_name)
        return Artifact._find(self._artifacts, artifact_or_name)

    def use_model(self, name):
        files = self.use_artifact(name).files()
        return str(files[0] if len(files) == 1 else files[0].parent)

    def link_artifact(self, *args, **options):
        return None

    link_model = log_code = mark_preempting = display = _label = link_artifact

    def status(self):
        return None

    def to_html(self, *args, **options):
        return ""

    # Its end

    def finish(self, exit_code=None, quiet=None):
        if self._finished:
            return
        self._finished = True
        for pattern, base in self._saved:
            self._copy_saved(pattern, base)
        self._left_out.tell()
        if exit_code:
            self._trial.event(f"wandb.finish(exit_code={exit_code})")
        self._on_finish()

    def join(self, exit_code=None):
        self.finish(exit_code)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.finish(exit_code=0 if kind is None else 1)
        return False

    def __repr__(self):
        return f"<wandb.Run {self.id} of mvn-runner>"


class RunDisabled(Run):
    """mode="disabled": everything works, and nothing is recorded."""

    disabled = True

    def _config_changed(self, changed):
        return None

    def _record(self, values, step):
        return None

    def _keep_or_count(self, name, value):
        return None

    def alert(self, *args, **options):
        return None

    def log_artifact(self, artifact_or_path, *args, **options):
        return artifact_or_path

    def save(self, *args, **options):
        return []


def start(project, config, mode, on_finish, **options):
    global _runs
    disabled = (mode or os.environ.get("WANDB_MODE", "")) in ("disabled", "dryrun-disabled")
    if disabled:
        say("mode is 'disabled', as the program asks: nothing is recorded")
        return RunDisabled(project, config, on_finish, 1, **options)
    _runs += 1
    run = Run(project, config, on_finish, _runs, **options)
    atexit.register(run.finish)
    return run
