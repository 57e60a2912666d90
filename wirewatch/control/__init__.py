"""The control store: channels, alerts' states, the outbox and the positions of the alert sinks.

The one on PostgreSQL is `wirewatch.control.postgresql`, imported where it is used: its client takes a while to load.
"""

from wirewatch.control.interface import ControlStore
from wirewatch.control.model import (
    AlertState,
    Channel,
    Claim,
    Delivery,
    Move,
    NewDelivery,
    NoStoreError,
    OutboxSummary,
    Outcome,
    Positions,
)
from wirewatch.control.sqlite import SqliteControlStore

__all__ = [
    "AlertState",
    "Channel",
    "Claim",
    "ControlStore",
    "Delivery",
    "Move",
    "NewDelivery",
    "NoStoreError",
    "OutboxSummary",
    "Outcome",
    "Positions",
    "SqliteControlStore",
]
