"""Goes on where it was: the steps of the second attempt follow those of the first."""

import os
import pathlib
import sys

import wandb

run = wandb.init(id="fixed", resume="allow")
state = pathlib.Path(run.dir, "state")
for _ in range(3):
    run.log({"loss": run.step})
if not run.resumed:
    state.write_text("x")
    sys.exit(75)
assert state.read_text() == "x" and run.step == 6, run.step
