"""The demo's story as pure data: what each source shows at a moment of the demo. No clock, no network."""

from __future__ import annotations

import tomllib
from html import escape
from importlib.resources import files
from typing import Any

import orjson
from msgspec import Struct, convert, field

from wirewatch.times import EPOCH, format_ms

MINUTE_MS = 60_000
_ERROR_PAGE = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)


class Item(Struct):
    """Something a source shows. ``at`` is in percent of the demo's length; None: it stood there before."""

    id: str
    at: float | None = None
    minutes_ago: int | None = None
    headline: str = ""
    title: str = ""
    text: str = ""
    body: list[str] = []


class Lead(Struct):
    """The live page's own headline and summary from a moment on."""

    at: float
    title: str
    summary: str


class Outage(Struct, rename={"from_": "from"}):
    """While it lasts the live page answers with an error page."""

    from_: float
    until: float


class Story(Struct):
    """The whole script, as `story.toml` holds it."""

    label: str
    page_title: str
    page_summary: str
    page_lead: list[str]
    outage: Outage
    lead: list[Lead]
    entry: list[Item]
    edit: list[Item]
    withdraw: list[Item]
    restore: list[Item]
    wire: list[Item]
    wire_edit: list[Item]
    wire_move: list[Item]
    closure: list[Item]
    closure_edit: list[Item]
    closure_end: list[Item]


class Moment(Struct, frozen=True):
    """A moment of the demo: ``percent`` of its length, on a wall clock that began at ``began_ms``."""

    percent: float
    began_ms: int
    length_ms: int = field(default=75_000)

    def ms_of(self, item: Item) -> int:
        """When that item was published."""
        if item.at is not None:
            return self.began_ms + round(item.at / 100 * self.length_ms)
        return self.began_ms - (item.minutes_ago or 0) * MINUTE_MS

    def reached(self, item: Item | Lead) -> bool:
        """Whether it is there by now."""
        return item.at is None or item.at <= self.percent


def load_story() -> Story:
    """The story that comes with wirewatch."""
    return convert(tomllib.loads(files("wirewatch.demo").joinpath("story.toml").read_text("utf-8")), Story)


def _edited(items: list[Item], edits: list[Item], moment: Moment) -> list[Item]:
    """The items that are there by now, newest first, with the newest of their edits."""
    shown = {item.id: item for item in items if moment.reached(item)}
    for edit in sorted((e for e in edits if moment.reached(e) and e.id in shown), key=lambda e: e.at or 0):
        old = shown[edit.id]
        shown[edit.id] = Item(
            id=old.id,
            at=old.at,
            minutes_ago=old.minutes_ago,
            headline=edit.headline or old.headline,
            title=edit.title or old.title,
            text=edit.text or old.text,
            body=edit.body or old.body,
        )
    return sorted(shown.values(), key=moment.ms_of, reverse=True)


def live_page(story: Story, moment: Moment) -> tuple[int, bytes]:
    """The live page: status and HTML. During the outage an error page with status 200, as broken sites do."""
    if story.outage.from_ <= moment.percent < story.outage.until:
        return 200, _ERROR_PAGE
    gone = {item.id for item in story.withdraw if moment.reached(item)}
    gone -= {item.id for item in story.restore if moment.reached(item)}
    title, summary = story.page_title, story.page_summary
    for lead in story.lead:
        if moment.reached(lead):
            title, summary = lead.title, lead.summary
    entries = [item for item in _edited(story.entry, story.edit, moment) if item.id not in gone]
    toc = "".join(f"<li>{escape(item.headline)}</li>" for item in entries[:5])
    return 200, (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title></head><body>"
        "<header class='site'>Northwire</header><main class='live-blog'>"
        f"<h1>{escape(story.label)}: {escape(title)}</h1>"
        f"<p class='summary'>{escape(summary)}</p>{''.join(f'<p>{escape(p)}</p>' for p in story.page_lead)}"
        f"<nav class='toc'><h2>Table of contents</h2><ol>{toc}</ol></nav><div class='live-blog__entries'>"
        + "".join(_entry_html(item, moment) for item in entries)
        + "</div></main><footer>To participate in the discussion log in or register</footer></body></html>"
    ).encode()


def _entry_html(item: Item, moment: Moment) -> str:
    at = moment.ms_of(item) // MINUTE_MS * MINUTE_MS
    shown = f"{format_ms(at)[11:16]} GMT {format_ms(at)[8:10]}.{format_ms(at)[5:7]}.{format_ms(at)[:4]}"
    body = "".join(f"<p>{escape(line)}</p>" for line in item.body)
    return (
        f"<article class='live-blog__entry'><time datetime='{format_ms(at)}'>{shown}</time>"
        f"<h3>{escape(item.headline)}</h3>{body}</article>"
    )


def wire_feed(story: Story, moment: Moment, base: str) -> bytes:
    """The wire's RSS feed."""
    moved = {item.id for item in story.wire_move if moment.reached(item)}
    items = "".join(
        f"<item><guid isPermaLink='false'>northwire-{item.id}</guid><title>{escape(item.title)}</title>"
        f"<link>{base}/{'archive' if item.id in moved else 'news'}/{item.id}</link>"
        f"<description>{escape(item.text)}</description><pubDate>{_rfc2822(moment.ms_of(item))}</pubDate></item>"
        for item in _edited(story.wire, story.wire_edit, moment)
    )
    return (
        "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>Northwire: Velmora</title>"
        f"<link>{base}/</link><description>All reports</description>{items}</channel></rss>"
    ).encode()


def _rfc2822(ms: int) -> str:
    from datetime import timedelta  # noqa: PLC0415 - the only use
    from email.utils import format_datetime  # noqa: PLC0415 - the only use

    return format_datetime(EPOCH + timedelta(seconds=ms // 1000))


def closures_list(story: Story, moment: Moment, base: str) -> bytes:
    """The crisis office's list: all that is in force, as JSON."""
    ended = {item.id for item in story.closure_end if moment.reached(item)}
    rows: list[dict[str, Any]] = [
        {"id": item.id, "title": item.title, "text": item.text, "url": f"{base}/closures/{item.id}"}
        for item in sorted(_edited(story.closure, story.closure_edit, moment), key=lambda i: i.id)
        if item.id not in ended
    ]
    return orjson.dumps({"closures": rows})


def changes(story: Story, length_ms: int) -> dict[str, int]:
    """For each headline that appears or changes during the demo: milliseconds from its start."""
    lists = (story.entry, story.edit, story.wire, story.wire_edit, story.closure, story.closure_edit)
    out = {
        item.headline or item.title: round(item.at / 100 * length_ms)
        for items in lists
        for item in items
        if item.at is not None and (item.headline or item.title)
    }
    out.update({lead.title: round(lead.at / 100 * length_ms) for lead in story.lead})
    return out
