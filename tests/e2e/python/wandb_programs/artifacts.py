"""Checkpoints as artifacts, saved files, an alert."""

import os
import pathlib

import wandb

run = wandb.init(job_type="train", tags=["a"], notes="n", group="g")
pathlib.Path(run.dir, "in-dir.txt").write_text("in dir")
work = pathlib.Path(os.environ["MVN_TRIAL"]).parent
(work / "model.pt").write_text("weights")
artifact = wandb.Artifact(f"model-{wandb.run.id}", type="model", metadata={"n": 1})
artifact.add_file(str(work / "model.pt"))
with artifact.new_file("notes.txt") as file:
    file.write("hello")
logged = run.log_artifact(artifact, aliases=["latest", "best"])
logged.wait()
(work / "model.pt").write_text("changed")
wandb.save(str(work / "model.pt"))
found = run.use_artifact(f"model-{run.id}:latest")
assert pathlib.Path(found.download(), "model.pt").read_text() == "weights"
try:
    run.use_artifact("someone/project/other:latest")
    raise SystemExit("an artifact of others was found")
except wandb.errors.CommError as error:
    assert "no server is asked" in str(error)
wandb.alert(title="Low accuracy", text="below the threshold", level=wandb.AlertLevel.WARN)
wandb.watch(object(), log="all")
wandb.log({"loss": 1})
wandb.finish(exit_code=0)
