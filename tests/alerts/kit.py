"""What the tests of alerts are made of: events of a fictional town, a clock, a receiver of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from wirewatch import identity
from wirewatch.control import AlertState, Channel, ControlStore
from wirewatch.events import (
    Alert,
    AlertFeed,
    Change,
    Enrichment,
    Entry,
    EntryEvent,
    Evidence,
    Figure,
    Subscription,
    decode,
)
from wirewatch.net.guard import Guard
from wirewatch.settings.declared import read_networks
from wirewatch.times import format_ms

START_MS = 1_760_000_000_000
FEED = AlertFeed("velmora", "Velmora Live", "https://news.example/live")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = Guard(read_networks(["127.0.0.0/8"]))


class FakeClock:
    """Time that passes only when told to, or when somebody sleeps."""

    def __init__(self, ms: int = START_MS) -> None:
        self.ms = ms
        self.passed_ms = 0

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.passed_ms / 1_000

    async def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)
        await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.ms += round(seconds * 1_000)
        self.passed_ms += round(seconds * 1_000)


def entry(headline: str = "Dam breaks above Velmora", body: str = "", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "native_id": "n1",
        "url": None,
        "link": "https://news.example/live#n1",
        "page": None,
        "headline": headline,
        "label": None,
        "body": body,
        "html": "",
        "form": "text" if body else "headline-only",
        "published": format_ms(START_MS),
        "published_precision": "minute",
        "published_from": "source",
        "published_raw": None,
        "updated": None,
        "status": "current",
        "position": 0,
        "pinned": False,
        "key_event": False,
        "authors": [],
        "tags": [],
        "section": None,
        "media": [],
        "links": [],
        "language": "en",
        "truncated": False,
        "content_hash": identity.content_hash(headline, body),
    }
    return Entry(**{**values, **changes})


def event(
    op: str = "created",
    headline: str = "Dam breaks above Velmora",
    *,
    revision: int = 1,
    before: str | None = None,
    grade: str | None = None,
    body: str = "",
    name: str = "n1",
    feed_id: str = "velmora",
    at_ms: int = START_MS + 60_000,
    **changes: Any,
) -> EntryEvent:
    """An event of one entry; ``before`` is the headline before it."""
    is_feed = op in {"gap", "source-error", "source-recovered"}
    entry_id = None if is_feed else identity.entry_id(feed_id, name)
    told = [] if before is None else [change(before, headline, grade=grade or "normal")]
    values: dict[str, Any] = {
        "id": identity.event_id(feed_id, entry_id, op, revision, headline + body),
        "seq": revision,
        "op": op,
        "subject": "feed" if is_feed else "entry",
        "feed_id": feed_id,
        "entry_id": entry_id,
        "native_id": None if is_feed else name,
        "revision": revision,
        "previous_event_id": None,
        "restores_event_id": None,
        "same_as": None,
        "snapshot": "1",
        "snapshot_id": "sn_1",
        "previous_snapshot_id": None,
        "time": format_ms(at_ms),
        "not_before": None,
        "first_seen": format_ms(at_ms),
        "headline": headline,
        "url": None,
        "published": None if is_feed else format_ms(START_MS),
        "grade": grade or "normal",
        "flags": [],
        "changes": told,
        "evidence": Evidence("test", "as the test says"),
        "entry": None if is_feed else entry(headline, body, status="withdrawn" if op == "withdrawn" else "current"),
        "enrichment": Enrichment(version="1"),
    }
    return EntryEvent(**{**values, **changes})


def change(before: str, after: str, *, grade: str = "normal", class_: str = "headline", **changes: Any) -> Change:
    values: dict[str, Any] = {
        "field": "headline",
        "class_": class_,
        "classes": [class_],
        "grade": grade,
        "before": before,
        "after": after,
        "diff": [("-", before), ("+", after)],
        "detail": None,
    }
    return Change(**{**values, **changes})


def figure(value: float, kind: str = "killed", *, qualifier: str = "exact", field: str = "headline") -> Figure:
    return Figure(kind, value, value, value, qualifier, "person", f"{value:g} {kind}", (field, 0, 3))  # type: ignore[arg-type]  # literals


def subscription(
    query: str = "dam", *, name: str = "Dams", to: tuple[str, ...] = ("ops",), **changes: Any
) -> Subscription:
    values: dict[str, Any] = {
        "id": identity.subscription_id(name),
        "name": name,
        "query": query,
        "channels": list(to),
        "created": format_ms(START_MS),
    }
    return Subscription(**{**values, **changes})


def alert_of(state: AlertState) -> Alert:
    assert state.alert is not None
    return decode(state.alert, Alert)


class Receiver:
    """A real web server that records every call. ``answer`` decides, given the number of the call from 1."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.answer: Callable[[int], web.StreamResponse] = lambda _: web.Response(status=200)
        self.hold: asyncio.Event | None = None
        self.called = asyncio.Event()
        self.url = ""
        self._runner: web.AppRunner | None = None

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.calls]

    @property
    def alerts(self) -> list[Alert]:
        return [msgspec.json.decode(body, type=Alert) for _, body in self.calls]

    async def start(self) -> None:
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def stop(self) -> None:
        if self.hold is not None:
            self.hold.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            body = await request.read()
            self.calls.append(({key.lower(): value for key, value in request.headers.items()}, body))
            answer = self.answer(len(self.calls))
            self.called.set()
            if self.hold is not None:
                await self.hold.wait()
            return answer
        finally:
            self.in_flight -= 1


async def put_webhook(store: ControlStore, url: str, channel_id: str = "ops", secret: str = SECRET) -> Channel:
    channel = Channel(channel_id, "webhook", url, secret)
    await store.put_channels([channel])
    return channel
