"""The other pages for people: an entry's history, search, sources, saved searches, and signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from sinks.web import requests
from sinks.web.access import COOKIE, Access
from sinks.web.archive import Archive, FeedRow
from sinks.web.templating import Templates
from sinks.web.view import Card, decide_card, decide_found, shown_time
from wirewatch.errors import UserError
from wirewatch.events import Alert
from wirewatch.logs import redact
from wirewatch.query import QueryError
from wirewatch.times import Clock, format_duration, parse_ms


class BrokenQuery(Struct, frozen=True):
    """Why a search could not be done; ``before``, ``there`` and ``after`` are the query around the mistake."""

    words: str
    before: str = ""
    there: str = ""
    after: str = ""


class Pages:
    """Handlers of the pages. ``page`` is how many results one holds."""

    def __init__(self, archive: Archive, access: Access, clock: Clock, templates: Templates, *, page: int) -> None:
        self._archive = archive
        self._access = access
        self._clock = clock
        self._templates = templates
        self._page = page

    def routes(self) -> list[web.RouteDef]:
        """The pages' routes."""
        return [
            web.get("/entries/{entry_id}", self.entry),
            web.get("/search", self.search),
            web.get("/sources", self.sources),
            web.get("/searches", self.searches),
            web.get("/login", self.login),
            web.post("/login", self.enter),
        ]

    async def entry(self, request: web.Request) -> web.Response:
        """An entry with all its revisions."""
        revisions = await self._archive.entry(request.match_info["entry_id"])
        if not revisions:
            return self._templates.message("No such entry", "There is no entry with that id.", 404)
        return self._templates.page(
            "entry.html",
            now_card=decide_card(revisions[0]),
            feeds=self._archive.titles(),
            revisions=[(decide_card(event), event) for event in revisions],
        )

    async def search(self, request: web.Request) -> web.Response:
        """The search page: ``q``, ``as_of``, ``cursor``."""
        query = request.query.get("q", "").strip()
        as_of = request.query.get("as_of", "").strip()
        cards: list[Card] = []
        error, more = None, None
        if query:
            try:
                moment = requests.time_of(request, "as_of", self._clock.now_ms())
                cursor = request.query.get("cursor") or None
                page = await self._archive.search(query, limit=self._page, cursor=cursor, as_of=moment)
                cards = [decide_found(event, spans) for event, spans in zip(page.events, page.spans, strict=True)]
                more = "?" + urlencode({"q": query, "as_of": as_of, "cursor": page.more}) if page.more else None
            except (UserError, web.HTTPBadRequest) as mistake:
                error = decide_broken(query, mistake)
        return self._templates.page(
            "search.html",
            status=400 if error else 200,
            here="/search",
            q=query,
            as_of=as_of,
            error=error,
            cards=cards,
            more=more,
            feeds=self._archive.titles(),
        )

    async def sources(self, _request: web.Request) -> web.Response:
        """All feeds with their health."""
        now = self._clock.now_ms()
        rows = [decide_source(row, now) for row in self._archive.feeds()]
        return self._templates.page("sources.html", here="/sources", rows=rows)

    async def searches(self, _request: web.Request) -> web.Response:
        """Saved searches and the latest alerts."""
        return self._templates.page(
            "searches.html",
            here="/searches",
            searches=self._archive.subscriptions(),
            alerts=[decide_alert(alert) for alert in await self._archive.alerts(limit=50)],
        )

    async def login(self, _request: web.Request) -> web.Response:
        """Where the token is shown, for a browser; where none is needed, the live page."""
        if not self._access.needs_token:
            raise web.HTTPSeeOther("/")
        return self._templates.page("login.html", error="")

    async def enter(self, request: web.Request) -> web.Response:
        """Open a session for who shows the token."""
        form = await request.post()
        if not self._access.opens(str(form.get("token", ""))):
            return self._templates.page("login.html", status=403, error="That is not the token.")
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(
            COOKIE, self._access.session, httponly=True, samesite="Strict", secure=request.secure, max_age=30 * 86400
        )
        return answer


def decide_broken(query: str, mistake: Exception) -> BrokenQuery:
    """A mistake in a search, and where in the query it is, if there."""
    if isinstance(mistake, web.HTTPException):
        return BrokenQuery((mistake.text or mistake.reason).strip())
    if not isinstance(mistake, QueryError):
        return BrokenQuery(str(mistake))
    start = min(mistake.position, len(query))
    end = start + max(1, min(len(mistake.found), 40))
    return BrokenQuery(str(mistake), query[max(0, start - 60) : start], query[start:end], query[end : end + 60])


def decide_source(row: FeedRow, now_ms: int) -> dict[str, Any]:
    """A feed as the page of sources shows it."""
    poll = row.poll
    return {
        "id": row.feed.id,
        "name": row.title,
        "url": redact(row.feed.url),
        "kind": row.feed.kind,
        "tags": row.feed.tags,
        "state": row.state,
        "words": row.words,
        "last_good": decide_ago(poll.last_good if poll else None, now_ms),
        "last_change": decide_ago(poll.last_change if poll else None, now_ms),
    }


def decide_ago(text: str | None, now_ms: int) -> tuple[str, str, str]:
    """A moment as ``(datetime, words, in full)``: ``12s ago``, or its date where it is days old."""
    if not text:
        return "", "never", ""
    ago = max(0, now_ms - parse_ms(text))
    words = f"{format_duration(ago // 1000 * 1000)} ago" if ago < 2 * 86_400_000 else shown_time(text)
    return text, words, f"{text[11:19]} GMT {shown_time(text, 'day')}"


def decide_alert(alert: Alert) -> dict[str, Any]:
    """An alert as the page shows it: its first word apart, where it has one in capitals."""
    word, colon, rest = alert.text.partition(": ")
    is_word = bool(colon) and word.isupper() and len(word) <= 20
    return {
        "type": alert.type,
        "word": word if is_word else alert.type.upper(),
        "text": rest if is_word else alert.text,
        "entry_id": alert.event.entry_id,
        "search": alert.subscription.name,
        "feed": alert.feed.title,
        "matched": alert.times.matched,
        "clock": alert.times.matched[11:19],
        "day": shown_time(alert.times.matched, "day"),
    }
