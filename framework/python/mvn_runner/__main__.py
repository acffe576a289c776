"""`python -m mvn_runner ...` is mvn-runner; --cmake-dir prints what plugins are built with."""

import os
import sys

from mvn_runner.tree import cmake_folder, runner


def main() -> None:
    try:
        if sys.argv[1:] == ["--cmake-dir"]:
            print(cmake_folder())
            return
        program = str(runner())
    except FileNotFoundError as error:
        sys.exit(f"mvn_runner: {error}")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
