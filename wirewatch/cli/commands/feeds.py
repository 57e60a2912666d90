"""`wirewatch feeds`: what is watched, how it does, and finding out what is behind an address."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import cyclopts
import msgspec

from processors.diff import FeedState, decode_state
from processors.diff.listing import listing_in_force
from producers.opml import read_opml, write_opml
from producers.websub import hub_words
from wirewatch.brokers.interface import Broker
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.brokers.kafka.forgetting import forget_state
from wirewatch.canary import CANARY_ID
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import NOT_FOUND, as_command
from wirewatch.cli.feed_health import FeedStatus, known_feeds, read_statuses, with_files
from wirewatch.cli.looking import look_at, new_feed, tell
from wirewatch.cli.opening import FileOrInput, opened_broker, opened_log, read_file
from wirewatch.cli.output import print_json, print_line
from wirewatch.cli.tables import print_table, progress
from wirewatch.errors import UserError
from wirewatch.events import CeType, Feed
from wirewatch.feeds import check_url
from wirewatch.logs import redact
from wirewatch.reconcile import feed_record, tombstone
from wirewatch.settings.environment import variable_named
from wirewatch.stages import DIFF
from wirewatch.times import SystemClock, parse_duration_ms
from wirewatch.topics import FEEDS, POLLS

feeds = cyclopts.App(name="feeds", help="What is watched: add, list, show, remove, check, import, export.")


@feeds.command
@as_command
async def add(
    url: str,
    /,
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
    if every != "auto":
        _check_every(every)
    looked = await look_at(url)
    tell(looked, title=name)
    if dry_run:
        return 0
    async with opened_broker("writer") as broker:
        known = with_files(await known_feeds(broker), configuration().feeds)
        feed = new_feed(looked, id_=id_, name=name, tags=tag or [], every=every, known=known)
        await broker.publish([feed_record(feed, now_ms=SystemClock().now_ms())])
    print_line(f"watching {feed.id}")
    return 0


def _check_every(every: str) -> None:
    """Said before anything is fetched."""
    try:
        parse_duration_ms(every)
    except UserError as error:
        raise UserError(f"--every {error}, or auto") from error


@feeds.command(name="list")
@as_command
async def list_feeds(*, json: bool = False) -> int:
    """List the feeds with their state in words.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    config = configuration()
    async with opened_log() as broker:
        statuses = await read_statuses(broker, config)
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
        headers={name: "..." if variable_named(v) is None else v for name, v in status.feed.headers.items()},
    )
    return msgspec.structs.replace(status, feed=feed)


async def _status(broker: Broker | None, feed_id: str) -> FeedStatus:
    config = configuration()
    statuses = {s.feed.id: s for s in await read_statuses(broker, config)}
    if feed_id not in statuses:
        raise UserError(f"there is no feed {feed_id!r}; there are: {', '.join(statuses) or 'none yet'}")
    return statuses[feed_id]


@feeds.command
@as_command
async def show(id_: Annotated[str, cyclopts.Parameter(name="id")], /, *, json: bool = False) -> int:
    """Show a feed: its definition, its state, its last poll, and what was learned of its listing and why.

    Parameters
    ----------
    id_
        The feed's id, as `feeds list` shows it.
    json
        One JSON object.
    """
    async with opened_log() as broker:
        status = _public(await _status(broker, id_))
        raw = await broker.read_state(DIFF.name, id_) if broker is not None else None
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
        ("hub", hub_words(poll.hub, now_ms=SystemClock().now_ms()) if poll and poll.hub else "none offered"),
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
    """Stop watching feeds. What they told stays searchable.

    Parameters
    ----------
    ids
        Their ids, as `feeds list` shows them.
    """
    if not ids:
        raise UserError("name the feeds to remove by their ids: wirewatch feeds list")
    config = configuration()
    async with opened_broker("writer") as broker:
        known = with_files(await known_feeds(broker), config.feeds)
        for feed_id in ids:
            _refuse_files(known.get(feed_id), feed_id, known)
        now = SystemClock().now_ms()
        await broker.publish([tombstone(t.name, i, CeType.FEED, now_ms=now) for i in ids for t in (FEEDS, POLLS)])
    for feed_id in ids:
        print_line(f"{feed_id} is no longer watched")
    return 0


def _refuse_files(feed: Feed | None, feed_id: str, known: Mapping[str, Feed]) -> None:
    if feed is None:
        raise UserError(f"there is no feed {feed_id!r}; there are: {', '.join(known) or 'none yet'}")
    if feed.origin == "file":
        where = configuration().path or "a settings file that is not in use here"
        raise UserError(f"feed {feed_id!r} stands in {where}: take it out there, and start wirewatch again")


@feeds.command
@as_command
async def forget(id_: Annotated[str, cyclopts.Parameter(name="id")], /) -> int:
    """Let a feed begin anew on Kafka where its state is damaged, which ends every diff. Stop all of these first.

    What it shows next is its baseline; what it told stays searchable.

    Parameters
    ----------
    id_
        The feed's id, as the words of the diff's end name it.
    """
    async with opened_broker("writer") as broker:
        if not isinstance(broker, KafkaBroker):
            raise UserError("what the diff keeps lies in the log's own file here, beside what it was made of")
        await forget_state(broker, DIFF.name, id_)
    print_line(f"{id_} begins anew when diff is started")
    return 0


@feeds.command
@as_command
async def check(url: str, /) -> int:
    """Look at an address as a poll would, and say what is there; adds nothing. Exit status 1 where no entry is there.

    Parameters
    ----------
    url
        The address, as `feeds add` takes it.
    """
    check_url(url, at="feeds check")
    looked = await look_at(url)
    tell(looked)
    return 0 if looked.parsed.entries else NOT_FOUND


@feeds.command(name="import")
@as_command
async def import_opml(file: FileOrInput, /) -> int:
    """Watch every feed of an OPML file that is not watched yet.

    Parameters
    ----------
    file
        The OPML file; "-" reads standard input.
    """
    data = read_file(file)
    async with opened_broker("writer") as broker:
        known = with_files(await known_feeds(broker), configuration().feeds)
        listed = read_opml(data, where=str(file), taken=known)
        watched = {feed.url for feed in known.values()}
        new = list({feed.url: feed for feed in reversed(listed) if feed.url not in watched}.values())[::-1]
        await _publish_in_steps(broker, new, SystemClock().now_ms())
    print_line(f"watching {len(new)} more; {len(listed) - len(new)} were watched already")
    return 0


async def _publish_in_steps(broker: Broker, new: Sequence[Feed], now_ms: int) -> None:
    with progress("adding feeds", len(new)) as bar:
        for start in range(0, len(new), 500):
            records = [feed_record(feed, now_ms=now_ms) for feed in new[start : start + 500]]
            await broker.publish(records)
            bar.advance(len(records))


@feeds.command
@as_command
async def export() -> int:
    """Print all feeds as OPML."""
    async with opened_log() as broker:
        known = with_files(await known_feeds(broker) if broker is not None else {}, configuration().feeds)
    known.pop(CANARY_ID, None)
    sys.stdout.buffer.write(write_opml(sorted(known.values(), key=lambda feed: feed.id)))
    sys.stdout.flush()
    return 0
