"""For Trainer of transformers: Trainer(..., callbacks=[TrialCallback()])."""

from typing import Any, Optional

from transformers import TrainerCallback

from mvn_runner.trial import Trial, trial

# What Trainer counts in its logs that is no metric.
_COUNTS = ("epoch", "total_flos")


def _name(key: str) -> str:
    """ "eval_loss" is eval/loss, as the trials of plugins call it, "loss" is train/loss."""
    for part in ("eval", "test", "train"):
        if key.startswith(part + "_"):
            return f"{part}/{key[len(part) + 1 :]}"
    return f"train/{key}"


class TrialCallback(TrainerCallback):
    """Reports what Trainer logs, and lets it write a checkpoint and end when the runner asks."""

    def __init__(self, own: Optional[Trial] = None) -> None:
        self.trial = own or trial()
        self._stopped = False

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Optional[dict[str, Any]] = None, **_: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        values = {
            _name(key): value
            for key, value in (logs or {}).items()
            if isinstance(value, (int, float)) and key not in _COUNTS
        }
        if values:
            self.trial.log(values, step=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            self.trial.progress(state.global_step, state.max_steps)
        if self.trial.should_stop and not self._stopped:
            self._stopped = True
            control.should_save = True
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._stopped:
            self.trial.go_on_later()
