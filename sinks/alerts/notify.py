"""The stage ``notify``: alerts become deliveries in the outbox; `sinks.alerts.deliver` sends them.

Deliveries and the position in the log are recorded in one transaction, and a delivery's id follows from alert,
seq and channel: a record that comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sinks.alerts.outbox import Draft, decide_delivery
from sinks.alerts.steady import SteadyTime
from wirewatch import identity
from wirewatch.brokers.view import LatestView
from wirewatch.control import Channel, Delivery, Move, NewDelivery, Positions
from wirewatch.errors import BadInput, PassingFault
from wirewatch.events import Alert, Subscription, decode
from wirewatch.stages import NOTIFY
from wirewatch.topics import ALERTS, SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from wirewatch.brokers.interface import Broker, Record
    from wirewatch.control import ControlStore
    from wirewatch.times import Clock

TERMINAL: Final = "terminal"
"""The built-in channel: the terminal that runs wirewatch."""
_DECIDED_AGAIN: Final = 5
History = dict[tuple[str, str], list[Draft]]
"""``(alert, channel)`` -> its deliveries so far, by seq."""


class NotifySink:
    """See `wirewatch.hosting.Sink`.

    ``terminal``: every alert that is delivered is also written to the terminal. ``wake`` is called when there
    is something to send.
    """

    stage = NOTIFY.name

    def __init__(
        self,
        broker: Broker,
        store: ControlStore,
        clock: Clock,
        *,
        terminal: bool = True,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._time = SteadyTime(clock)
        self._terminal = terminal
        self._wake = wake
        self._subscriptions = LatestView(broker, SUBSCRIPTIONS.name, _subscription)
        self._positions: dict[tuple[str, int], int | None] = {}

    async def start(self) -> None:
        """See `Sink`. Makes the built-in channel."""
        await self._store.open()
        await self._time.begin_with(self._store)
        if TERMINAL not in {channel.id for channel in await self._store.channels()}:
            await self._store.put_channels([Channel(TERMINAL, "terminal", origin="built-in")])
        await self._subscriptions.refresh()

    async def bind_log(self, log_id: str) -> None:
        """See `Sink`."""
        await self._store.bind_log(log_id)

    async def position(self, topic: str, partition: int) -> int | None:
        """See `Sink`."""
        found = await self._store.position(self.stage, topic, partition)
        self._positions[topic, partition] = found
        return found

    async def write(self, records: Sequence[Record]) -> None:
        """See `Sink`."""
        fresh = [record for record in records if record.offset >= (self._positions.get(_place(record)) or 0)]
        if not fresh:
            return
        await self._subscriptions.refresh()
        alerts = [
            (decode(record.value, Alert), record.value)
            for record in fresh
            if record.value is not None and record.topic == ALERTS.name
        ]
        positions, moves = self._moves(fresh)
        # a delivery may be claimed between the decision and its record: then the decision is another one
        for _ in range(_DECIDED_AGAIN):
            new, superseded = await self._decide(alerts)
            if not await self._store.commit_notify(self.stage, new, superseded, moves):
                break
        else:
            raise PassingFault("deliveries kept being claimed while their alerts changed", retry_after=0.1)
        self._positions.update(positions)
        if new:
            self._wake()

    async def skip(self, record: Record) -> None:
        """See `Sink`."""
        positions, moves = self._moves([record])
        await self._store.commit_notify(self.stage, [], [], moves)
        self._positions.update(positions)

    async def close(self) -> None:
        """See `Sink`. The store is its owner's to close."""

    def _moves(self, records: Sequence[Record]) -> tuple[dict[tuple[str, int], int], Positions]:
        positions = {_place(record): record.offset + 1 for record in records}
        return positions, {place: Move(self._positions.get(place), to) for place, to in positions.items()}

    async def _decide(self, alerts: Sequence[tuple[Alert, bytes]]) -> tuple[list[NewDelivery], list[str]]:
        if not alerts:
            return [], []
        known = {channel.id for channel in await self._store.channels()}
        history: History = {}
        for row in await self._store.deliveries_of(list({alert.alert_id: None for alert, _ in alerts})):
            history.setdefault((row.alert_id, row.channel_id), []).append(_draft(row))
        new: dict[str, NewDelivery] = {}
        superseded: list[str] = []
        for alert, payload in alerts:
            for channel_id in self._channels_of(alert):
                so_far = history.setdefault((alert.alert_id, channel_id), [])
                decision = decide_delivery(alert, so_far)
                undone = set(decision.superseded)
                superseded += [one for one in decision.superseded if one not in new]
                for one in undone & new.keys():
                    new[one] = _superseded(new[one])
                so_far[:] = [_not_waiting(draft) if draft.delivery_id in undone else draft for draft in so_far]
                if decision.send:
                    made = self._new(alert, payload, channel_id, known)
                    new[made.delivery_id] = made
                    so_far.append(Draft(made.delivery_id, alert.seq, made.status == "pending", payload, told=False))
        return list(new.values()), superseded

    def _new(self, alert: Alert, payload: bytes, channel_id: str, known: set[str]) -> NewDelivery:
        missing = channel_id not in known
        return NewDelivery(
            delivery_id=identity.delivery_id(alert.alert_id, alert.seq, channel_id),
            alert_id=alert.alert_id,
            seq=alert.seq,
            channel_id=channel_id,
            payload=payload,
            created_ms=self._time.now_ms(),
            status="dead" if missing else "pending",
            error=f"there is no channel {channel_id!r}" if missing else None,
        )

    def _channels_of(self, alert: Alert) -> list[str]:
        subscription = self._subscriptions.get(alert.subscription.id)
        if subscription is None:
            return []  # removed meanwhile: nobody asks for it any more
        own = list(dict.fromkeys(subscription.channels))
        return [*own, TERMINAL] if self._terminal and TERMINAL not in own else own


def _place(record: Record) -> tuple[str, int]:
    return record.topic, record.partition


def _draft(row: Delivery) -> Draft:
    told = row.status == "delivered" or row.unsure or row.in_flight
    return Draft(row.delivery_id, row.seq, row.status == "pending" and not told, row.payload, told=told)


def _not_waiting(draft: Draft) -> Draft:
    return Draft(draft.delivery_id, draft.seq, waiting=False, payload=draft.payload, told=draft.told)


def _superseded(row: NewDelivery) -> NewDelivery:
    return NewDelivery(
        row.delivery_id,
        row.alert_id,
        row.seq,
        row.channel_id,
        row.payload,
        row.created_ms,
        "superseded",
        "undone before it was sent",
    )


def channels_in_use(subscriptions: Mapping[str, Subscription], channel_id: str) -> list[str]:
    """The names of the saved searches that deliver to a channel."""
    return sorted(one.name for one in subscriptions.values() if channel_id in one.channels)


def _subscription(record: Record) -> Subscription:
    if record.value is None:
        raise BadInput("a saved search without a value", reason="bad-record")
    return decode(record.value, Subscription)
