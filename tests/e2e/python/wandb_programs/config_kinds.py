"""config in all its kinds: attributes, items, update, setdefaults, change that is not allowed."""

import argparse

import wandb

wandb.init(config={"a": 1, "nested": {"b": 2}})
wandb.config.c = 3
wandb.config["d"] = 4
wandb.config.update({"e": 5})
wandb.config.update(argparse.Namespace(f=6))
wandb.config.setdefaults({"a": 9, "g": 7})
assert dict(wandb.config)["a"] == 1 and wandb.config.nested["b"] == 2
assert [wandb.config[key] for key in "cdefg"] == [3, 4, 5, 6, 7]
try:
    wandb.config.update({"a": 2})
    raise SystemExit("a value was changed")
except wandb.sdk.lib.config_util.ConfigError as error:
    assert "allow_val_change" in str(error)
wandb.config.update({"a": 2}, allow_val_change=True)
wandb.config.lr = 123  # the sweep's value stays
assert wandb.config.lr != 123
assert {**wandb.config}["a"] == 2 and "a" in wandb.config and "zz" not in wandb.config
wandb.log({"loss": wandb.config["lr"]})
