"""Named values that are read as a map or as attributes: wandb.config and wandb.summary."""


class Items:
    """A subclass says what update() does; setting a value is one."""

    def __init__(self, items):
        object.__setattr__(self, "_items", items)

    def get(self, key, default=None):
        return self[key] if key in self else default

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
