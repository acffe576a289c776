"""The Python side of rounds.h."""

import sys
import time


def serve_rounds(play):
    """Answers each line of standard input with "<seconds> <units>"; play() returns the units."""
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        units = play()
        print(time.perf_counter() - start, units, flush=True)
