"""What the tests of the Python package share: the program to try, and the Python to try it with."""

import argparse
import os
import subprocess
import sys

# It may have the libraries that a test needs; MVN_PYTHON names it.
PYTHON = os.environ.get("MVN_PYTHON", sys.executable)


def has(*packages):
    code = (
        "import importlib.util as u, sys; sys.exit(not all(u.find_spec(p) for p in sys.argv[1:]))"
    )
    return subprocess.run([PYTHON, "-c", code, *packages], check=False).returncode == 0


def take_runner():
    """The program after --runner, which is taken off the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    known, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    return known.runner
