"""wandb.summary: the last value of everything, and what the program sets."""

from wandb._items import Items


class Summary(Items):
    def __init__(self, changed):
        super().__init__({})
        object.__setattr__(self, "_changed", changed)

    def _keep(self, values):
        """What was logged: no news to the trial."""
        self._items.update(values)

    def update(self, d=None, overwrite=True, **more):
        values = {**(d or {}), **more}
        self._items.update(values)
        self._changed(values)
