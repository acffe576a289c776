"""For Keras: model.fit(..., callbacks=[TrialCallback()])."""

from typing import Any, Optional

from keras.callbacks import Callback

from mvn_runner.trial import Trial, trial


def _name(key: str) -> str:
    """ "val_loss" is eval/loss, as the trials of plugins call it, "loss" is train/loss."""
    return f"eval/{key[4:]}" if key.startswith("val_") else f"train/{key}"


class TrialCallback(Callback):
    """Reports the metrics of each epoch, and ends the training when the runner asks for it."""

    def __init__(self, own: Optional[Trial] = None) -> None:
        super().__init__()
        self.trial = own or trial()
        self._step = 0
        self._stopped = False

    def on_train_batch_end(self, batch: int, logs: Optional[dict[str, Any]] = None) -> None:
        self._step += 1
        if self.trial.should_stop:
            self._stopped = True
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        if logs:
            self.trial.log({_name(key): value for key, value in logs.items()}, step=self._step)
        epochs = self.params.get("epochs")
        self.trial.progress(epoch + 1, epochs)

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        if self._stopped:
            path = self.trial.checkpoint(self._step)
            path.mkdir(parents=True, exist_ok=True)
            self.model.save(path / "model.keras")
            self.trial.go_on_later()
