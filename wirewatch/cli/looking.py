"""Looking at an address as a poll would: what is there, how it is read, and its first entries."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from processors.parse import parse as parse_body
from processors.parse.model import ParsedFeed
from producers.asking import Asking
from producers.discover import Candidate, Discovery, discover
from producers.plan import user_agent
from producers.poller import limits_of
from wirewatch.canary import CANARY_ID
from wirewatch.cli.context import configuration
from wirewatch.cli.json_paths import guess_paths, in_words
from wirewatch.cli.output import one_line, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import BadInput, UserError
from wirewatch.events import Feed, JsonPaths
from wirewatch.feeds import check_feed, definition_of, slug
from wirewatch.logs import redact
from wirewatch.net.guard import Guard
from wirewatch.settings.declared import read_networks
from wirewatch.times import SystemClock, format_ms

_SHOWN = 5


class Looked(Struct, frozen=True):
    """What stands behind an address: its best candidate, parsed, and how a JSON list's fields were guessed."""

    found: Discovery
    best: Candidate
    parsed: ParsedFeed
    json: JsonPaths | None


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


async def look_at(url: str) -> Looked:
    """What is there. Raises `UserError` where it cannot be had, `BadInput` where nothing there can be watched."""
    asking = _asking()
    try:
        found = await discover(url, asking)
    finally:
        await asking.close()
    if not found.candidates:
        raise BadInput(f"{redact(url)}: {found.words}", reason="nothing-to-watch")
    best = found.candidates[0]
    json = guess_paths(best.body or b"", best.items) if best.items else None
    if json is not None and not (json.headline or json.body):
        raise BadInput(
            f"{redact(best.url)}: a JSON list ({json.items}), but no field of its items looks like a headline or text; "
            'say where they are in wirewatch.toml: [[feeds]] with kind = "json" and [feeds.json] items, headline, body',
            reason="nothing-to-watch",
        )
    feed = Feed(id="new", url=best.url, kind=best.kind, json=json)
    try:
        parsed = parse_body(
            best.body or b"",
            definition_of(feed),
            content_type=best.content_type,
            url=best.url,
            fetched_at_ms=SystemClock().now_ms(),
        )
    except BadInput as error:
        raise BadInput(
            f"{redact(best.url)}: looked like {best.kind}, but cannot be read: {error}", reason=error.reason
        ) from error
    return Looked(found, best, parsed, json)


def tell(looked: Looked, *, title: str = "") -> None:
    """Say what is there, and show its first entries."""
    name = one_line(title or looked.parsed.title or looked.best.title)
    say(f"{redact(looked.best.url)}: {looked.found.words}" + (f', "{name}"' if name else ""))
    for other in looked.found.candidates[1:]:
        say(f"  also there: {redact(other.url)} ({other.kind}) {one_line(other.title)}")
    if looked.json is not None:
        say(f"  guessed from its fields: {in_words(looked.json)}")
        say("  if that is wrong, say it in wirewatch.toml instead: [[feeds]] with [feeds.json]")
    for note in looked.parsed.notes:
        say(f"  {one_line(note)}")
    rows = [
        (
            format_ms(entry.published_ms)[:16].replace("T", " ") if entry.published_ms is not None else "",
            one_line(entry.headline or entry.body)[:300],
        )
        for entry in looked.parsed.entries[:_SHOWN]
    ]
    count = len(looked.parsed.entries)
    words = f"the first {len(rows)} of {count} entries" if count > _SHOWN else f"its {count} entries"
    print_table(("published", words if count > 1 else "its entry"), rows, empty="it has no entries now")


def new_feed(looked: Looked, *, id_: str, name: str, tags: list[str], every: str, known: dict[str, Feed]) -> Feed:
    """The feed to watch, under an id that none of ``known`` has. Raises `UserError` in words."""
    for feed in known.values():
        if feed.url == looked.best.url:
            raise UserError(f"{redact(feed.url)} is watched already, as {feed.id}")
    if id_ in known or id_ == CANARY_ID:
        raise UserError(f"the id {id_!r} is taken; choose another with --id")
    title = name or looked.parsed.title or looked.best.title
    base = id_ or slug(title or looked.best.url.partition("://")[2])
    unique = next(one for one in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if one not in known)
    feed = Feed(
        id=unique, url=looked.best.url, name=title, tags=tags, every=every, kind=looked.best.kind, json=looked.json
    )
    try:
        feed = msgspec.convert(msgspec.to_builtins(feed), Feed)
    except msgspec.ValidationError as error:
        raise UserError(f"feeds add: --id {unique!r}: lower-case letters, digits, '.', '_' and '-' only") from error
    check_feed(feed, where="feeds add")
    return feed
