"""What a start does with the settings file: only the file's own feeds, searches and channels are brought in line.

Published if changed, a tombstone if gone; what commands made is left alone. Pure: the hosts read what exists
and publish what comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from wirewatch import identity
from wirewatch.brokers.interface import NewRecord
from wirewatch.control.model import Channel
from wirewatch.errors import UserError
from wirewatch.events import CeType, Feed, Subscription, encode, headers_for
from wirewatch.query import QueryError, parse_query
from wirewatch.settings.declared import ChannelSetting, SearchDeclared
from wirewatch.times import format_ms
from wirewatch.topics import FEEDS, SUBSCRIPTIONS

_SOURCE = "wirewatch/settings"


class ChannelChanges(Struct, frozen=True):
    """What is to be put into the control store, and taken out of it."""

    put: list[Channel]
    remove: list[str]


def feed_record(feed: Feed, *, now_ms: int, source: str = _SOURCE) -> NewRecord:
    """The record that defines a feed."""
    value = encode(feed)
    return NewRecord(FEEDS.name, feed.id, value, _headers(CeType.FEED, feed.id, value, now_ms, source))


def subscription_record(subscription: Subscription, *, now_ms: int, source: str = _SOURCE) -> NewRecord:
    """The record that defines a saved search."""
    value = encode(subscription)
    headers = _headers(CeType.SUBSCRIPTION, subscription.id, value, now_ms, source)
    return NewRecord(SUBSCRIPTIONS.name, subscription.id, value, headers)


def tombstone(topic: str, key: str, ce_type: str, *, now_ms: int, source: str = _SOURCE) -> NewRecord:
    """The record that removes a definition."""
    return NewRecord(topic, key, None, _headers(ce_type, key, b"", now_ms, source))


def _headers(ce_type: str, key: str, value: bytes, now_ms: int, source: str) -> dict[str, str]:
    time = format_ms(now_ms)
    return headers_for(ce_type, id=f"{key}:{identity.body_hash(value + time.encode())}", source=source, time=time)


def decide_feeds(file_feeds: Sequence[Feed], existing: Mapping[str, Feed], *, now_ms: int) -> list[NewRecord]:
    """What to publish so that the feeds of the file are as it says. A feed in the file is the file's from now on."""
    wanted = {feed.id: replace(feed, origin="file") for feed in file_feeds}
    records = [feed_record(feed, now_ms=now_ms) for feed in wanted.values() if existing.get(feed.id) != feed]
    gone = [feed.id for feed in existing.values() if feed.origin == "file" and feed.id not in wanted]
    return records + [tombstone(FEEDS.name, feed_id, CeType.FEED, now_ms=now_ms) for feed_id in sorted(gone)]


def decide_subscriptions(
    file_searches: Sequence[SearchDeclared], existing: Mapping[str, Subscription], *, now_ms: int
) -> list[NewRecord]:
    """What to publish so that the saved searches of the file are as it says; see `decide_feeds`."""
    wanted: dict[str, Subscription] = {}
    for declared in file_searches:
        subscription_id = identity.subscription_id(declared.name)
        wanted[subscription_id] = decide_subscription(
            declared, existing.get(subscription_id), origin="file", now_ms=now_ms
        )
    records = [
        subscription_record(search, now_ms=now_ms) for search in wanted.values() if existing.get(search.id) != search
    ]
    gone = [search.id for search in existing.values() if search.origin == "file" and search.id not in wanted]
    return records + [
        tombstone(SUBSCRIPTIONS.name, search_id, CeType.SUBSCRIPTION, now_ms=now_ms) for search_id in sorted(gone)
    ]


def decide_subscription(
    declared: SearchDeclared, known: Subscription | None, *, origin: str, now_ms: int
) -> Subscription:
    """A saved search as declared: it keeps its beginning, and a changed query raises its revision."""
    edited = known is not None and known.query != declared.query
    return Subscription(
        id=identity.subscription_id(declared.name),
        name=declared.name,
        query=declared.query,
        channels=list(dict.fromkeys(declared.to)),
        revision=1 if known is None else known.revision + edited,
        created=format_ms(now_ms) if known is None else known.created,
        enabled=declared.enabled,
        origin="file" if origin == "file" else "command",
    )


def check_search(declared: SearchDeclared, channel_ids: Collection[str], *, where: str) -> None:
    """`UserError` where the query cannot be read, or a channel is not there, saying what is."""
    at = f"{where}: search {declared.name!r}"
    if not declared.name.strip():
        raise UserError(f"{where}: a saved search needs a name")
    try:
        parse_query(declared.query, saved=True)
    except QueryError as error:
        raise UserError(f"{at}: {error}") from error
    for channel_id in declared.to:
        if channel_id not in channel_ids:
            known = ", ".join(sorted(channel_ids)) or "none"
            raise UserError(f"{at}: there is no channel {channel_id!r}; there are: {known}")


def decide_channels(
    file_channels: Sequence[ChannelSetting],
    existing: Mapping[str, Channel],
    *,
    new_secrets: Mapping[str, str],
    now_ms: int,
) -> ChannelChanges:
    """What to change so that the channels of the file are as it says.

    ``new_secrets`` has a fresh secret for each webhook that names none; one made before is kept. A channel
    that was disabled stays so until its definition changes.
    """
    wanted: dict[str, Channel] = {}
    for declared in file_channels:
        known = existing.get(declared.id)
        secret = declared.secret
        if declared.kind == "webhook" and not secret:
            secret = (known.secret if known else "") or new_secrets[declared.id]
        channel = Channel(
            declared.id,
            declared.kind,
            declared.url,
            secret,
            "file",
            None,
            known.created if known and known.created else format_ms(now_ms),
        )
        if known is not None and replace(known, disabled=None) == channel:
            channel = known
        wanted[declared.id] = channel
    put = [channel for channel in wanted.values() if existing.get(channel.id) != channel]
    gone = [channel.id for channel in existing.values() if channel.origin == "file" and channel.id not in wanted]
    return ChannelChanges(put, sorted(gone))
