"""What becomes of a feed's hub (WebSub): offered, asked, active, denied, renewed, gone. Pure, kept in the poll.

Times are milliseconds since 1970, RFC 3339 in what is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wirewatch.events import Hub
from wirewatch.times import format_ms, parse_ms

if TYPE_CHECKING:
    from producers.websub_offers import Offer
    from wirewatch.events import Feed, FetchRequest, Poll

LEASE_S = 10 * 86_400
"""How long a hub is asked to go on telling us."""
SHORTEST_LEASE_MS = 300_000
"""A shorter lease is renewed as if it were this long: a hub must not make us ask it without end."""
LONGEST_LEASE_MS = 30 * 86_400_000
RENEW_AT = 2 / 3
"""Of a lease: enough is left for several tries."""
FIRST_RETRY_MS = 300_000
"""A hub that does not agree is asked again after this long, and twice as long each time."""
LONGEST_RETRY_MS = 86_400_000
DENIED_MS = 86_400_000
UNOFFERED_AFTER = 3
"""A hub is given up after this many bodies in a row that do not offer it."""
OFFERS_EVERY_MS = 3_600_000
"""And another one is taken no sooner than this after the one before: a source must not send us from host to host."""
TRUSTED_FROM = 4
_KEPT_MOST = 6
PROMISED_FOR_MS = 60_000
"""A push that no change has followed is believed for so long: caches may lag behind it."""


def with_offer(poll: Poll, offer: Offer | None, *, now_ms: int) -> Poll:
    """``poll`` after a body that offers this hub, or none."""
    hub = poll.hub
    if offer is None:
        if hub is None:
            return poll
        unoffered = hub.unoffered + 1
        return replace(poll, hub=None if unoffered >= UNOFFERED_AFTER else replace(hub, unoffered=unoffered))
    if hub is not None and (hub.url, hub.topic) == (offer.hub, offer.topic):
        return replace(poll, hub=replace(hub, unoffered=0)) if hub.unoffered else poll
    if hub is not None and now_ms - parse_ms(hub.since) < OFFERS_EVERY_MS:
        return poll
    return replace(poll, hub=Hub(offer.hub, offer.topic, format_ms(now_ms)))


def is_wanted(feed: Feed | None, poll: Poll | None) -> bool:
    """Whether a hub is to tell us of that feed at all; not where we go through a proxy, as a hub would see past it."""
    if feed is None or not feed.enabled or feed.proxy:
        return False
    return poll is not None and poll.hub is not None and not poll.stopped


def ask_due(hub: Hub, *, now_ms: int) -> bool:
    """Whether the hub is to be asked, for the first time or again, now."""
    return hub.next_ask is None or parse_ms(hub.next_ask) <= now_ms


def asking(poll: Poll, callback: str, *, now_ms: int) -> Poll:
    """``poll`` as it stands before its hub is asked: a hub may call back before it answers."""
    hub = poll.hub
    assert hub is not None, "only a hub that there is can be asked"
    running = hub.state == "active" and hub.until is not None and parse_ms(hub.until) > now_ms
    wait = min(FIRST_RETRY_MS << min(hub.asked, 20), LONGEST_RETRY_MS)
    return replace(
        poll,
        hub=replace(
            hub,
            state="active" if running else "asked",
            callback=callback,
            asked=hub.asked + 1,
            next_ask=format_ms(now_ms + wait),
            kept=hub.kept if running else 0,
        ),
    )


def failed(poll: Poll, callback: str, error: str, *, now_ms: int) -> Poll:
    """``poll`` after its hub could not be asked; what it agreed to before goes on until it ends."""
    hub = poll.hub
    if hub is None or hub.callback != callback:
        return poll
    running = hub.state == "active" and hub.until is not None and parse_ms(hub.until) > now_ms
    return replace(poll, hub=replace(hub, state=hub.state if running else "failing", error=error[:500]))


def forgotten(poll: Poll) -> Poll:
    """``poll`` after the hub was told to stop, so that it is asked anew where its feed is wanted again."""
    hub = poll.hub
    if hub is None or not hub.callback:
        return poll
    return replace(poll, hub=Hub(hub.url, hub.topic, hub.since))


def told(poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` after a hub's call; the same where it is of a callback that is no longer ours."""
    hub = poll.hub
    if hub is None or not hub.callback or hub.callback != request.callback:
        return poll
    at = parse_ms(request.time)
    if request.kind == "pushed":
        return replace(poll, hub=replace(hub, pushed_at=max(request.time, hub.pushed_at or "")))
    if request.kind == "hub-denied":
        next_ask = format_ms(at + DENIED_MS)
        hub = replace(hub, state="denied", until=None, next_ask=next_ask, error=request.reason[:500], kept=0)
        return replace(poll, hub=hub)
    lease = min(max(round((request.lease_s or LEASE_S) * 1000), 0), LONGEST_LEASE_MS)
    renew = max(round(lease * RENEW_AT), round(SHORTEST_LEASE_MS * RENEW_AT))
    return replace(
        poll,
        hub=replace(
            hub,
            state="active",
            until=format_ms(at + lease),
            next_ask=format_ms(at + renew),
            asked=0,
            error=None,
        ),
    )


def after_look(poll: Poll, before: Poll, *, now_ms: int) -> Poll:
    """``poll``, which found a change, with what that tells of its hub: did it tell before we found it?"""
    hub = poll.hub
    if hub is None or hub.state != "active":
        return poll
    kept = (hub.pushed_at is not None and hub.pushed_at >= before.at) or is_promised(before, now_ms=now_ms)
    return replace(poll, hub=replace(hub, kept=min(hub.kept + 1, _KEPT_MOST) if kept else hub.kept // 2))


def is_trusted(poll: Poll, *, now_ms: int) -> bool:
    """Whether the hub has told of changes well enough for polls to rest longer."""
    hub = poll.hub
    if hub is None or hub.state != "active" or hub.until is None or parse_ms(hub.until) <= now_ms:
        return False
    return hub.kept >= TRUSTED_FROM


def is_promised(poll: Poll, *, now_ms: int) -> bool:
    """Whether the hub has just told of a change that no poll has found yet."""
    hub = poll.hub
    if hub is None or hub.pushed_at is None or hub.pushed_at <= (poll.last_change or ""):
        return False
    return now_ms - parse_ms(hub.pushed_at) < PROMISED_FOR_MS


def hub_words(hub: Hub, *, now_ms: int) -> str:
    """What a hub does for us, in words."""
    where = f"{hub.url}: "
    error = f" ({hub.error})" if hub.error else ""
    if hub.state == "active" and hub.until is not None:
        if parse_ms(hub.until) <= now_ms:
            return f"{where}agreed until {hub.until}, and not again since{error}"
        pushed = f"last push {hub.pushed_at}" if hub.pushed_at else "no push yet"
        rests = ", polls rest longer" if hub.kept >= TRUSTED_FROM else ""
        return f"{where}tells of changes until {hub.until}, {pushed}{rests}{error}"
    again = f", asked again at {hub.next_ask}" if hub.next_ask else ""
    words = {
        "offered": "offered, not asked",
        "asked": f"asked, has not agreed yet{again}",
        "denied": f"will not tell us{error}{again}",
        "failing": f"cannot be asked{error}{again}",
        "active": "agreed",
    }
    return where + words[hub.state]
