"""Hubs calling the real web role: what it agrees to, what it takes as a hint, and what it ignores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from sinks.web.websub import HubCalls
from tests.producers.hub import push, signature
from tests.web.kit import TOKEN, Site, until
from wirewatch import topics
from wirewatch.brokers.interface import NewRecord
from wirewatch.callbacks import CallbackKey
from wirewatch.errors import PassingFault
from wirewatch.events import Feed, FetchRequest, Hub, Poll, decode
from wirewatch.times import SystemClock

KEY = CallbackKey(b"k" * 32)
FEED = Feed(id="velmora", url="https://news.example/live", name="Velmora Live")
TOPIC = "https://news.example/feed"
AT = "2025-10-09T08:53:20.000Z"
POLL = Poll("velmora", "changed", AT, AT, 1, 1, 0, FEED.url, hub=Hub("https://hub.example/", TOPIC, AT, callback="c"))
PATH = KEY.path("velmora", "c")
SECRET = KEY.secret("velmora", "c")


class Calling:
    """A site that hubs may call."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.away = False

    async def start(self, **how: object) -> None:
        self.calls = HubCalls(
            KEY,
            SystemClock(),
            feed=lambda feed_id: self.site.archive.definition(feed_id),  # noqa: PLW0108 - a restart brings another archive
            poll=lambda feed_id: self.site.archive.last_poll(feed_id),  # noqa: PLW0108 - as above
            publish=self._publish,
            **{"pause": 0.0, "patience": 0.2, "max_body": 1 << 20, **how},  # type: ignore[arg-type]  # as given
        )
        self.site.how["hub_calls"] = self.calls
        await self.site.restart(token=TOKEN)
        await self.site.watch(FEED, POLL)

    async def _publish(self, records: list[NewRecord]) -> object:
        if self.away:
            raise PassingFault("the broker is away")
        return await self.site.broker.publish(records)

    async def asked(self) -> list[FetchRequest]:
        records = await self.site.broker.read(topics.FETCH_REQUESTS.name, 0, 0, max_records=10_000)
        return [decode(record.value or b"", FetchRequest) for record in records]

    async def verify(self, path: str = PATH, **query: str) -> tuple[int, str]:
        params = {f"hub.{name}": value for name, value in query.items()}
        status, text, _ = await self.site.get(path, params=params)
        return status, text

    async def push(self, body: bytes = b"<rss/>", *, secret: str | None = SECRET, method: str = "sha256") -> int:
        return await push(self.site.url + PATH, body, secret, method=method)


@pytest.fixture
async def calling(site: Site) -> Calling:
    one = Calling(site)
    await one.start()
    return one


async def test_what_was_asked_for_is_agreed_to_and_the_poller_is_told_of_the_lease(calling: Calling) -> None:
    said = await calling.verify(mode="subscribe", topic=TOPIC, challenge="ch<b>1", lease_seconds="3600")
    assert said == (200, "ch<b>1")
    [request] = await calling.asked()
    assert (request.kind, request.feed_id, request.callback, request.lease_s) == ("hub-agreed", "velmora", "c", 3600.0)


async def test_a_challenge_is_given_back_as_plain_text(calling: Calling) -> None:
    query = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "<script>alert(1)</script>"}
    _, text, headers = await calling.site.get(PATH, params=query, headers={"Accept": "text/html"})
    assert text == "<script>alert(1)</script>"
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PATH, {"mode": "subscribe", "topic": "https://other.example/", "challenge": "x"}),
        (PATH, {"mode": "subscribe", "challenge": "x"}),
        (PATH, {"mode": "unsubscribe", "topic": TOPIC, "challenge": "x"}),
        (PATH, {"mode": "publish", "topic": TOPIC, "challenge": "x"}),
        (PATH, {}),
        (PATH, {"mode": "denied", "topic": "https://other.example/"}),
        (KEY.path("velmora", "d"), {"mode": "subscribe", "topic": TOPIC, "challenge": "x"}),
        (KEY.path("unknown", "c"), {"mode": "subscribe", "topic": TOPIC, "challenge": "x"}),
        (PATH[:-1] + ("0" if PATH[-1] != "0" else "1"), {"mode": "subscribe", "topic": TOPIC, "challenge": "x"}),
        (CallbackKey(b"other").path("velmora", "c"), {"mode": "subscribe", "topic": TOPIC, "challenge": "x"}),
        ("/websub/velmora/c/%C3%A9", {"mode": "subscribe", "topic": TOPIC, "challenge": "x"}),
    ],
    ids=["topic", "no-topic", "stop", "mode", "nothing", "denied", "callback", "feed", "proof", "key", "unicode"],
)
async def test_what_nobody_asked_for_is_not_found_and_reaches_no_poller(
    calling: Calling, path: str, query: dict[str, str]
) -> None:
    status, text = await calling.verify(path, **query)
    assert status == 404
    assert text != "x"
    assert await calling.asked() == []


async def test_a_lease_that_is_no_number_leaves_our_own(calling: Calling) -> None:
    for lease in ("", "-5", "1e9", "9" * 40, "soon"):
        status, _ = await calling.verify(mode="subscribe", topic=TOPIC, challenge="x", lease_seconds=lease)
        assert status == 200
    assert {request.lease_s for request in await calling.asked()} == {None}


async def test_a_hub_may_deny_and_say_why(calling: Calling) -> None:
    status, _ = await calling.verify(mode="denied", topic=TOPIC, reason="too\r\nmany\x1b[31m of you")
    assert status == 200
    [request] = await calling.asked()
    assert (request.kind, request.reason) == ("hub-denied", "the hub denies it: toomany[31m of you")


@pytest.mark.parametrize("why", ["off", "removed", "over", "other"])
async def test_stopping_is_agreed_to_once_the_feed_is_not_wanted_and_pushes_get_gone(
    calling: Calling, why: str
) -> None:
    site = calling.site
    if why == "off":
        await site.watch(replace(FEED, enabled=False))
    elif why == "removed":
        await site.broker.publish([NewRecord(t.name, "velmora", None, {}) for t in (topics.FEEDS, topics.POLLS)])
    elif why == "over":
        await site.watch(FEED, replace(POLL, stopped=True))
    else:
        await site.watch(FEED, replace(POLL, hub=replace(POLL.hub, callback="d")))  # type: ignore[type-var]  # it has one
    await until(lambda: calling.calls._hub("velmora", "c") is None)
    assert await calling.push() == 410
    assert await calling.verify(mode="subscribe", topic=TOPIC, challenge="x") == (404, "nobody here asked for that\n")
    assert await calling.verify(mode="unsubscribe", topic=TOPIC, challenge="x") == (200, "x")
    assert await calling.asked() == []


async def test_a_hub_that_calls_before_the_log_is_read_waits_for_it(calling: Calling) -> None:
    await calling.start(patience=5.0)
    path = KEY.path("velmora", "new")
    asking = asyncio.create_task(calling.verify(path, mode="subscribe", topic=TOPIC, challenge="x"))
    await asyncio.sleep(0.1)
    assert not asking.done()
    await calling.site.watch(FEED, replace(POLL, hub=replace(POLL.hub, callback="new")))  # type: ignore[type-var]  # it has one
    assert await asking == (200, "x")


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_a_signed_push_is_a_hint_to_look_and_its_body_goes_nowhere(calling: Calling, method: str) -> None:
    assert await calling.push(b"<rss>forged?</rss>", method=method) == 202
    [request] = await calling.asked()
    assert (request.kind, request.callback) == ("pushed", "c")
    records = await calling.site.broker.read(topics.FETCH_REQUESTS.name, 0, 0)
    assert b"forged" not in (records[0].value or b"")
    assert await calling.site.broker.read(topics.SNAPSHOTS.name, 0, 0) == []


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "sha256=" + "0" * 64,
        signature(b"<other/>", SECRET),
        signature(b"<rss/>", "not the secret"),
        signature(b"<rss/>", SECRET).replace("sha256", "md5"),
        signature(b"<rss/>", SECRET).replace("sha256=", ""),
        "sha256=é",
        "=",
    ],
)
async def test_a_push_without_the_right_signature_is_answered_well_and_ignored(calling: Calling, shown: str) -> None:
    headers = {"X-Hub-Signature": shown} if shown else {}
    async with calling.site.client.post(calling.site.url + PATH, data=b"<rss/>", headers=headers) as answer:
        assert answer.status == 202
    assert await calling.asked() == []


async def test_a_large_push_is_read_to_its_end_and_a_huge_one_is_not(calling: Calling) -> None:
    assert await calling.push(b"x" * (1 << 20)) == 202
    assert len(await calling.asked()) == 1

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 16)

    async with calling.site.client.post(calling.site.url + PATH, data=endless()) as answer:
        assert answer.status == 413
    assert len(await calling.asked()) == 1


async def test_h56_a_packed_push_is_refused_unopened(calling: Calling) -> None:
    headers = {"Content-Encoding": "gzip"}
    async with calling.site.client.post(calling.site.url + PATH, data=b"\x1f\x8b", headers=headers) as answer:
        assert answer.status == 413


async def test_h24_a_body_that_does_not_come_is_waited_for_only_so_long(calling: Calling) -> None:
    await calling.start(body_seconds=0.2)

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)

    async with calling.site.client.post(calling.site.url + PATH, data=slow()) as answer:
        assert answer.status == 408


async def test_pushes_close_together_are_one_hint_and_one_later_is_another(calling: Calling) -> None:
    await calling.start(pause=0.5)
    assert await calling.push() == 202
    assert set(await asyncio.gather(*(calling.push() for _ in range(20)))) == {202}
    assert len(await calling.asked()) == 2


async def test_a_push_while_the_log_is_away_is_not_taken_so_that_the_hub_tries_again(calling: Calling) -> None:
    calling.away = True
    assert await calling.push() == 503
    assert (await calling.verify(mode="subscribe", topic=TOPIC, challenge="x"))[0] == 503
    calling.away = False
    assert await calling.push() == 202


async def test_h53_the_way_in_for_hubs_opens_no_other(calling: Calling) -> None:
    for path in ("/websub/", "/websub/velmora", "/websub/../api/feeds", "/websub//api/feeds", PATH + "/x"):
        status, text, _ = await calling.site.get(path)
        assert status in {401, 404}, path
        assert "velmora live" not in text.lower()


async def test_who_reads_the_log_can_neither_call_nor_sign() -> None:
    assert SECRET not in PATH
    assert KEY.path("velmora", "d") != PATH
    assert KEY.secret("velmora", "d") != SECRET
    assert not CallbackKey(b"").knows("velmora", "c", PATH.rsplit("/", 1)[1])
    assert KEY.knows("velmora", "c", PATH.rsplit("/", 1)[1])
