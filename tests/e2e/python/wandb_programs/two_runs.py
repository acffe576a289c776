"""A run for each fold: the second one's metrics are not taken for the first one's."""

import wandb

for fold in range(2):
    run = wandb.init(reinit=True, name=f"fold-{fold}")
    run.log({"loss": fold})
    run.finish()
