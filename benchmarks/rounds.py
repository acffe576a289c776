"""The Python side of rounds.h."""

import os
import sys
import time


def serve_rounds(play):
    """Answers each line of standard input with "<seconds> <units>"; play() returns the units."""
    processor = os.environ.get("MVN_ROUND_CLOCK") == "processor"
    clock = time.process_time if processor else time.perf_counter
    print("ready", flush=True)
    for _ in sys.stdin:
        start = clock()
        units = play()
        print(clock() - start, units, flush=True)
