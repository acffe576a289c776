"""define_metric: another step than the count of calls, and the smallest as summary."""

import wandb

wandb.init(reinit=True)
wandb.define_metric("epoch")
wandb.define_metric("val/*", step_metric="epoch")
wandb.define_metric("val/loss", step_metric="epoch", summary="min", goal="minimize")
for batch in range(6):
    wandb.log({"train/loss": 6.0 - batch})
    if batch % 3 == 2:
        epoch = batch // 3
        wandb.log({"val/loss": [0.25, 0.5][epoch], "val/acc": epoch / 2, "epoch": epoch})
assert wandb.summary["val/loss.min"] == 0.25
assert wandb.run.summary.get("val/loss") == 0.5
