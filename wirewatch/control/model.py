"""What a control store keeps and is told: channels, alerts' states, deliveries and what came of them, positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.events import ToldBefore
from wirewatch.events.alerts import AlertState as StateName

ChannelKind = Literal["terminal", "webhook"]
DeliveryStatus = Literal["pending", "delivered", "dead", "superseded"]


class Move(Struct, frozen=True):
    """A position's way on: from what its mover last saw stored (None: nothing) to the offset to read next."""

    seen: int | None
    to: int

    def refusal(self, sink: str, topic: str, partition: int, stored: object) -> str:
        """Why it is not made where the store says something else than was seen."""
        return (
            f"{sink} stands at {stored} in {topic}/{partition}, where {self.seen} was expected: "
            "another process has read on there"
        )


Positions = Mapping[tuple[str, int], Move]
"""``(topic, partition)`` -> how its position moves."""


Place = Callable[[str, int], Mapping[int, int]]
"""Where a copy of a log has a place of it: of a topic and an offset in its one partition, the offset in each."""


def moved_positions(rows: Iterable[Sequence[Any]], place: Place) -> list[tuple[str, str, int, int]]:
    """Rows of sink, topic, offset as they are in the copy: sink, topic, partition, offset."""
    return [
        (sink, topic, partition, there)
        for sink, topic, offset in rows
        for partition, there in place(topic, offset).items()
    ]


class Channel(Struct, frozen=True):
    """Where alerts are delivered. ``url`` and ``secret`` may be ``env:NAME``, resolved where they are used.

    ``disabled`` says why nothing is sent to it at present (None: it is in use). ``created`` is RFC 3339.
    """

    id: str
    kind: ChannelKind
    url: str = ""
    secret: str = ""
    origin: Literal["file", "command", "built-in"] = "command"
    disabled: str | None = None
    created: str = ""

    def __repr__(self) -> str:
        """Without address and secret: a channel may end up in a traceback."""
        return f"Channel({self.id!r}, {self.kind!r})"


class AlertState(Struct, frozen=True):
    """What is known of one pair of subscription and entry. The row outlives everything, so that ``seq`` has no holes.

    ``revision`` is the entry's at the last event applied, ``alert`` the last alert as JSON (None: aged out).
    ``told_before`` is what was last meant for delivery.
    """

    subscription_id: str
    entry_id: str
    alert_id: str
    seq: int
    state: StateName
    told_before: ToldBefore | None
    revision: int
    updated_ms: int
    alert: bytes | None


class NewDelivery(Struct, frozen=True):
    """A delivery to record. ``status`` is ``pending``, or an end state with its reason in ``error``."""

    delivery_id: str
    alert_id: str
    seq: int
    channel_id: str
    payload: bytes
    created_ms: int
    status: DeliveryStatus = "pending"
    error: str | None = None


class Delivery(Struct, frozen=True):
    """A delivery as recorded.

    ``unsure``: it may have been received although no success is on record. ``retry_since_ms`` is when its
    tries began to count (a command starts them anew).
    """

    delivery_id: str
    alert_id: str
    seq: int
    channel_id: str
    payload: bytes
    status: DeliveryStatus
    tries: int
    next_try_ms: int
    first_try_ms: int | None
    retry_since_ms: int
    error: str | None
    unsure: bool
    in_flight: bool
    created_ms: int
    done_ms: int | None


class Claim(Struct, frozen=True):
    """A delivery given to a deliverer until its lease ends, with the channel as it is now."""

    delivery: Delivery
    channel: Channel


class Outcome(Struct, frozen=True):
    """What came of a try. ``pending`` is tried again at ``next_try_ms``."""

    delivery_id: str
    status: Literal["pending", "delivered", "dead"]
    at_ms: int
    next_try_ms: int = 0
    error: str | None = None
    unsure: bool = False


class OutboxSummary(Struct, frozen=True):
    """How much waits, since when (None: nothing), and when the next is due."""

    pending: int
    oldest_created_ms: int | None
    next_try_ms: int | None


class NoStoreError(UserError):
    """There is nothing to look at yet: no process that makes the store has begun."""
