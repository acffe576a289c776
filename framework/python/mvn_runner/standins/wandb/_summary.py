"""wandb.summary: the last value of everything, and what the program sets."""


class Summary:
    def __init__(self, changed):
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_changed", changed)

    def _keep(self, values):
        """What was logged: no news to the trial."""
        self._items.update(values)

    def update(self, d=None, overwrite=True, **more):
        values = {**(d or {}), **more}
        self._items.update(values)
        self._changed(values)

    def get(self, key, default=None):
        return self._items.get(key, default)

    def keys(self):
        return self._items.keys()

    def values(self):
        return self._items.values()

    def items(self):
        return self._items.items()

    def __getitem__(self, key):
        return self._items[key]

    def __setitem__(self, key, value):
        self.update({key: value})

    def __delitem__(self, key):
        del self._items[key]

    def __getattr__(self, key):
        try:
            return self._items[key]
        except KeyError:
            raise AttributeError(key) from None

    __setattr__ = __setitem__

    def __contains__(self, key):
        return key in self._items

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __repr__(self):
        return repr(self._items)
