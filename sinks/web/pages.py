"""The pages for people, made on the server; what changes while one looks comes as ready-made cards."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import jinja2
import orjson
from aiohttp import web

from sinks.web import requests
from sinks.web.access import COOKIE, Access
from sinks.web.api import Api
from sinks.web.archive import Archive, FeedRow
from sinks.web.stream import StreamHub
from sinks.web.view import decide_card, shown_time
from wirewatch.brokers.interface import Record
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.logs import redact
from wirewatch.times import Clock

CANARY = "wirewatch-canary"
_SHOWN = frozenset({"baseline", "created", "backfilled", "updated", "withdrawn", "restored"})


class Pages:
    """Handlers of the pages."""

    def __init__(self, archive: Archive, hub: StreamHub, api: Api, access: Access, clock: Clock, *, page: int) -> None:
        self._archive = archive
        self._hub = hub
        self._api = api
        self._access = access
        self._clock = clock
        self._page = page
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("sinks.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[web.RouteDef]:
        """The pages' routes."""
        return [
            web.get("/", self.live),
            web.get("/feeds/{feed_id}", self.live),
            web.get("/live/stream", self.cards),
            web.get("/entries/{entry_id}", self.entry),
            web.get("/search", self.search),
            web.get("/sources", self.sources),
            web.get("/searches", self.searches),
            web.get("/login", self.login),
            web.post("/login", self.enter),
        ]

    def _render(self, template: str, *, status: int = 200, here: str = "", **values: Any) -> web.Response:
        text = self._templates.get_template(template).render(here=here, **values)
        return web.Response(text=text, content_type="text/html", status=status)

    def message(self, title: str, text: str, status: int) -> web.Response:
        """A page that says one thing."""
        return self._render("message.html", status=status, title=title, text=text)

    def _titles(self) -> dict[str, str]:
        return {row.feed.id: row.title for row in self._archive.feeds()}

    async def live(self, request: web.Request) -> web.Response:
        """The live page, of one feed or of all."""
        feed_id = request.match_info.get("feed_id")
        rows = {row.feed.id: row for row in self._archive.feeds() if row.feed.id != CANARY}
        if feed_id is not None and feed_id not in rows:
            return self.message("No such source", f"There is no source with the id {feed_id}.", 404)
        order = requests.order_of(request)
        # the place in the stream is taken first: what comes in while the page is made is shown twice, not lost
        cursor = self._hub.cursor(self._hub.end())
        before = request.query.get("before") or None
        page = await self._archive.latest(feed_id=feed_id, limit=self._page, before=before, order=order)
        lead = await self._archive.lead(feed_id) if feed_id else None
        more = "?" + urlencode({"order": order, "before": page.more}) if page.more else None
        return self._render(
            "live.html",
            here="" if feed_id else "/",
            title=rows[feed_id].title if feed_id else "Live",
            feed_id=feed_id,
            feeds=self._titles(),
            sources=[(row.feed.id, row.title) for row in rows.values()],
            lead=decide_card(lead) if lead else None,
            cards=[decide_card(event) for event in page.events],
            health=_health([rows[feed_id]] if feed_id else list(rows.values())),
            cursor=cursor,
            order=order,
            more=more,
        )

    async def cards(self, request: web.Request) -> web.StreamResponse:
        """The stream of the live page: each change as a card made here."""
        feed = requests.feed_of(request)
        fragment = self._templates.get_template("fragment.html")

        def wanted(record: Record) -> bool:
            op = record.headers.get("ce_type", "..").split(".")[-2]
            return op in _SHOWN and record.key != CANARY and (feed is None or record.key == feed)

        def shown(record: Record) -> tuple[str, str] | None:
            if record.value is None:
                return None
            card = decide_card(decode(record.value, EntryEvent))
            data = {
                "html": fragment.render(c=card, feeds=self._titles()),
                "subject": card.subject,
                "word": card.word or "entry",
            }
            return "card", orjson.dumps(data).decode()

        return await self._api.send_events(request, wanted, shown)

    async def entry(self, request: web.Request) -> web.Response:
        """An entry with all its revisions."""
        revisions = await self._archive.entry(request.match_info["entry_id"])
        if not revisions:
            return self.message("No such entry", "There is no entry with that id.", 404)
        return self._render(
            "entry.html",
            title=revisions[0].headline,
            feeds=self._titles(),
            revisions=[(decide_card(event), event) for event in revisions],
        )

    async def search(self, request: web.Request) -> web.Response:
        """The search page."""
        query, error, cards, more = request.query.get("q", "").strip(), "", [], None
        as_of = request.query.get("as_of", "").strip()
        if query:
            try:
                moment = requests.time_of(request, "as_of", self._clock.now_ms())
                page = await self._archive.search(
                    query, limit=self._page, cursor=request.query.get("cursor") or None, as_of=moment
                )
                cards = [decide_card(event) for event in page.events]
                more = "?" + urlencode({"q": query, "as_of": as_of, "cursor": page.more}) if page.more else None
            except UserError as mistake:
                error = str(mistake)
            except web.HTTPBadRequest as mistake:
                error = mistake.text or ""
        return self._render(
            "search.html",
            status=400 if error else 200,
            here="/search",
            q=query,
            as_of=as_of,
            error=error,
            cards=cards,
            more=more,
            feeds=self._titles(),
        )

    async def sources(self, _request: web.Request) -> web.Response:
        """All feeds with their health."""
        rows = [
            {
                "id": row.feed.id,
                "name": row.title,
                "url": redact(row.feed.url),
                "state": row.state,
                "words": row.words,
                "last_good": shown_time(row.poll.last_good if row.poll else None),
                "last_change": shown_time(row.poll.last_change if row.poll else None),
                "next_due": shown_time(row.poll.next_due if row.poll else None),
            }
            for row in self._archive.feeds()
            if row.feed.id != CANARY
        ]
        return self._render("sources.html", here="/sources", rows=rows)

    async def searches(self, _request: web.Request) -> web.Response:
        """Saved searches and the latest alerts."""
        return self._render(
            "searches.html",
            here="/searches",
            searches=self._archive.subscriptions(),
            alerts=await self._archive.alerts(limit=50),
        )

    async def login(self, _request: web.Request) -> web.Response:
        """Where the token is shown, for a browser."""
        return self._render("login.html", error="")

    async def enter(self, request: web.Request) -> web.Response:
        """Open a session for who shows the token."""
        form = await request.post()
        if not self._access.opens(str(form.get("token", ""))):
            return self._render("login.html", status=403, error="That is not the token.")
        answer = web.HTTPSeeOther("/")
        answer.set_cookie(
            COOKIE, self._access.session, httponly=True, samesite="Strict", secure=request.secure, max_age=30 * 86400
        )
        return answer


def _health(rows: list[FeedRow]) -> str:
    if len(rows) == 1:
        return f"{rows[0].state}: {rows[0].words}" if rows[0].words else rows[0].state
    trouble = [row for row in rows if row.state not in {"ok", "quiet", "ended"}]
    if not rows:
        return "No source is watched yet."
    return f"{len(rows)} sources" + (f", {len(trouble)} not well: see Sources" if trouble else ", all well")
