"""Callbacks of Keras that log to wandb.run."""

import keras

import wandb


class WandbMetricsLogger(keras.callbacks.Callback):
    def __init__(self, log_freq="epoch", initial_global_step=0, *args, **options):
        super().__init__()
        self._every = 1 if log_freq == "batch" else log_freq
        self._step = initial_global_step
        wandb.define_metric("batch/*", step_metric="batch/batch_step")
        wandb.define_metric("epoch/*", step_metric="epoch/epoch")

    def on_batch_end(self, batch, logs=None):
        self._step += 1
        if isinstance(self._every, int) and batch % self._every == 0:
            found = {f"batch/{name}": value for name, value in (logs or {}).items()}
            wandb.log({**found, "batch/batch_step": self._step})

    def on_epoch_end(self, epoch, logs=None):
        found = {f"epoch/{name}": value for name, value in (logs or {}).items()}
        wandb.log({**found, "epoch/epoch": epoch})


class WandbModelCheckpoint(keras.callbacks.ModelCheckpoint):
    def __init__(self, filepath, *args, **options):
        options.pop("initial_value_threshold", None)
        super().__init__(filepath, *args, **options)


class WandbCallback(keras.callbacks.Callback):
    """The older one: logs each epoch under Keras' own names."""

    def __init__(self, *args, **options):
        super().__init__()

    def on_epoch_end(self, epoch, logs=None):
        wandb.log({"epoch": epoch, **(logs or {})})


class WandbEvalCallback(keras.callbacks.Callback):
    def __init__(self, *args, **options):
        super().__init__()
