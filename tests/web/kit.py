"""The real web role on a free port, over a real log, index and control store, with events of an invented town."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
from lxml import html as lxml_html

from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from sinks.web.kept_archive import KeptArchive
from sinks.web.server import WebServer
from sinks.web.stream import StreamHub
from wirewatch import topics
from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.control import SqliteControlStore
from wirewatch.events import Alert, CeType, EntryEvent, Feed, Poll, Subscription, encode, headers_for
from wirewatch.query import read_event_line
from wirewatch.settings import Web
from wirewatch.times import format_ms

START_MS = 1_760_000_000_000
MINUTE = 60_000
TOKEN = "0123456789abcdef-secret"


class FakeClock:
    """Time that passes only when told to."""

    def __init__(self, ms: int = START_MS) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1_000)
        await asyncio.sleep(0)


class Sse(NamedTuple):
    """One event of a stream as it came."""

    id: str
    name: str
    data: dict[str, Any]


class Site:
    """Everything that the web role stands on. What is published is indexed too, as the search stage does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.settings = Web(listen="127.0.0.1:0")
        self.how: dict[str, Any] = {}
        self._seqs: dict[str, int] = {}
        self._revisions: dict[str, int] = {}
        self._first: dict[str, str] = {}
        self.broker: EmbeddedBroker
        self.server: WebServer
        self.client: aiohttp.ClientSession

    async def open(self) -> None:
        self.broker = open_runner(self.folder / "log", clock=self.clock)
        self.sink = EmbeddedSearchSink(self.folder / "search.db")
        await self.sink.start()
        self.store = SqliteControlStore(self.folder / "control.db")
        await self.store.open()
        self.index = EmbeddedIndex(self.folder / "search.db", clock=self.clock)
        self.client = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        await self.serve()

    async def serve(self, **changes: Any) -> None:
        """Start the server, with other settings where some are given."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        self.archive = KeptArchive(self.broker, self.index, self.store, self.clock)
        await self.archive.start()
        hub = StreamHub(self.broker, await self.broker.log_id())
        self.server = WebServer(self.settings, self.archive, hub, self.clock, **self.how)
        await self.server.start()
        self.url = self.server.url.rstrip("/")

    async def restart(self, **changes: Any) -> None:
        await self.server.close()
        await self.archive.close()
        await self.serve(**changes)

    async def close(self) -> None:
        await self.client.close()
        await self.server.close()
        await self.archive.close()
        await self.index.close()
        await self.sink.close()
        await self.store.close()
        await self.broker.close()

    # -- what happens in the town

    def event(
        self,
        headline: str,
        *,
        entry: str = "en_1",
        op: str = "",
        feed: str = "velmora",
        with_entry: dict[str, Any] | None = None,
        **more: Any,
    ) -> EntryEvent:
        """One more event of a feed, a second after the one before. ``with_entry`` goes into its entry."""
        seq = self._seqs[feed] = self._seqs.get(feed, 0) + 1
        revision = self._revisions[entry] = self._revisions.get(entry, 0) + 1
        at = format_ms(START_MS + 1_000 * sum(self._seqs.values()))
        is_feed = op in {"gap", "source-error", "source-recovered"}
        first = self._first.setdefault(entry, at)
        raw: dict[str, Any] = {
            "id": f"ev_{feed}_{seq}",
            "seq": seq,
            "op": op or ("created" if revision == 1 else "updated"),
            "subject": "feed" if is_feed else "entry",
            "feed_id": feed,
            "entry_id": None if is_feed else entry,
            "revision": revision,
            "time": at,
            "first_seen": None if is_feed else first,
            "published": None if is_feed else first[:17] + "00.000Z",
            "headline": headline,
            "evidence": {"kind": "test", "text": "as the test says"},
            "enrichment": None,
            **more,
        }
        status = "withdrawn" if op == "withdrawn" else "current"
        raw["entry"] = None if is_feed else {"headline": headline, "status": status, **(with_entry or {})}
        event = read_event_line(msgspec.json.encode(raw))
        assert event is not None
        return event

    async def publish(self, *events: EntryEvent, index: bool = True) -> list[Record]:
        """Append events, and (as the search stage does) index them."""
        stored = await self.broker.publish(
            [
                NewRecord(
                    topics.ENTRIES.name,
                    event.feed_id,
                    encode(event),
                    headers_for(CeType.for_op(event.op), id=event.id, source="wirewatch/test", time=event.time),
                )
                for event in events
            ]
        )
        if index:
            await self.sink.write(stored)
        return stored

    async def tell(self, headline: str, **how: Any) -> EntryEvent:
        event = self.event(headline, **how)
        await self.publish(event)
        return event

    async def watch(self, feed: Feed, poll: Poll | None = None) -> None:
        """Add a feed, and what is known of its polls; returns once the pages know it."""
        records = [NewRecord(topics.FEEDS.name, feed.id, encode(feed), {"ce_type": CeType.FEED})]
        if poll is not None:
            records.append(NewRecord(topics.POLLS.name, feed.id, encode(poll), {"ce_type": CeType.POLL}))
        await self.broker.publish(records)
        await until(
            lambda: feed.id in self.archive._feeds.values and (poll is None or self.archive._polls.get(feed.id) == poll)
        )

    async def save(self, search: Subscription) -> None:
        await self.broker.publish([NewRecord(topics.SUBSCRIPTIONS.name, search.id, encode(search), {})])
        await until(lambda: search in self.archive.subscriptions())

    async def alert(self, alert: Alert) -> None:
        headers = headers_for(CeType.ALERT, id=alert.alert_id, source="wirewatch/test", time=alert.times.matched)
        await self.broker.publish([NewRecord(topics.ALERTS.name, alert.subscription.id, encode(alert), headers)])

    # -- what a caller sees

    async def get(self, path: str, **how: Any) -> tuple[int, str, aiohttp.typedefs.CIMultiDictProxy[str]]:  # type: ignore[name-defined]  # re-exported at run time
        async with self.client.get(self.url + path, allow_redirects=False, **how) as answer:
            return answer.status, await answer.text(), answer.headers

    async def json(self, path: str, **how: Any) -> Any:
        status, text, _ = await self.get(path, **how)
        assert status == 200, text
        return msgspec.json.decode(text)

    async def page(self, path: str) -> lxml_html.HtmlElement:
        _, text, _ = await self.get(path, headers={"Accept": "text/html"})
        return lxml_html.document_fromstring(text)

    async def stream(self, query: str, count: int, *, last: str = "", path: str = "/api/v1/stream") -> list[Sse]:
        """So many events of a stream."""
        headers = {"Last-Event-ID": last} if last else {}
        async with asyncio.timeout(20), self.client.get(f"{self.url}{path}{query}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await read_events(answer, count)


async def read_events(answer: aiohttp.ClientResponse, count: int) -> list[Sse]:
    """The next so many events that carry data."""
    events: list[Sse] = []
    fields: dict[str, str] = {}
    while len(events) < count:
        raw = await answer.content.readuntil(b"\n")
        assert raw, "the stream ended"
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            events.append(Sse(fields["id"], fields["event"], msgspec.json.decode(fields["data"])))
            fields = {}
        else:
            fields = {}
    return events


async def until(holds: Callable[[], object]) -> None:
    """Wait for what other tasks bring about."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


def alert_of(event: EntryEvent, **changes: Any) -> Alert:
    """An alert on that event."""
    values: dict[str, Any] = {
        "alert_id": "al_1",
        "seq": 1,
        "type": "opened",
        "state": "open",
        "grade": "major",
        "replay": False,
        "test": False,
        "subscription": {"id": "su_1", "name": "Dams", "query": "dam", "revision": 1},
        "text": f"NEW: {event.headline}",
        "reason": {"op": event.op, "matched": [], "unmatched": []},
        "told_before": None,
        "event": {**msgspec.to_builtins(event), "changes": []},
        "entry": None,
        "feed": {"id": event.feed_id, "title": "Velmora Live", "url": "https://news.example/live"},
        "times": {"published": None, "not_before": None, "seen": event.time, "matched": event.time},
        "group": {},
    }
    return msgspec.convert({**values, **changes}, Alert)
