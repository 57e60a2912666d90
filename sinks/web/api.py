"""The JSON API under /api/v1: entries, search, feeds, saved searches, alerts and the live stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from aiohttp import web

from sinks.web import requests
from sinks.web.archive import Archive, EventPage
from sinks.web.stream import StreamHub, TooOld
from wirewatch import metrics
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent, decode
from wirewatch.logs import redact
from wirewatch.query.evaluate import matches
from wirewatch.query.parser import parse_query
from wirewatch.times import Clock

_SLOW_READER_SECONDS = 30.0
_PREFIX = "/api/v1"


class Api:
    """Handlers of the API. ``clock`` is for relative times in searches."""

    def __init__(self, archive: Archive, hub: StreamHub, clock: Clock, *, stream_clients: int) -> None:
        self._archive = archive
        self._hub = hub
        self._clock = clock
        self._room = stream_clients
        self._readers = 0

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
        return await self.send_events(request, wanted, _as_event)

    async def send_events(
        self,
        request: web.Request,
        wanted: Callable[[Record], bool],
        shown: Callable[[Record], tuple[str, str] | None],
    ) -> web.StreamResponse:
        """Send what is wanted as it comes, until the reader goes or is too slow to follow (F17)."""
        place = request.headers.get("Last-Event-ID") or request.query.get("from", "")
        try:
            offsets = await self._hub.place(place)
        except TooOld as old:
            body = orjson.dumps({"error": f"{old}: go on from the earliest", "earliest": old.earliest})
            raise web.HTTPGone(body=body, content_type="application/json") from old
        except BadInput as bad:
            raise requests.refuse(str(bad)) from bad
        if self._readers >= self._room:
            raise web.HTTPServiceUnavailable(text="too many readers of the stream\n", headers={"Retry-After": "10"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._readers += 1
        metrics.STREAM_CLIENTS.set(self._readers)
        try:
            await response.prepare(request)
            # a first comment opens the stream at once, also through proxies
            await response.write(b": wirewatch\nretry: 3000\n\n")
            async for record, cursor in self._hub.read(offsets, wanted):
                lines = b": heartbeat\n\n"
                if record is not None:
                    event = shown(record)
                    if event is None:
                        continue
                    lines = f"id: {cursor}\nevent: {event[0]}\ndata: {event[1]}\n\n".encode()
                async with asyncio.timeout(_SLOW_READER_SECONDS):
                    await response.write(lines)
        except (TimeoutError, ConnectionError):
            if request.transport:
                request.transport.abort()
        finally:
            self._readers -= 1
            metrics.STREAM_CLIENTS.set(self._readers)
        return response

    def _wanted(self, request: web.Request) -> Callable[[Record], bool]:
        feed = requests.feed_of(request)
        types = frozenset(t for t in request.query.get("types", "").split(",") if t)
        query = parse_query(request.query["q"], saved=True) if request.query.get("q") else None

        def wanted(record: Record) -> bool:
            ce_type = record.headers.get("ce_type", "")
            if types and not types & {ce_type, ce_type.split(".")[-2] if "." in ce_type else ""}:
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


def _feed(row: Any) -> dict[str, Any]:
    feed = msgspec.structs.replace(row.feed, headers=dict.fromkeys(row.feed.headers, "..."), url=redact(row.feed.url))
    return {"feed": feed, "title": row.title, "state": row.state, "words": row.words, "poll": row.poll}
