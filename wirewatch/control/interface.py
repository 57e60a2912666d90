"""What every control store offers. One contract suite (`tests/control/`) holds each implementation to it.

It keeps what must never stand on a topic (addresses and secrets of channels) and what the alert sinks
must change in one transaction with their position in the log: alerts' states and the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from wirewatch.control.model import (
    AlertState,
    Channel,
    Claim,
    Delivery,
    NewDelivery,
    OutboxSummary,
    Outcome,
    Place,
    Positions,
)


class ControlStore(Protocol):
    """Channels, alerts' states, outbox and positions.

    Every method may be called from any task at once; calls take effect one after another, and each is one
    transaction, durable on return. Nothing blocks the event loop. Other processes may use the same store
    at the same time: their changes are seen by the next call. Raises `PassingFault` where another process
    holds the store for long or the server is away, `BrokenStorage` where it is damaged, full or newer than
    this program. A call that is cancelled still takes full effect or none.
    """

    async def open(self, *, make: bool = True) -> None:
        """Open the store, create or migrate it. Safe to call twice. To be called before anything else.

        Without ``make``, for who only looks, nothing is made or changed: raises `NoStoreError` where there is none
        yet, `UserError` where it is an older program's.
        """
        ...

    async def close(self) -> None:
        """Give everything back after the calls in progress have ended. Safe to call twice."""
        ...

    async def bind_log(self, log_id: str) -> None:
        """Say which log the positions are places in. The first one said is kept for good.

        Raises `UserError` in words where the store belongs to another log: two clusters' settings are mixed.
        """
        ...

    async def require_log(self, log_id: str) -> None:
        """For who only looks: raises `OtherLogError` where `bind_log` would refuse."""
        ...

    async def rebind_log(self, before: str, after: str, place: Place) -> bool:
        """Belong to a copy of the log ``before`` from now on, with every position where the copy has it.

        All together; False where the store belongs to ``after`` already. Raises `UserError` where it belongs to a
        third log.
        """
        ...

    async def healthy(self) -> str | None:
        """None where the store answers, else why not, in words."""
        ...

    async def clock_ms(self) -> int | None:
        """The time of day of what keeps the store, in milliseconds since 1970: the same for all who share it.

        None where it is a file: then all who share it are on one machine, and have that one's clock.
        """
        ...

    async def channels(self) -> list[Channel]:
        """All channels, by id."""
        ...

    async def put_channels(self, put: Sequence[Channel], remove: Sequence[str] = ()) -> None:
        """Add or replace channels and remove others, together.

        What waits for a removed channel becomes dead, with that as its reason.
        """
        ...

    async def set_disabled(self, channel_id: str, why: str | None) -> None:
        """Stop sending to a channel, saying why, or (None) begin again. Unknown channels are ignored."""
        ...

    async def position(self, sink: str, topic: str, partition: int) -> int | None:
        """The offset that the sink reads next; None: it never recorded one."""
        ...

    async def states_of(self, entry_ids: Sequence[str]) -> list[AlertState]:
        """The states of every alert on these entries, without the last alert itself (``alert`` None)."""
        ...

    async def alert_states(
        self,
        *,
        since_ms: int = 0,
        subscription_id: str | None = None,
        alert_id: str | None = None,
        limit: int = 100,
    ) -> list[AlertState]:
        """States changed since then, newest first, with their last alert."""
        ...

    async def figure_maxima(self, feed_ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """By feed: the highest value it has given for each kind of figure. Feeds without any are left out."""
        ...

    async def commit_match(
        self,
        sink: str,
        states: Sequence[AlertState],
        maxima: Mapping[str, Mapping[str, float]],
        positions: Positions,
    ) -> None:
        """Record alerts' states, figures' maxima and the positions, together.

        Raises `NotOurs`, and changes nothing, where a stored position is not the one its move has ``seen``:
        another process reads that partition now, or an earlier call took effect although its answer was lost.
        """
        ...

    async def deliveries_of(self, alert_ids: Sequence[str]) -> list[Delivery]:
        """Every delivery of these alerts that is still kept, by alert, channel and seq."""
        ...

    async def commit_notify(
        self,
        sink: str,
        new: Sequence[NewDelivery],
        superseded: Sequence[str],
        positions: Positions,
    ) -> list[str]:
        """Record new deliveries, mark others as not to be sent, and record the position, together; then ``[]``.

        A delivery id that is there already stays as it is. Only what is pending, not in flight and surely
        not received can be superseded: where some no longer are, nothing is changed and their ids are returned.
        Raises `NotOurs` as `commit_match` does, before anything else is looked at.
        """
        ...

    async def claim(self, *, holder: str, now_ms: int, lease_ms: int, room: Mapping[str, int]) -> list[Claim]:
        """Take deliveries that are due, for each channel at most as many as ``room`` has for it, and count the try.

        A delivery waits for those of the same alert and channel with a lower seq. Nothing is given for disabled
        channels. What was claimed is nobody else's until its outcome is recorded or its lease has ended, however
        many processes claim at once. ``holder`` names the claiming process; it keeps its name over a restart.
        """
        ...

    async def record_outcomes(self, holder: str, outcomes: Sequence[Outcome]) -> None:
        """Record what came of tries and give the leases back.

        Where another holder has the lease by now, only a success is recorded: it is that one's to try again.
        """
        ...

    async def release_leases(self, holder: str, *, due_by_ms: int | None = None) -> int:
        """Give back the leases of that holder's last run: they have no outcome and may have been received; how many.

        Other holders' leases stay. What waits for a time after ``due_by_ms`` is due then, whoever set it: the
        run that did had a clock that was ahead.
        """
        ...

    async def expire(self, *, channel_id: str, before_ms: int, at_ms: int, error: str) -> int:
        """Dead-letter what waits for a channel and whose tries began before then; how many."""
        ...

    async def resend(
        self,
        *,
        at_ms: int,
        since_ms: int = 0,
        channel_id: str | None = None,
        alert_id: str | None = None,
        dead_only: bool = False,
    ) -> int:
        """Make dead and (unless ``dead_only``) delivered ones created since then due again; same ids; how many."""
        ...

    async def waiting(self) -> dict[str, OutboxSummary]:
        """By channel: what waits in the outbox; channels with nothing waiting are left out."""
        ...

    async def prune(self, *, before_ms: int, limit: int = 2_000) -> int:
        """Forget at most so many deliveries that ended and alerts' texts older than that; how many went.

        Alerts' states stay: a ``seq`` is never given twice.
        """
        ...
