"""The trial behind the run, and what is said to people."""

import importlib.util
import pathlib
import sys

_PACKAGE = pathlib.Path(__file__).resolve().parents[2]


def _mvn_runner():
    """The package around this one, also where the program's Python does not have it."""
    if "mvn_runner" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "mvn_runner", _PACKAGE / "__init__.py", submodule_search_locations=[str(_PACKAGE)]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules["mvn_runner"] = module
        spec.loader.exec_module(module)
    return sys.modules["mvn_runner"]


def trial():
    return _mvn_runner().trial()


def as_number(value):
    """The number that a logged value is; None where it is none."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    if value is None or isinstance(value, (str, bytes, dict, list, tuple, set)):
        return None
    if getattr(value, "_is_wandb_media", False):
        return None
    size = getattr(value, "size", None)
    size = size() if callable(size) else size
    count = getattr(value, "numel", None)
    elements = count() if callable(count) else size
    if isinstance(elements, int) and elements != 1:
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        return None


def say(text):
    print(f"wandb (mvn-runner): {text}", file=sys.stderr)


def warn(text):
    """In the log, and among what the runner shows."""
    say("WARNING " + text)
    trial().event("wandb: " + text)


def refuse_command(name):
    say(
        f"{name} is W&B's own way to run a sweep; here the sweep is a file: "
        "mvn-runner import wandb FILE.yaml --output sweep.yaml, then mvn-runner sweep.yaml"
    )
    raise SystemExit(64)
