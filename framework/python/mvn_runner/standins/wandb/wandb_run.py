from wandb._run import Run, RunDisabled

__all__ = ["Run", "RunDisabled"]
