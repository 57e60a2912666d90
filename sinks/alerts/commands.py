"""What people do with searches, channels and alerts, for the command line and the page to call.

Each opens nothing by itself: a broker opened for writing (searches) and an open control store are given. All
raise `UserError` in words for a mistake, and what broker and store raise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from sinks.alerts.channels.interface import ChannelGone
from sinks.alerts.channels.signing import new_secret, parse_secrets
from sinks.alerts.notify import TERMINAL
from sinks.alerts.sample import sample_alert
from sinks.alerts.searches import read_search
from wirewatch import identity
from wirewatch.control import AlertState, Channel, ControlStore, Delivery
from wirewatch.control.model import ChannelKind
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.events import CeType, Clause, EntryEvent, Subscription, decode, encode
from wirewatch.net.guard import Guard
from wirewatch.query import MatchContext, matches
from wirewatch.reconcile import (
    check_search,
    decide_channels,
    decide_subscription,
    decide_subscriptions,
    subscription_record,
    tombstone,
)
from wirewatch.settings.declared import ChannelSetting, SearchDeclared
from wirewatch.settings.environment import variable_named
from wirewatch.times import format_ms
from wirewatch.topics import SUBSCRIPTIONS

if TYPE_CHECKING:
    from sinks.alerts.deliver import Opens
    from wirewatch.brokers.interface import Broker

_SOURCE: Final = "wirewatch/searches"
_CHANNEL_ID: Final = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")


class Explanation(Struct, frozen=True):
    """Why an event matches a search or not: the clauses that held and failed, with their words."""

    matches: bool
    matched: list[Clause]
    unmatched: list[Clause]


class AlertStory(Struct, frozen=True):
    """An alert as it stands, and each of its deliveries by channel and seq."""

    state: AlertState
    deliveries: list[Delivery]


async def list_searches(broker: Broker) -> list[Subscription]:
    """All saved searches, by name."""
    records = await broker.latest(SUBSCRIPTIONS.name)
    found = [decode(record.value, Subscription) for record in records.values() if record.value is not None]
    return sorted(found, key=lambda search: search.name)


async def find_search(broker: Broker, wanted: str) -> Subscription:
    """The saved search with that name or id."""
    searches = await list_searches(broker)
    for search in searches:
        if wanted in {search.name, search.id}:
            return search
    known = ", ".join(repr(search.name) for search in searches) or "none yet"
    raise UserError(f"there is no saved search {wanted!r}; there are: {known}")


async def add_search(
    broker: Broker, store: ControlStore, *, name: str, query: str, to: Sequence[str], file: str, now_ms: int
) -> Subscription:
    """Save a search, or change one that a command made. ``file`` names the settings file, for refusals."""
    declared = SearchDeclared(name, query, list(to))
    check_search(declared, {TERMINAL, *(channel.id for channel in await store.channels())}, where="searches add")
    known = {search.id: search for search in await list_searches(broker)}.get(identity.subscription_id(name))
    _refuse_files(known, "saved search", name, file)
    search = decide_subscription(declared, known, origin="command", now_ms=now_ms)
    if search != known:
        await broker.publish([subscription_record(search, now_ms=now_ms, source=_SOURCE)])
    return search


async def remove_search(broker: Broker, wanted: str, *, file: str, now_ms: int) -> Subscription:
    """Remove a saved search; what it told stays on record."""
    search = await find_search(broker, wanted)
    _refuse_files(search, "saved search", search.name, file)
    await broker.publish([tombstone(SUBSCRIPTIONS.name, search.id, CeType.SUBSCRIPTION, now_ms=now_ms, source=_SOURCE)])
    return search


def explain(search: Subscription, event: EntryEvent, context: MatchContext | None = None) -> Explanation:
    """Which clauses of the search held for the event and which failed, with the words that made them hold. Pure."""
    found = matches(read_search(search).query, event, context or MatchContext())
    return Explanation(found.held, found.matched, found.unmatched)


async def add_channel(
    store: ControlStore,
    *,
    channel_id: str,
    kind: ChannelKind,
    url: str,
    secret: str,
    guard: Guard,
    file: str,
    now_ms: int,
) -> Channel:
    """Add a channel, or change one that a command made, and use it again if it was disabled.

    A webhook without a secret gets a fresh one: the channel that is returned has it, to be shown once.
    """
    known = {channel.id: channel for channel in await store.channels()}.get(channel_id)
    _refuse_files(known, "channel", channel_id, file)
    if kind == "webhook" and not secret:
        secret = (known.secret if known else "") or new_secret()
    declared = ChannelSetting(channel_id, kind, url, secret)
    check_channel(declared, where="channels add", guard=guard)
    channel = Channel(channel_id, kind, url, secret, "command", None, known.created if known else format_ms(now_ms))
    await store.put_channels([channel])
    return channel


def check_channel(declared: ChannelSetting, *, where: str, guard: Guard | None) -> None:
    """`UserError` where a channel cannot be as declared, or spells an address that the guard blocks.

    Looks nothing up: names are resolved, and checked again, at each delivery. Without ``guard``, blocked ones pass.
    """
    at = f"{where}: channel {declared.id!r}"
    if not _CHANNEL_ID.fullmatch(declared.id):
        raise UserError(f"{at}: an id has lower-case letters, digits, '.', '_' and '-', and at most 64 of them")
    if declared.id == TERMINAL and declared.kind != "terminal":
        raise UserError(f"{at}: this id is the built-in terminal's; choose another")
    if declared.kind == "terminal":
        return
    if not declared.url:
        raise UserError(f"{at}: a webhook needs a url")
    if variable_named(declared.url) is None:
        try:
            (guard or Guard()).check_url(declared.url)
        except BadInput as error:
            if guard is not None or error.reason != "blocked":
                raise UserError(f"{at}: {error}") from error
    if variable_named(declared.secret) is None:
        try:
            parse_secrets(declared.secret)
        except UserError as error:
            raise UserError(f"{at}: {error}") from error


async def remove_channel(broker: Broker, store: ControlStore, channel_id: str, *, file: str) -> Channel:
    """Remove a channel that no saved search names. What waits for it becomes dead."""
    channel = await find_channel(store, channel_id)
    _refuse_files(channel, "channel", channel_id, file)
    users = [search.name for search in await list_searches(broker) if channel_id in search.channels]
    if users:
        raise UserError(f"channel {channel_id!r} is used by the saved searches {', '.join(map(repr, users))}")
    await store.put_channels([], remove=[channel_id])
    return channel


async def find_channel(store: ControlStore, channel_id: str) -> Channel:
    """The channel with that id."""
    channels = {channel.id: channel for channel in await store.channels()}
    if channel_id not in channels:
        raise UserError(f"there is no channel {channel_id!r}; there are: {', '.join(channels) or 'none yet'}")
    return channels[channel_id]


async def test_channel(store: ControlStore, opened: Opens, channel_id: str, *, now_ms: int) -> None:
    """Deliver a test alert now, once; a channel that was disabled is used again if it arrives.

    Raises `UserError` saying why it did not.
    """
    channel = await find_channel(store, channel_id)
    alert = sample_alert(channel_id, now_ms=now_ms)
    delivery_id = identity.delivery_id(alert.alert_id, now_ms, channel_id)
    payload = encode(alert)
    delivery = Delivery(
        delivery_id, alert.alert_id, alert.seq, channel_id, payload, "pending",
        1, now_ms, now_ms, now_ms, None, unsure=False, in_flight=True, created_ms=now_ms, done_ms=None,
    )  # fmt: skip
    try:
        await opened.open(channel).deliver(delivery)
    except (PassingFault, BadInput, ChannelGone) as error:
        raise UserError(f"channel {channel_id!r}: the test alert did not arrive: {error}") from error
    if channel.disabled is not None:
        await store.set_disabled(channel_id, None)


async def list_alerts(
    store: ControlStore, *, since_ms: int = 0, subscription_id: str | None = None, limit: int = 100
) -> list[AlertState]:
    """Alerts that changed since then, newest first; ``alert`` is the last step as JSON (None: aged out)."""
    return await store.alert_states(since_ms=since_ms, subscription_id=subscription_id, limit=limit)


async def show_alert(store: ControlStore, alert_id: str) -> AlertStory:
    """An alert with its deliveries."""
    states = await store.alert_states(alert_id=alert_id, limit=1)
    if not states:
        raise UserError(f"there is no alert {alert_id!r}; `alerts list` shows those there are")
    return AlertStory(states[0], await store.deliveries_of([alert_id]))


async def resend_alerts(
    store: ControlStore,
    *,
    since_ms: int,
    now_ms: int,
    channel_id: str | None = None,
    alert_id: str | None = None,
    dead_only: bool = False,
) -> int:
    """Deliver again what was delivered or given up since then, under the same delivery ids; how many.

    The runner takes them up within a second.
    """
    if channel_id is not None:
        await find_channel(store, channel_id)
    told = await store.clock_ms()
    return await store.resend(
        at_ms=now_ms if told is None else told,
        since_ms=since_ms,
        channel_id=channel_id,
        alert_id=alert_id,
        dead_only=dead_only,
    )


async def reconcile_file(
    broker: Broker,
    store: ControlStore,
    *,
    searches: Sequence[SearchDeclared],
    channels: Sequence[ChannelSetting],
    file: str,
    now_ms: int,
) -> None:
    """Bring the file's searches and channels in line with it, at a start. Changes nothing where it has a mistake.

    An address that the guard blocks is no mistake of the file's: its deliveries say so, all else goes on.
    """
    for declared in channels:
        check_channel(declared, where=file, guard=None)
    existing = {channel.id: channel for channel in await store.channels()}
    fresh = {declared.id: new_secret() for declared in channels}
    changes = decide_channels(channels, existing, new_secrets=fresh, now_ms=now_ms)
    there = {TERMINAL, *existing.keys() - set(changes.remove), *(declared.id for declared in channels)}
    for search in searches:
        check_search(search, there, where=file)
    if changes.put or changes.remove:
        await store.put_channels(changes.put, changes.remove)
    known: Mapping[str, Subscription] = {search.id: search for search in await list_searches(broker)}
    records = decide_subscriptions(searches, known, now_ms=now_ms)
    if records:
        await broker.publish(records)


def _refuse_files(known: Subscription | Channel | None, what: str, name: str, file: str) -> None:
    if known is not None and known.origin == "file":
        raise UserError(f"{what} {name!r} stands in {file}: change it there, and start wirewatch again")
    if known is not None and known.origin == "built-in":
        raise UserError(f"{what} {name!r} is built in")
