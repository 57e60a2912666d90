"""An alert to try a channel with: marked as a test, about nothing real."""

from __future__ import annotations

from wirewatch import identity
from wirewatch.events import (
    Alert,
    AlertEvent,
    AlertFeed,
    AlertGroup,
    AlertReason,
    AlertSubscription,
    AlertTimes,
    Evidence,
)
from wirewatch.times import format_ms


def sample_alert(channel_id: str, *, now_ms: int) -> Alert:
    """A test alert for that channel. Pure."""
    now = format_ms(now_ms)
    subscription_id = identity.subscription_id("wirewatch test")
    return Alert(
        alert_id=identity.alert_id(subscription_id, f"{channel_id} {now}"),
        seq=1,
        type="opened",
        state="open",
        grade="normal",
        replay=False,
        test=True,
        subscription=AlertSubscription(subscription_id, "wirewatch test", "test", 1),
        text=f"TEST: alerts reach the channel {channel_id}",
        reason=AlertReason("created", [], []),
        told_before=None,
        event=AlertEvent(
            id=identity.event_id("wirewatch-test", None, "created", 1, now),
            seq=1,
            op="created",
            feed_id="wirewatch-test",
            entry_id=None,
            revision=1,
            changes=[],
            evidence=Evidence("test", "sent by the command channels test"),
        ),
        entry=None,
        feed=AlertFeed("wirewatch-test", "wirewatch", ""),
        times=AlertTimes(None, None, now, now),
        group=AlertGroup(),
    )
