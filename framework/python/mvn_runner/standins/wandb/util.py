"""Of wandb.util, what programs use."""

import json
import random
import string


def generate_id(length=8):
    letters = string.ascii_lowercase + string.digits
    return "".join(random.SystemRandom().choice(letters) for _ in range(length))


def make_artifact_name_safe(name):
    kept = string.ascii_letters + string.digits + "-_."
    return "".join(c if c in kept else "_" for c in name)[:128]


def json_friendly(value):
    """What JSON can hold of a value, and whether it was another one."""
    try:
        json.dumps(value)
        return value, False
    except (TypeError, ValueError):
        pass
    if hasattr(value, "tolist"):
        return value.tolist(), True
    return str(value), True


def to_json(value):
    """Of maps and lists, with everything in them."""
    if isinstance(value, dict):
        return {str(name): to_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [to_json(each) for each in value]
    return json_friendly(value)[0]
