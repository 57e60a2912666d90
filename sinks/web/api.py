"""The JSON API under /api/v1: entries, search, feeds, saved searches, alerts and the live stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from sinks.web import requests
from sinks.web.archive import Archive, EventPage, FeedRow
from sinks.web.sending import EventSender, op_of
from wirewatch.brokers.interface import Record
from wirewatch.canary import is_canary
from wirewatch.events import EntryEvent, decode
from wirewatch.logs import redact
from wirewatch.query.evaluate import matches
from wirewatch.query.parser import parse_query
from wirewatch.times import Clock

_PREFIX = "/api/v1"


class Api:
    """Handlers of the API. ``clock`` is for relative times in searches."""

    def __init__(self, archive: Archive, sender: EventSender, clock: Clock) -> None:
        self._archive = archive
        self._sender = sender
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """The API's routes."""
        return [
            web.get(f"{_PREFIX}/entries", self.entries),
            web.get(f"{_PREFIX}/entries/{{entry_id}}", self.entry),
            web.get(f"{_PREFIX}/search", self.search),
            web.get(f"{_PREFIX}/feeds", self.feeds),
            web.get(f"{_PREFIX}/feeds/{{feed_id}}", self.feed),
            web.get(f"{_PREFIX}/subscriptions", self.subscriptions),
            web.get(f"{_PREFIX}/alerts", self.alerts),
            web.get(f"{_PREFIX}/stream", self.stream),
        ]

    async def entries(self, request: web.Request) -> web.Response:
        """Each entry's newest event: ``feed``, ``limit``, ``before``, ``order``."""
        page = await self._archive.latest(
            feed_id=requests.feed_of(request),
            limit=requests.limit_of(request),
            before=request.query.get("before") or None,
            order=requests.order_of(request),
        )
        return _page(page)

    async def entry(self, request: web.Request) -> web.Response:
        """An entry with all its revisions, newest first."""
        revisions = await self._archive.entry(request.match_info["entry_id"])
        if not revisions:
            raise web.HTTPNotFound(text="there is no entry with that id\n")
        return json_response({"entry_id": revisions[0].entry_id, "revisions": revisions})

    async def search(self, request: web.Request) -> web.Response:
        """What ``q`` finds: ``since``, ``until``, ``as_of``, ``limit``, ``cursor``."""
        now = self._clock.now_ms()
        page = await self._archive.search(
            request.query.get("q", ""),
            since=requests.time_of(request, "since", now),
            until=requests.time_of(request, "until", now),
            as_of=requests.time_of(request, "as_of", now),
            limit=requests.limit_of(request),
            cursor=request.query.get("cursor") or None,
        )
        return _page(page)

    async def feeds(self, _request: web.Request) -> web.Response:
        """All feeds with their health."""
        return json_response({"feeds": [_feed(row) for row in self._archive.feeds()]})

    async def feed(self, request: web.Request) -> web.Response:
        """One feed with its health."""
        for row in self._archive.feeds():
            if row.feed.id == request.match_info["feed_id"]:
                return json_response(_feed(row))
        raise web.HTTPNotFound(text="there is no feed with that id\n")

    async def subscriptions(self, _request: web.Request) -> web.Response:
        """All saved searches."""
        return json_response({"subscriptions": list(self._archive.subscriptions())})

    async def alerts(self, request: web.Request) -> web.Response:
        """The newest alerts."""
        return json_response({"alerts": await self._archive.alerts(limit=requests.limit_of(request))})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: ``types``, ``feed``, ``q``, ``from``; resumes by Last-Event-ID."""
        wanted = self._wanted(request)
        return await self._sender.send(request, wanted, _as_event)

    def _wanted(self, request: web.Request) -> Callable[[Record], bool]:
        feed = requests.feed_of(request)
        types = frozenset(t for t in request.query.get("types", "").split(",") if t)
        query = parse_query(request.query["q"], saved=True) if request.query.get("q") else None

        def wanted(record: Record) -> bool:
            ce_type = record.headers.get("ce_type", "")
            if is_canary(record.key) or (types and not types & {ce_type, op_of(record)}):
                return False
            if feed is None and query is None:
                return True
            if not ce_type.startswith(("wirewatch.entry.", "wirewatch.feed.")):
                return False
            if feed is not None and record.key != feed:
                return False
            if query is None or record.value is None:
                return query is None
            return bool(matches(query, decode(record.value, EntryEvent)))

        return wanted


def _as_event(record: Record) -> tuple[str, str] | None:
    if record.value is None:
        return None
    # our own JSON has no raw line breaks; a header is never taken as it is (H46)
    return record.headers.get("ce_type", "").replace("\n", "").replace("\r", ""), record.value.decode("utf-8")


def json_response(value: Any) -> web.Response:
    """A value as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _page(page: EventPage) -> web.Response:
    return json_response({"entries": page.events, "more": page.more})


def _feed(row: FeedRow) -> dict[str, Any]:
    """A feed without its secrets: what is secret in URLs is struck out, and no header's value is shown (H58)."""
    feed = msgspec.structs.replace(row.feed, headers=dict.fromkeys(row.feed.headers, "..."))
    said = {"feed": feed, "title": row.title, "state": row.state, "words": row.words, "poll": row.poll}
    return {key: _redacted(value) for key, value in msgspec.to_builtins(said).items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value
