"""Appends records to the file from which the runner takes what a trial reports.

A line of JSON each, written at once: several threads and processes may append to one file.
"""

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Optional

_LONGEST = (1 << 20) - 1  # bytes of a record that is read


def number(name: str, value: Any) -> float:
    """A number, a truth, or what turns into one (NumPy's and torch's scalars)."""
    if isinstance(value, (str, bytes)) or value is None:
        raise TypeError(f"{name!r} is no number: {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name!r} is no number: {type(value).__name__}") from error


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has them: a NaN is a text there."""
    found = {str(name): number(str(name), value) for name, value in values.items()}
    return {
        name: value if math.isfinite(value) else _special(value) for name, value in found.items()
    }


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


class Spool:
    """Writes to a file, or nowhere where there is none."""

    def __init__(self, path: Optional[str]) -> None:
        self._path = path
        self._descriptor: Optional[int] = None
        self._lock = threading.Lock()

    def write(self, of_type: str, **fields: Any) -> None:
        if self._path is None:
            return
        kept = {name: value for name, value in fields.items() if value is not None}
        record = {"type": of_type, "time": int(time.time() * 1000), **kept}
        line = json.dumps(record, default=str).encode() + b"\n"
        if len(line) > _LONGEST:
            raise ValueError(f"a {of_type} record of {len(line)} bytes is longer than one may be")
        with self._lock:
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
            while line:
                line = line[os.write(self._descriptor, line) :]
