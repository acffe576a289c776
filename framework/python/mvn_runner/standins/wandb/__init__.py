"""A stand-in for W&B's package: a program that reports to W&B reports to mvn-runner instead.

The runner puts it first on the path of a trial whose sweep says `worker: {tracker: wandb}`. Nothing
leaves the machine. What has no place here is counted and left out, with one warning.
"""

import importlib
import sys

from wandb import errors, util
from wandb._artifact import Artifact
from wandb._config import Config, Unset
from wandb._media import (
    Audio,
    Bokeh,
    Graph,
    Histogram,
    Html,
    Image,
    Molecule,
    Object3D,
    Plotly,
    Video,
)
from wandb._program import refuse_command, say, warn
from wandb._run import Run, RunDisabled, Settings, start
from wandb._table import JoinedTable, PartitionedTable, Table
from wandb.errors import CommError, Error, UsageError

__version__ = "0.31.0"
__all__ = [
    "Api", "Artifact", "Audio", "Bokeh", "CommError", "Config", "Error", "Graph", "Histogram",
    "Html", "Image", "JoinedTable", "Molecule", "Object3D", "PartitionedTable", "Plotly", "Run",
    "RunDisabled", "Settings", "Table", "UsageError", "Video", "alert", "config", "define_metric",
    "errors", "finish", "init", "log", "log_artifact", "login", "run", "save", "summary",
    "use_artifact", "util", "watch",
]  # fmt: skip

run = None
config = Unset("config")
summary = Unset("summary")
patched = {"tensorboard": [], "keras": [], "gym": []}


class AlertLevel:
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def _set_run(new):
    """What module-level names stand for."""
    module = sys.modules[__name__]
    module.run = new
    module.config = new.config if new else Unset("config")
    module.summary = new.summary if new else Unset("summary")


def init(project=None, entity=None, config=None, reinit=None, mode=None, **options):
    """Begins the run, which is this trial; within a run it is the one that there is."""
    again = reinit in (True, "finish_previous", "create_new", "default")
    if run is not None and not again:
        if config:
            run.config.update_defaults(config)
        return run
    if run is not None:
        run.finish()
    new = start(
        project=project, config=config, mode=mode, on_finish=lambda: _set_run(None), **options
    )
    _set_run(new)
    return new


def _needs_run(name):
    if run is None:
        raise Error(f"You must call wandb.init() before wandb.{name}()")
    return run


def log(data, step=None, commit=None, sync=None):
    _needs_run("log").log(data, step=step, commit=commit)


def define_metric(name, *args, **options):
    return _needs_run("define_metric").define_metric(name, *args, **options)


def watch(*args, **options):
    return run.watch(*args, **options) if run else ()


def unwatch(*args, **options):
    return None


def save(glob_str=None, base_path=None, policy="live"):
    return _needs_run("save").save(glob_str, base_path, policy)


def restore(name, run_path=None, replace=False, root=None):
    return _needs_run("restore").restore(name, run_path, replace, root)


def alert(title, text="", level=None, wait_duration=None):
    _needs_run("alert").alert(title, text, level, wait_duration)


def log_artifact(*args, **options):
    return _needs_run("log_artifact").log_artifact(*args, **options)


def log_model(*args, **options):
    return _needs_run("log_model").log_model(*args, **options)


def use_artifact(*args, **options):
    return _needs_run("use_artifact").use_artifact(*args, **options)


def use_model(*args, **options):
    return _needs_run("use_model").use_model(*args, **options)


def link_artifact(*args, **options):
    return None


link_model = link_artifact


def finish(exit_code=None, quiet=None):
    if run is not None:
        run.finish(exit_code=exit_code)


def join(exit_code=None):
    finish(exit_code)


def teardown(exit_code=None):
    finish(exit_code)


def mark_preempting():
    return None


def login(*args, **options):
    return True


def setup(*args, **options):
    return None


def require(*args, **options):
    return None


def _attach(*args, **options):
    return run


attach = _attach


def termlog(text="", *args, **options):
    say(text)


def termwarn(text="", *args, **options):
    warn(text)


def termerror(text="", *args, **options):
    say("ERROR " + text)


def sweep(*args, **options):
    refuse_command("wandb.sweep")


def agent(*args, **options):
    refuse_command("wandb.agent")


def controller(*args, **options):
    refuse_command("wandb.controller")


def plot_table(vega_spec_name=None, data_table=None, fields=None, **options):
    from wandb.plot import CustomChart

    return CustomChart(vega_spec_name, data_table, fields)


def ensure_configured():
    return None


class Api:
    """W&B's server, which is not asked."""

    def __init__(self, *args, **options):
        raise CommError(
            "wandb.Api asks W&B's server; in a trial of mvn-runner there is none. Results are in "
            "results.db: mvn_runner.Results (docs/python.md)"
        )


class _NoInternalApi:
    default_entity = "mvn-runner"
    api_key = None


api = _NoInternalApi()


def __getattr__(name):
    """Modules of it that are there, and a clear word for what is not."""
    if name in ("plot", "sdk", "wandb_run", "data_types", "integration", "keras", "apis", "env"):
        return importlib.import_module(f"wandb.{name}")
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(
        f"wandb.{name} is not part of mvn-runner's stand-in for W&B (docs/from-others.md says what "
        "is); without `tracker: wandb` in the sweep the program gets W&B's own package"
    )
