"""For Lightning's Trainer: Trainer(callbacks=[TrialCallback()])."""

from typing import Any, Optional

from mvn_runner.trial import Trial, trial

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    from pytorch_lightning.callbacks import Callback


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if "_forked" not in name}


class TrialCallback(Callback):
    """Reports what the module logs, and ends the training when the runner asks for it."""

    def __init__(self, own: Optional[Trial] = None) -> None:
        self.trial = own or trial()
        self._stopped = False

    def _log(self, trainer: Any, metrics: dict[str, Any]) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking and metrics:
            self.trial.log(_numbers(metrics), step=trainer.global_step)

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        if trainer.is_global_zero:
            steps = trainer.estimated_stepping_batches
            known = steps if isinstance(steps, int) and steps > 0 else None
            self.trial.progress(trainer.global_step, known)
            # logged_metrics are those of this step alone.
            if trainer.global_step % trainer.log_every_n_steps == 0:
                self._log(trainer, dict(trainer.logged_metrics))
        if self.trial.should_stop and not self._stopped:
            self._stopped = True
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        self._log(trainer, dict(trainer.logged_metrics))

    def on_validation_epoch_end(self, trainer: Any, module: Any) -> None:
        self._log(trainer, dict(trainer.logged_metrics))

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        if self._stopped:
            path = self.trial.checkpoint(trainer.global_step) / "lightning.ckpt"
            trainer.save_checkpoint(str(path))
            self.trial.go_on_later()

    def latest_checkpoint(self) -> Optional[str]:
        """For fit(..., ckpt_path=...): where an earlier attempt was stopped."""
        folder = self.trial.latest_checkpoint()
        return None if folder is None else str(folder / "lightning.ckpt")
