"""wandb.config: the sweep's values, which stay, over the program's own."""

import argparse
import copy
import os

from wandb._items import Items
from wandb._program import say
from wandb.errors import ConfigError, Error
from wandb.util import to_json


class Unset:
    """wandb.config and wandb.summary before wandb.init()."""

    def __init__(self, name):
        object.__setattr__(self, "_name", name)

    def _fail(self, *_args, **_options):
        raise Error(f"You must call wandb.init() before wandb.{self._name}")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._fail()

    __setattr__ = __getitem__ = __setitem__ = __contains__ = __iter__ = _fail


def as_map(given):
    """What may be given as a configuration: a map, a namespace, flags, a file."""
    if given is None:
        return {}
    if isinstance(given, (str, os.PathLike)):
        import yaml

        with open(given, encoding="utf-8") as file:
            read = yaml.safe_load(file) or {}
        # W&B's own files have {value: ..., desc: ...} for each key.
        return {
            name: each["value"] if isinstance(each, dict) and "value" in each else each
            for name, each in read.items()
        }
    if isinstance(given, argparse.Namespace):
        return dict(vars(given))
    if hasattr(given, "flag_values_dict"):
        return given.flag_values_dict()
    if hasattr(given, "items"):
        return dict(given.items())
    return dict(vars(given))


class Config(Items):
    def __init__(self, sweep, changed):
        """`sweep` are the trial's values; `changed` hears of what the program sets."""
        super().__init__(copy.deepcopy(sweep))
        set_own = object.__setattr__
        set_own(self, "_locked", set(sweep))
        set_own(self, "_told", set())
        set_own(self, "_changed", changed)

    def _take(self, key, value, allow_val_change):
        key = str(key).strip("-")
        value = to_json(value)
        known = self._items.get(key)
        if key in self._locked:
            if value != known and key not in self._told:
                self._told.add(key)
                say(f"config item {key!r} was locked by 'sweep' (ignored update)")
            return {}
        if key in self._items and value != known and not allow_val_change:
            raise ConfigError(
                f'Attempted to change value of key "{key}" from {known} to {value}\n'
                "If you really want to do this, pass allow_val_change=True to config.update()"
            )
        self._items[key] = value
        return {key: value}

    def update(self, d=None, allow_val_change=None, **more):
        changed = {}
        for key, value in {**as_map(d), **more}.items():
            changed.update(self._take(key, value, allow_val_change))
        self._changed(changed)

    def update_defaults(self, d):
        known = {key: value for key, value in as_map(d).items() if str(key) not in self._items}
        self.update(known)

    def setdefaults(self, d):
        self.update_defaults(d)

    def setdefault(self, key, default=None):
        if key not in self._items:
            self.update({key: default})
        return self._items[key]

    def _find(self, key):
        """A parameter "optimizer.lr" of the sweep is lr within optimizer."""
        if key in self._items or not isinstance(key, str):
            return self._items[key]
        found = self._items
        for part in key.split("."):
            if not isinstance(found, dict):
                raise KeyError(key)
            found = found[part]
        return found

    def pop(self, key, default=None):
        return self._items.pop(key, default)

    def as_dict(self):
        return copy.deepcopy(self._items)

    def __getitem__(self, key):
        return self._find(key)

    def __getattr__(self, key):
        try:
            return self._items[key]
        except KeyError:
            name = type(self).__name__
            raise AttributeError(f"{name!r} object has no attribute {key!r}") from None

    def __contains__(self, key):
        try:
            self._find(key)
            return True
        except KeyError:
            return False
