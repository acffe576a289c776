#!/bin/sh
# Installs the Python libraries that the expected numbers come from, at the pinned versions, into
# .deps/python (which git ignores). Only to make the numbers anew, or to check against the libraries
# themselves: the C++ tests read the kept files and need no Python. The tools that tests/e2e/exports
# opens exports with come along.
#   tests/exactness/setup.sh && .deps/python/bin/python tests/exactness/reference/make_models.py
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python3 -m venv "$root/.deps/python"
"$root/.deps/python/bin/pip" install --quiet --requirement "$root/tests/exactness/reference/requirements.txt" \
  --requirement "$root/tests/e2e/exports/requirements.txt"
