"""The trial that this program is: what it is to do, and how it reports.

Outside of a sweep everything is there as well: `active` is false, the configuration is the defaults
that the program gives, and what is reported goes nowhere.
"""

import json
import os
import pathlib
import re
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any, NoReturn, Optional

from mvn_runner.spool import Spool, numbers

# What a program ends with, so that the runner knows how it went.
EXIT_BAD_CONFIG = 64
EXIT_GO_ON_LATER = 75
EXIT_OUT_OF_MEMORY = 77
EXIT_DIVERGED = 78
EXIT_BAD_DATA = 79

_CHECKPOINT = re.compile(r"step-(\d+)$")


def _is_main_process() -> bool:
    """Of several processes that train together, one reports."""
    return os.environ.get("RANK", "0") in ("", "0")


class Trial:
    """One configuration with one seed, as the runner handed it to this program."""

    def __init__(self, file: Optional[str], defaults: Mapping[str, Any]) -> None:
        told: dict[str, Any] = {}
        if file:
            with open(file, encoding="utf-8") as text:
                told = json.load(text)
        self.active = bool(told)
        self.config: dict[str, Any] = told.get("config", {})
        self.args: dict[str, Any] = {**defaults, **self.config.get("args", {})}
        self.seed: int = self.config.get("seed", 0)
        self.sweep: str = told.get("sweep", "")
        self.stage: str = told.get("stage", "")
        self.id: str = told.get("id", "")
        self.attempt: int = told.get("attempt", 1)
        self.threads: int = told.get("threads", os.cpu_count() or 1)
        self.device: str = told.get("device", "cpu")
        self.folder = pathlib.Path(told.get("folder", "."))
        self._spool = Spool(told.get("spool") if _is_main_process() else None)
        self._step = 0
        self._stop = threading.Event()
        self._listening = False

    def __repr__(self) -> str:
        name = f"{self.sweep}/{self.id[:12]}" if self.active else "outside of a sweep"
        return f"<mvn_runner.Trial {name}>"

    # What it reports

    def log(
        self, values: Optional[Mapping[str, Any]] = None, *, step: Optional[int] = None, **more: Any
    ) -> None:
        """Values of metrics at a step; without a step, at the one after the last."""
        self._step = self._step + 1 if step is None else int(step)
        self._spool.write("metric", step=self._step, values=numbers({**(values or {}), **more}))

    def progress(self, step: int, steps: Optional[int] = None) -> None:
        """How far it is: the runner shows it, and sees by it that the trial has not hung."""
        self._spool.write("progress", step=int(step), steps=None if steps is None else int(steps))

    def event(self, message: str, level: str = "warning") -> None:
        """Something that people should see: in the view `events`, and in the terminal."""
        self._spool.write("event", level=level, message=str(message))

    def cost(self, values: Optional[Mapping[str, Any]] = None, **more: Any) -> None:
        """What it took (tokens, seconds), added up; of names with "peak_" the largest counts."""
        self._spool.write("cost", values=numbers({**(values or {}), **more}))

    def param(self, values: Optional[Mapping[str, Any]] = None, **more: Any) -> None:
        """A parameter that the program itself chose."""
        self._spool.write("param", values={**(values or {}), **more})

    def artifact(
        self, path: "os.PathLike[str] | str", kind: str = "file", step: Optional[int] = None
    ) -> None:
        """A file or folder that it wrote."""
        where = pathlib.Path(path).absolute()
        files = (
            [where] if where.is_file() else [each for each in where.rglob("*") if each.is_file()]
        )
        size = sum(each.stat().st_size for each in files)
        self._spool.write("artifact", kind=kind, path=str(where), step=step, bytes=size)

    # Checkpoints: they are there again at the next attempt

    @property
    def checkpoints(self) -> pathlib.Path:
        return self.folder / "checkpoints"

    def checkpoint(self, step: int) -> pathlib.Path:
        """Where the checkpoint of a step belongs; nothing is made."""
        return self.checkpoints / f"step-{int(step)}"

    def checkpoint_steps(self) -> list[int]:
        """Of those that are there, the newest first."""
        if not self.checkpoints.is_dir():
            return []
        found = (_CHECKPOINT.match(path.name) for path in self.checkpoints.iterdir())
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def latest_checkpoint(self) -> Optional[pathlib.Path]:
        steps = self.checkpoint_steps()
        return self.checkpoint(steps[0]) if steps else None

    # Its end

    @property
    def should_stop(self) -> bool:
        """Whether the runner asks for a checkpoint and the end (SIGTERM).

        The first question begins to listen: a program that never asks ends at the signal.
        """
        self._listen()
        return self._stop.is_set()

    def _listen(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        if self._listening or not self.active or not main:
            return
        self._listening = True
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())

    def go_on_later(self) -> NoReturn:
        """Ends the program: a checkpoint is written, and the next attempt goes on from it."""
        sys.exit(EXIT_GO_ON_LATER)


_current: Optional[Trial] = None


def trial(**defaults: Any) -> Trial:
    """This program's trial. `defaults` are `args` that the sweep does not give."""
    global _current  # pylint: disable=global-statement
    if _current is None:
        _current = Trial(os.environ.get("MVN_TRIAL"), {})
    for name, value in defaults.items():
        _current.args.setdefault(name, value)
    return _current
