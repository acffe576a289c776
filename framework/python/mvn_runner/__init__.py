"""mvn-runner in Python: a trial that reports, and the results of sweeps as tables.

    import mvn_runner

    trial = mvn_runner.trial()                      # in a program that `worker: {command}` starts
    trial.log({"train/loss": 0.5}, step=1)

    results = mvn_runner.Results("results")         # in a notebook
    results.trials("my-sweep")

Nothing but the standard library is needed. Tables are pandas' or polars' DataFrames where one of
them is installed.
"""

from importlib import metadata as _metadata

from mvn_runner.results import Results, Table
from mvn_runner.tree import cmake_folder, runner
from mvn_runner.trial import Trial, trial

__all__ = ["Results", "Table", "Trial", "cmake_folder", "runner", "trial"]

try:
    __version__ = _metadata.version("mvn-runner")
except _metadata.PackageNotFoundError:  # of a checkout or an installed tree
    __version__ = "0"
