"""Where the programs of mvn-runner are: in this package, around it, or in the PATH."""

import os
import pathlib
import shutil
from typing import Optional

_PACKAGE = pathlib.Path(__file__).resolve().parent


def _prefixes() -> list[pathlib.Path]:
    """Trees with `bin` and `lib`: a wheel's, an installed one, a checkout's build."""
    return [
        _PACKAGE / "native",
        _PACKAGE.parents[3],  # PREFIX/lib/mvn/python/mvn_runner
        _PACKAGE.parents[2] / "build",  # framework/python/mvn_runner
    ]


def _find(relative: str) -> Optional[pathlib.Path]:
    found = (prefix / relative for prefix in _prefixes() if (prefix / relative).exists())
    return next(found, None)


def runner() -> pathlib.Path:
    """The program mvn-runner; MVN_RUNNER names another one."""
    given = os.environ.get("MVN_RUNNER")
    found = pathlib.Path(given) if given else _find("bin/mvn-runner")
    if found is None:
        in_path = shutil.which("mvn-runner")
        found = pathlib.Path(in_path) if in_path else None
    if found is None or not found.exists():
        raise FileNotFoundError(
            f"no program mvn-runner {f'at {given}' if given else 'here or in PATH'}: "
            "pip install mvn-runner, or name one in MVN_RUNNER"
        )
    return found


def cmake_folder() -> pathlib.Path:
    """What plugins' builds take as mvn_DIR: find_package(mvn) then finds mvn_add_plugin."""
    found = _find("lib/cmake/mvn")
    if found is None:
        raise FileNotFoundError(
            "nothing to build plugins with here: pip install mvn-runner, or cmake --install build"
        )
    return found
