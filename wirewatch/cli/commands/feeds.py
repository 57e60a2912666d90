"""`wirewatch feeds`: what is watched, how it does, and finding out what is behind an address."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cyclopts
import msgspec

from processors.diff import FeedState, decode_state
from processors.diff.listing import listing_in_force
from processors.parse import parse as parse_body
from processors.parse.model import ParsedFeed
from producers.asking import Asking
from producers.discover import Candidate, Discovery, discover
from producers.opml import read_opml, write_opml
from producers.plan import user_agent
from producers.poller import limits_of
from wirewatch.brokers.interface import Broker
from wirewatch.canary import CANARY_ID
from wirewatch.cli.app import NOT_FOUND, app, as_command
from wirewatch.cli.context import configuration
from wirewatch.cli.feed_health import FeedStatus, read_statuses
from wirewatch.cli.opening import opened_broker, read_file
from wirewatch.cli.output import plain, print_json, print_line, print_table, say
from wirewatch.cli.pipeline import known_feeds
from wirewatch.errors import BadInput, UserError
from wirewatch.events import CeType, Feed, JsonPaths
from wirewatch.feeds import check_feed, check_url, definition_of, slug
from wirewatch.logs import redact
from wirewatch.net.guard import Guard
from wirewatch.reconcile import feed_record, tombstone
from wirewatch.settings.declared import read_networks
from wirewatch.stages import DIFF
from wirewatch.times import SystemClock, format_ms
from wirewatch.topics import FEEDS, POLLS

feeds = cyclopts.App(name="feeds", help="What is watched: add, list, show, remove, check, import, export.")
app.command(feeds)
_SHOWN = 5


@feeds.command
@as_command
async def add(
    url: str,
    *,
    id_: Annotated[str, cyclopts.Parameter(name="--id")] = "",
    name: str = "",
    tag: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None,
    every: str = "auto",
    dry_run: bool = False,
) -> int:
    """Find out what is behind an address, say so, show the first entries, and watch it.

    Parameters
    ----------
    url
        A feed, a live page, a page that links to feeds, or JSON.
    id_
        The feed's id; without it one is made of its title.
    name
        What people call it; without it, its title.
    tag
        A tag; may be given several times.
    every
        How often it is asked, such as 30s; auto finds out.
    dry_run
        Only look, add nothing.
    """
    check_url(url, at="feeds add")
    found, parsed = await _look(url)
    candidate = found.candidates[0]
    title = name or parsed.title or candidate.title
    say(f"{redact(candidate.url)}: {found.words}{f', {plain(title)!r}' if title else ''}")
    for other in found.candidates[1:]:
        say(f"  also there: {redact(other.url)} ({other.kind}) {plain(other.title)}")
    _show_entries(parsed)
    if dry_run:
        return 0
    async with opened_broker("writer") as broker:
        known = await known_feeds(broker)
        feed = _new_feed(candidate, id_, title, tag or [], every, known)
        await broker.publish([feed_record(feed, now_ms=SystemClock().now_ms())])
    print_line(f"watching {feed.id}")
    return 0


def _asking() -> Asking:
    settings = configuration().settings
    return Asking(
        Guard(read_networks(settings.allow_networks)),
        SystemClock(),
        limits=limits_of(settings.poll),
        user_agent=user_agent(settings.poll.contact),
        robots=settings.poll.robots,
        per_host_seconds=0.0,
    )


async def _look(url: str) -> tuple[Discovery, ParsedFeed]:
    """What is there, and its best candidate parsed. Raises `UserError` where there is nothing to watch."""
    asking = _asking()
    try:
        found = await discover(url, asking)
    finally:
        await asking.close()
    if not found.candidates:
        raise UserError(f"{redact(url)}: {found.words}")
    first = found.candidates[0]
    feed = Feed(id="new", url=first.url, kind=first.kind, json=JsonPaths(items=first.items) if first.items else None)
    try:
        parsed = parse_body(
            first.body or b"",
            definition_of(feed),
            content_type=first.content_type,
            url=first.url,
            fetched_at_ms=SystemClock().now_ms(),
        )
    except BadInput as error:
        raise UserError(f"{redact(first.url)}: looked like {first.kind}, but cannot be read: {error}") from error
    return found, parsed


def _show_entries(parsed: ParsedFeed) -> None:
    rows = [
        (format_ms(e.published_ms)[:16].replace("T", " ") if e.published_ms is not None else "", e.headline or e.body)
        for e in parsed.entries[:_SHOWN]
    ]
    print_table(("published", f"the first of {len(parsed.entries)} entries"), rows, empty="it has no entries now")


def _new_feed(
    candidate: Candidate, wanted_id: str, title: str, tags: list[str], every: str, known: dict[str, Feed]
) -> Feed:
    for feed in known.values():
        if feed.url == candidate.url:
            raise UserError(f"{redact(candidate.url)} is watched already, as {feed.id}")
    base = wanted_id or slug(title or candidate.url.partition("://")[2])
    if wanted_id in known or wanted_id == CANARY_ID:
        raise UserError(f"the id {wanted_id!r} is taken; choose another with --id")
    unique = next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in known)
    feed = Feed(
        id=unique,
        url=candidate.url,
        name=title,
        tags=tags,
        every=every,
        kind=candidate.kind,
        json=JsonPaths(items=candidate.items) if candidate.items else None,
    )
    try:
        feed = msgspec.convert(msgspec.to_builtins(feed), Feed)
    except msgspec.ValidationError as error:
        raise UserError(f"feeds add: --id {unique!r}: lower-case letters, digits, '.', '_' and '-' only") from error
    check_feed(feed, where="feeds add")
    return feed


@feeds.command(name="list")
@as_command
async def list_feeds(*, json: bool = False) -> int:
    """List the feeds with their state in words.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    async with opened_broker("reader") as broker:
        statuses = await read_statuses(broker, configuration().data_dir)
    if json:
        for status in statuses:
            print_json(_public(status))
        return 0
    print_table(
        ("id", "state", "kind", "from", "url", "how it does"),
        [(s.feed.id, s.state, s.feed.kind, s.feed.origin, redact(s.feed.url), s.words) for s in statuses],
        empty="no feeds yet: wirewatch feeds add https://example.org/feed",
    )
    return 0


def _public(status: FeedStatus) -> FeedStatus:
    feed = msgspec.structs.replace(
        status.feed,
        url=redact(status.feed.url),
        proxy=redact(status.feed.proxy),
        headers={name: v if v.startswith("env:") else "..." for name, v in status.feed.headers.items()},
    )
    return msgspec.structs.replace(status, feed=feed)


async def _status(broker: Broker, feed_id: str) -> FeedStatus:
    statuses = {s.feed.id: s for s in await read_statuses(broker, configuration().data_dir)}
    if feed_id not in statuses:
        raise UserError(f"there is no feed {feed_id!r}; there are: {', '.join(statuses) or 'none yet'}")
    return statuses[feed_id]


@feeds.command
@as_command
async def show(id_: Annotated[str, cyclopts.Parameter(name="id")], *, json: bool = False) -> int:
    """Show a feed: its definition, its state, its last poll, and what was learned of its listing and why."""
    async with opened_broker("reader") as broker:
        status = _public(await _status(broker, id_))
        raw = await broker.read_state(DIFF.name, id_)
    learned = decode_state(raw) if raw else None
    if json:
        print_json({"feed": msgspec.to_builtins(status), "learned": _learned(learned)})
        return 0
    poll = status.poll
    rows: list[tuple[str, object]] = [
        ("id", status.feed.id),
        ("name", status.feed.name),
        ("url", status.feed.url),
        ("kind", status.feed.kind),
        ("defined by", "the settings file" if status.feed.origin == "file" else "a command"),
        ("state", f"{status.state}: {status.words}"),
        ("last poll", f"{poll.at}: {poll.outcome}{f' ({poll.error})' if poll.error else ''}" if poll else "none yet"),
        ("last good", poll.last_good if poll else ""),
        ("last change", poll.last_change if poll else ""),
        ("next poll", poll.next_due if poll else ""),
        ("snapshot", poll.number if poll else ""),
        *_learned(learned).items(),
    ]
    print_table(("what", "is"), [(what, "" if value is None else value) for what, value in rows], empty="")
    return 0


def _learned(state: FeedState | None) -> dict[str, object]:
    """What the diff has learned of a feed, in words."""
    if state is None:
        return {"listing": "nothing seen yet"}
    head = state.head
    declared = head.definition.listing if head.definition else "auto"
    listing = listing_in_force(declared, head.listing)
    why = head.listing.reason if declared == "auto" else "as its definition says"
    return {
        "kind found": head.kind,
        "listing": f"{listing}: {why}",
        "volatile": ", ".join(head.volatile.learned) or "nothing",
        "entries": head.entries,
        "events": head.seq,
    }


@feeds.command
@as_command
async def remove(*ids: str) -> int:
    """Stop watching feeds. What they told stays searchable."""
    if not ids:
        raise UserError("name the feeds to remove by their ids: wirewatch feeds list")
    async with opened_broker("writer") as broker:
        known = await known_feeds(broker)
        for feed_id in ids:
            feed = known.get(feed_id)
            if feed is None:
                raise UserError(f"there is no feed {feed_id!r}; there are: {', '.join(known) or 'none yet'}")
            if feed.origin == "file":
                where = configuration().path or "wirewatch.toml"
                raise UserError(f"feed {feed_id!r} stands in {where}: take it out there, and start wirewatch again")
        now = SystemClock().now_ms()
        await broker.publish([tombstone(t.name, i, CeType.FEED, now_ms=now) for i in ids for t in (FEEDS, POLLS)])
    for feed_id in ids:
        print_line(f"{feed_id} is no longer watched")
    return 0


@feeds.command
@as_command
async def check(url: str) -> int:
    """Look at an address as a poll would, and say what is there; adds nothing."""
    check_url(url, at="feeds check")
    found, parsed = await _look(url)
    say(f"{redact(url)}: {found.words}{f', {plain(parsed.title)!r}' if parsed.title else ''}")
    for note in parsed.notes:
        say(f"  {note}")
    _show_entries(parsed)
    return 0 if parsed.entries else NOT_FOUND


@feeds.command(name="import")
@as_command
async def import_opml(file: Path) -> int:
    """Watch every feed of an OPML file that is not watched yet."""
    data = read_file(file)
    async with opened_broker("writer") as broker:
        known = await known_feeds(broker)
        listed = read_opml(data, where=str(file), taken=known)
        urls = {feed.url for feed in known.values()}
        new = [feed for feed in listed if feed.url not in urls]
        now = SystemClock().now_ms()
        await _publish_in_steps(broker, new, now)
    print_line(f"watching {len(new)} more; {len(listed) - len(new)} were watched already")
    return 0


async def _publish_in_steps(broker: Broker, new: Sequence[Feed], now_ms: int) -> None:
    for start in range(0, len(new), 500):
        await broker.publish([feed_record(feed, now_ms=now_ms) for feed in new[start : start + 500]])


@feeds.command
@as_command
async def export() -> int:
    """Print all feeds as OPML."""
    async with opened_broker("reader") as broker:
        known = await known_feeds(broker)
    sys.stdout.buffer.write(write_opml(sorted(known.values(), key=lambda feed: feed.id)))
    sys.stdout.flush()
    return 0
