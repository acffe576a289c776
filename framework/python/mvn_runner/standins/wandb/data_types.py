"""wandb.data_types: the same things under another name."""

from wandb._media import *  # noqa: F403
from wandb._media import Media
from wandb._table import JoinedTable, PartitionedTable, Table

WBValue = Media
__all__ = ["JoinedTable", "Media", "PartitionedTable", "Table", "WBValue"]
