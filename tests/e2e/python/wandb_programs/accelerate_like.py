"""As accelerate's tracker and TRL's scripts use it: attributes of the run, scalars of NumPy's kind."""

import wandb


class Scalar:
    """What numpy.float32 and a tensor of one element have."""

    size = 1

    def item(self):
        return 0.25


run = wandb.init(project="x", **{"settings": wandb.Settings(start_method="fork")})
run.config.update({"seed": 1, "obj": Scalar()}, allow_val_change=True)
run.log({"loss": Scalar(), "flag": True}, step=5)
run.log_code(".")
assert run.name and run.url.startswith("file://") and run.project == "x" and run.id in run.path
assert isinstance(run, wandb.sdk.wandb_run.Run) and wandb.run is run
assert wandb.util.generate_id() != wandb.util.generate_id()
wandb.login()
wandb.finish()
assert wandb.run is None
