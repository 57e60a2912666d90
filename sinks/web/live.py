"""The live page, of all sources or of one, and the stream of ready-made cards that keeps it up to date."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import orjson
from aiohttp import web

from sinks.web import requests
from sinks.web.archive import Archive, FeedRow
from sinks.web.sending import EventSender, op_of
from sinks.web.stream import StreamHub
from sinks.web.templating import Templates
from sinks.web.view import decide_card, order_cards
from wirewatch.brokers.interface import Record
from wirewatch.canary import is_canary
from wirewatch.events import EntryEvent, decode
from wirewatch.times import Clock, format_ms

_SHOWN = frozenset({"baseline", "created", "backfilled", "updated", "withdrawn", "restored"})
_WELL = frozenset({"ok", "quiet", "ended"})
_REWIND_MS: Final = 60_000
_REWIND: Final = 500  # records of a partition
_MADE: Final = 256  # cards kept, so that many readers cost one rendering


class LivePage:
    """Handlers of the live page. ``page`` is how many entries one holds."""

    def __init__(
        self, archive: Archive, hub: StreamHub, sender: EventSender, clock: Clock, templates: Templates, *, page: int
    ) -> None:
        self._archive = archive
        self._hub = hub
        self._sender = sender
        self._clock = clock
        self._templates = templates
        self._page = page
        self._made: OrderedDict[str, str] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """The live page's routes."""
        return [
            web.get("/", self.live),
            web.get("/feeds/{feed_id}", self.live),
            web.get("/live/stream", self.cards),
        ]

    async def live(self, request: web.Request) -> web.Response:
        """The live page: ``order``, ``before``."""
        feed_id = request.match_info.get("feed_id")
        rows = {row.feed.id: row for row in self._archive.feeds()}
        if feed_id is not None and feed_id not in rows:
            return self._templates.message("No such source", f"There is no source with the id {feed_id}.", 404)
        order = requests.order_of(request)
        now = self._clock.now_ms()
        # The index may be behind the log. So the stream begins a little earlier than the page was made: the
        # page knows by their numbers which cards it shows already.
        cursor = self._hub.cursor(await self._hub.recent(now - _REWIND_MS, most=_REWIND))
        before = request.query.get("before") or None
        page = await self._archive.latest(feed_id=feed_id, limit=self._page, before=before, order=order)
        lead = await self._archive.lead(feed_id) if feed_id else None
        return self._templates.page(
            "live.html",
            here="" if feed_id else "/",
            title=rows[feed_id].title if feed_id else "All sources",
            feed_id=feed_id,
            feeds=self._archive.titles(),
            sources=[(row.feed.id, row.title) for row in rows.values()],
            lead=decide_card(lead) if lead else None,
            cards=order_cards(map(decide_card, page.events), newest_first=order == "newest"),
            trouble=decide_trouble([rows[feed_id]] if feed_id else list(rows.values())),
            now=format_ms(now),
            cursor=cursor,
            order=order,
            begins=before is None,
            more="?" + urlencode({"order": order, "before": page.more}) if page.more else None,
        )

    async def cards(self, request: web.Request) -> web.StreamResponse:
        """The stream of the live page: each change as a card made here."""
        feed = requests.feed_of(request)

        def wanted(record: Record) -> bool:
            return op_of(record) in _SHOWN and not is_canary(record.key) and (feed is None or record.key == feed)

        def shown(record: Record) -> tuple[str, str] | None:
            event = decode(record.value or b"", EntryEvent)
            if event.subject == "lead" and feed is None:  # on the page of all sources a lead belongs to none
                return None
            return "card", self._made_card(event)

        return await self._sender.send(request, wanted, shown)

    def _made_card(self, event: EntryEvent) -> str:
        if event.id not in self._made:
            card = decide_card(event)
            html = self._templates.text("fragment.html", c=card, feeds=self._archive.titles())
            data = {"html": html, "subject": card.subject, "word": card.word, "headline": card.plain_headline}
            self._made[event.id] = orjson.dumps(data).decode()
            if len(self._made) > _MADE:
                self._made.popitem(last=False)
        return self._made[event.id]


def decide_trouble(rows: Sequence[FeedRow]) -> str:
    """What a reader should know of the sources' health; empty where all are well."""
    trouble = [row for row in rows if row.state not in _WELL]
    if not rows:
        return "No source is watched yet."
    if len(trouble) == 1:
        return f"{trouble[0].title}: {trouble[0].words}"
    return f"{len(trouble)} of {len(rows)} sources are not well" if trouble else ""
