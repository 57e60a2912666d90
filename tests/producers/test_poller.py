"""The poller on the embedded broker, asking real origins."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from aiohttp import web
from msgspec.structs import replace

from producers.poller import Poller
from producers.records import poll_record
from tests.producers.kit import Origin, drop_feed, last_polls, put_feed, put_request, snapshots, until, until_quiet
from tests.producers.polling import feed_at, polling
from wirewatch import topics
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.embedded.consumer import EmbeddedConsumer
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.errors import BrokenStorage, PassingFault
from wirewatch.events import Feed, FetchRequest
from wirewatch.health import feed_state
from wirewatch.identity import body_hash
from wirewatch.reconcile import decide_feeds
from wirewatch.settings.declared import Settings
from wirewatch.times import SystemClock, parse_ms


class Versions:
    """An origin's page that moves on only when asked twice more with the validator of what it last served."""

    def __init__(self, origin: Origin, path: str = "/feed", last: int = 10**9) -> None:
        self.at = 0
        self.asked = 0
        self.last = last
        origin.routes[path] = self.answer

    async def answer(self, request: web.Request) -> web.Response:
        tag = f'"v{self.at}"'
        if request.headers.get("If-None-Match") == tag:
            self.asked += 1
            if self.asked > 1 and self.at < self.last:
                self.asked, self.at = 0, self.at + 1
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=f"version {self.at}".encode(), headers={"ETag": tag})

    async def done(self, broker: EmbeddedBroker) -> bool:
        """Whether the last version was published and confirmed as often as is owed."""
        poll = (await last_polls(broker)).get("f")
        return poll is not None and poll.owed == 0 and poll.body_hash == body_hash(f"version {self.last}".encode())


async def test_each_version_is_published_once_and_confirmed_as_owed(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    versions = Versions(origin, last=5)
    await put_feed(broker, feed_at(origin))

    async with polling(broker, settings):
        await until(lambda: versions.done(broker))
    found = await snapshots(broker)
    assert [body for info, body in found if info.kind == "body"] == [f"version {n}".encode() for n in range(6)]
    assert [info.kind for info, _ in found] == ["body", "confirmation", "confirmation"] * 6
    assert [info.number for info, _ in found] == list(range(1, 19))


class Crashing:
    """The broker, until its ``at``-th publish: there the process dies, before or after the records are durable."""

    def __init__(self, broker: EmbeddedBroker, at: int, *, after: bool) -> None:
        self._broker = broker
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._broker, name)

    async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise BrokenStorage("killed before")
        done = await self._broker.publish(records)
        if self._left == 0:
            raise BrokenStorage("killed after")
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 13))
async def test_f1_2_a_poller_killed_at_any_publish_loses_no_version_and_reuses_no_number(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, at: int, after: bool
) -> None:
    versions = Versions(origin, last=6)
    await put_feed(broker, feed_at(origin))
    poller = Poller(Crashing(broker, at, after=after), settings)  # type: ignore[arg-type]  # it is one, but for its death
    with pytest.raises(BrokenStorage, match="killed"):
        await asyncio.wait_for(poller.run(), 15)

    async with polling(broker, settings):
        await until(lambda: versions.done(broker))
    found = await snapshots(broker)
    numbers = [info.number for info, _ in found]
    assert numbers == sorted(set(numbers))
    bodies = [body for info, body in found if info.kind == "body"]
    assert bodies == [f"version {n}".encode() for n in range(7)]
    confirmed = Counter(info.body_hash for info, _ in found if info.kind == "confirmation")
    assert all(1 <= n <= 2 for n in confirmed.values())
    assert len(confirmed) == 7
    assert sum(confirmed.values()) >= 13, "at most the one answer is lost that was not published when it died"
    assert {info.base for info, _ in found if info.kind == "confirmation"} <= set(numbers)
    owners = [info.owner for info, _ in found]
    assert owners == sorted(owners)


async def test_validators_and_due_times_outlive_a_restart(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x", headers={"ETag": '"a"'})
    await put_feed(broker, feed_at(origin, every="1h"))
    async with polling(broker, settings) as poller:
        await until(lambda: _has(poller, "f"))
    async with polling(broker, settings) as poller:
        await asyncio.sleep(0.2)
        assert poller.polls["f"].etag == '"a"'
    assert len(origin.asked) == 1


async def test_a_broker_that_is_away_while_a_poller_joins_and_recovers_does_not_end_it(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin, every="1h"))
    join, latest = broker.consumer, broker.latest
    away = {name: [PassingFault("no answer in time", retry_after=0.01)] * 2 for name in ("join", "latest")}

    async def joining(group: str, topics: Sequence[str]) -> EmbeddedConsumer:
        if away["join"]:
            raise away["join"].pop()
        return await join(group, topics)

    async def reading(topic: str, partitions: Sequence[int] | None = None) -> dict[str, Record]:
        if away["latest"]:
            raise away["latest"].pop()
        return await latest(topic, partitions)

    monkeypatch.setattr(broker, "consumer", joining)
    monkeypatch.setattr(broker, "latest", reading)
    async with polling(broker, settings) as poller:
        await until(lambda: _has(poller, "f"))
    assert away == {"join": [], "latest": []}


async def test_a_poller_told_to_stop_before_its_broker_is_there_ends_at_once(
    broker: EmbeddedBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def joining(_group: str, _topics: Sequence[str]) -> EmbeddedConsumer:
        raise PassingFault("no answer in time", retry_after=30)

    monkeypatch.setattr(broker, "consumer", joining)
    async with polling(broker, settings):
        await asyncio.sleep(0)


async def test_a_feed_that_two_processes_define_alike_at_once_is_asked_once(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    """Each that starts brings the feeds of its settings file in line: what both found missing both publish."""
    origin.serve("/feed", b"x")
    feed = feed_at(origin, every="1h")
    records = decide_feeds([feed], {}, now_ms=0)
    await broker.publish(records)
    async with polling(broker, settings) as poller:
        await until(lambda: _has(poller, "f"))
        await broker.publish(decide_feeds([feed], {}, now_ms=1))
        await put_feed(broker, feed_at(origin, "/other", id="other"))
        await until(lambda: _has(poller, "other"))  # by then the second definition has been seen too
        await asyncio.sleep(0.1)
    assert origin.paths().count("/feed") == 1


async def _has(poller: Poller, feed_id: str) -> bool:
    return feed_id in poller.polls


async def test_feeds_added_changed_switched_off_and_removed_take_effect_within_a_second(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    for path in ("/a", "/b"):
        origin.serve(path, b"x")

    async def asked(path: str) -> bool:
        return path in origin.paths()

    async with polling(broker, settings):
        await put_feed(broker, feed_at(origin, "/a"))
        await until(lambda: asked("/a"), seconds=1)
        await put_feed(broker, feed_at(origin, "/b"))
        await until(lambda: asked("/b"), seconds=1)
        await put_feed(broker, feed_at(origin, "/b", enabled=False))
        await until_quiet(origin, seconds=1.5)
        count = len(origin.asked)
        await put_feed(broker, feed_at(origin, "/a"))
        await until(lambda: _asked_again(origin, count), seconds=1)
        await drop_feed(broker, "f")
        await until_quiet(origin, seconds=1.5)


async def test_f15_20_feeds_that_hang_or_fail_leave_the_others_on_schedule(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, raw_origin: Callable[..., object]
) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    for n in range(30):
        url = await raw_origin(hang)  # type: ignore[misc]  # a coroutine function behind a plain name
        await put_feed(broker, Feed(f"hung-{n}", str(url), every="20ms"))
    await put_feed(broker, Feed("refused", "http://127.0.0.1:9/", every="20ms"))
    await put_feed(broker, Feed("private", "http://10.0.0.1/", every="20ms"))
    await put_feed(broker, Feed("unknown", "http://not-there.invalid/", every="20ms"))
    Versions(origin)
    await put_feed(broker, feed_at(origin))
    few = replace(settings, poll=replace(settings.poll, concurrency=16, total_timeout="1s"))

    async def many() -> bool:
        return len(origin.asked) > 30

    async with polling(broker, few, drain_seconds=0.1):
        await until(many, seconds=8)
        await until(lambda: _all_known(broker, {"refused", "private", "unknown"}))
    polls = await last_polls(broker)
    assert polls["private"].outcome == "blocked"
    assert (polls["refused"].outcome, polls["refused"].reason) == ("error", "connect")
    assert polls["unknown"].reason == "dns"


async def _all_known(broker: EmbeddedBroker, names: set[str]) -> bool:
    return names <= set(await last_polls(broker))


async def test_errors_are_polls_and_no_snapshots_while_error_pages_with_200_are_snapshots(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/503", status=503)
    origin.serve("/page", b"<html>Something went wrong", content_type="text/html")
    origin.serve("/empty", b"")
    for path in ("/503", "/page", "/empty"):
        await put_feed(broker, feed_at(origin, path, id=path[1:], every="1h"))
    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"503", "page", "empty"}))
    assert {info.feed_id: body for info, body in await snapshots(broker)} == {
        "page": b"<html>Something went wrong",
        "empty": b"",
    }
    assert (await last_polls(broker))["503"].error == "HTTP 503 Service Unavailable"


async def test_h61_a_feed_that_is_gone_is_not_asked_again_not_even_after_a_restart(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", status=410)
    await put_feed(broker, feed_at(origin))
    for _ in range(2):
        async with polling(broker, settings):
            await until(lambda: _all_known(broker, {"f"}))
            await asyncio.sleep(0.2)
    assert len(origin.asked) == 1
    assert (await last_polls(broker))["f"].outcome == "gone"


async def test_headers_come_from_the_environment_and_stand_in_no_record(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin, headers={"X-Key": "env:NEWS_KEY", "X-Plain": "p"}, every="1h"))
    async with polling(broker, settings, environ={"NEWS_KEY": "hush-hush"}):
        await until(lambda: _all_known(broker, {"f"}))
    assert origin.asked[0].headers["X-Key"] == "hush-hush"
    assert origin.asked[0].headers["X-Plain"] == "p"
    for topic in (topics.SNAPSHOTS, topics.POLLS):
        assert "hush-hush" not in repr(await broker.read(topic.name, 0, 0))


async def test_a_header_s_variable_that_is_not_set_is_a_clear_error_and_nothing_is_sent(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    await put_feed(broker, feed_at(origin, headers={"X-Key": "env:NEWS_KEY"}))
    async with polling(broker, settings, environ={}):
        await until(lambda: _all_known(broker, {"f"}))
    poll = (await last_polls(broker))["f"]
    assert (poll.outcome, poll.reason) == ("error", "setting")
    assert "NEWS_KEY is not set" in (poll.error or "")
    assert origin.asked == []


def _request(kind: str, name: str = "r1", **kwargs: object) -> FetchRequest:
    given = {"id": name, "feed_id": "f", "kind": kind, "reason": "test", "time": "2099-01-01T00:00:00.000Z", **kwargs}
    return FetchRequest(**given)  # type: ignore[arg-type]  # the test names only what it varies


async def test_an_unconditional_fetch_is_made_once_for_each_request(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x", headers={"ETag": '"a"'})
    await put_feed(broker, feed_at(origin, every="1h"))

    async def full() -> bool:
        return sum(info.unconditional for info, _ in await snapshots(broker)) == 2

    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
        for _ in range(3):
            await put_request(broker, _request("unconditional"))
        await until(full)
        await asyncio.sleep(0.2)
    async with polling(broker, settings):
        await asyncio.sleep(0.3)
    assert len(origin.asked) == 2
    assert "If-None-Match" not in origin.asked[1].headers
    assert [body for _, body in await snapshots(broker)] == [b"x", b"x"]


async def test_a_request_for_a_body_that_was_fetched_in_full_since_is_moot(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin, every="1h"))
    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
        await put_request(broker, _request("unconditional", time="2001-01-01T00:00:00.000Z"))
        await asyncio.sleep(0.3)
    assert [info.unconditional for info, _ in await snapshots(broker)][1:] == []


async def test_an_entry_s_page_is_looked_at_and_its_status_published(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    origin.serve("/entry", status=410)
    await put_feed(broker, feed_at(origin, every="1h"))

    async def checked() -> bool:
        return len(await snapshots(broker)) > 1

    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
        await put_request(broker, _request("page-check", entry_id="en_x", url=f"{origin.url}/entry"))
        await until(checked)
    info, body = (await snapshots(broker))[1]
    assert (info.kind, info.status, info.entry_id, body, info.number) == ("page-check", 410, "en_x", None, 2)
    assert (await last_polls(broker))["f"].number == 2


async def test_pages_of_other_sites_are_not_looked_at_and_no_more_than_five_an_hour(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin, every="1h"))

    async def five() -> bool:
        return len(origin.asked) >= 6

    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
        await put_request(broker, _request("page-check", "other", entry_id="en_o", url="http://127.0.0.2:1/entry"))
        for n in range(9):
            await put_request(broker, _request("page-check", f"p{n}", entry_id=f"en_{n}", url=f"{origin.url}/p{n}"))
        await until(five)
        await asyncio.sleep(0.3)
    assert len(origin.asked) == 6


async def test_check_pages_false_turns_looking_off(broker: EmbeddedBroker, settings: Settings, origin: Origin) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin, every="1h"))
    off = replace(settings, poll=replace(settings.poll, check_pages=False))
    async with polling(broker, off):
        await until(lambda: _all_known(broker, {"f"}))
        await put_request(broker, _request("page-check", entry_id="en_x", url=f"{origin.url}/entry"))
        await asyncio.sleep(0.3)
    assert origin.paths() == ["/feed"]


async def test_entries_that_pass_nearly_unseen_make_the_next_look_sooner(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x", headers={"Cache-Control": "max-age=4"})
    await put_feed(broker, feed_at(origin, every="auto"))
    slow = replace(settings, poll=replace(settings.poll, max_interval="1h"))

    async def again() -> bool:
        return len(origin.asked) > 1

    async with polling(broker, slow) as poller:
        await until(lambda: _all_known(broker, {"f"}))
        assert parse_ms(poller.polls["f"].next_due) - parse_ms(poller.polls["f"].at) > 3_000
        await put_request(broker, _request("sooner"))
        await until(again, seconds=3)
    assert (await last_polls(broker))["f"].ceiling_s is not None


async def _ended(broker: EmbeddedBroker) -> bool:
    return (await last_polls(broker))["f"].ended is not None


async def _end_it(broker: EmbeddedBroker) -> None:
    """The diff says that the page is over, now and an hour later."""
    await until(lambda: _all_known(broker, {"f"}))
    for hour in (1, 3):
        await put_request(broker, _request("ended", f"e{hour}", time=f"2099-01-01T0{hour}:00:00.000Z"))
    await until(lambda: _ended(broker))


async def _asked_again(origin: Origin, count: int) -> bool:
    return len(origin.asked) > count


async def test_a_live_page_that_has_ended_is_asked_no_more_not_even_after_a_restart_and_says_so(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    feed = feed_at(origin, every="auto", kind="live-page")
    await put_feed(broker, feed)
    async with polling(broker, settings):
        await _end_it(broker)
        await asyncio.sleep(0.1)
        count = len(origin.asked)
        await asyncio.sleep(0.2)
    async with polling(broker, settings):
        await asyncio.sleep(0.2)
    assert len(origin.asked) == count
    health = feed_state(feed, (await last_polls(broker))["f"], None, SystemClock().now_ms())
    assert health.state == "ended"
    assert "the source says that it is over" in health.words
    assert 'set every = "60s"' in health.words


@pytest.mark.parametrize("way", ["every", "again", "enabled", "definition"])
async def test_each_way_to_resume_a_page_that_has_ended_resumes_it(
    broker: EmbeddedBroker, settings: Settings, origin: Origin, way: str
) -> None:
    origin.serve("/feed", b"x")
    feed = feed_at(origin, every="auto", kind="live-page")
    await put_feed(broker, feed)
    async with polling(broker, settings):
        await _end_it(broker)
        await asyncio.sleep(0.1)
        count = len(origin.asked)
        if way == "every":
            await put_feed(broker, replace(feed, every="20ms"))
        elif way == "definition":
            await put_feed(broker, replace(feed, withdraw_after=3))
        else:
            if way == "again":
                await drop_feed(broker, "f")
            else:
                await put_feed(broker, replace(feed, enabled=False))
            await asyncio.sleep(0.3)
            await put_feed(broker, feed)
        await until(lambda: _asked_again(origin, count), seconds=3)
    assert (await last_polls(broker))["f"].ended is None


async def test_a_duration_in_every_is_never_ended_nor_hurried(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x", headers={"Cache-Control": "max-age=3600"})
    await put_feed(broker, feed_at(origin, kind="live-page", every="50ms"))
    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
        for n, kind in enumerate(("ended", "sooner", "ended")):
            await put_request(broker, _request(kind, f"r{n}", time=f"2099-01-01T0{n}:00:00.000Z"))
        await asyncio.sleep(0.3)
        count = len(origin.asked)
        await until(lambda: _asked_again(origin, count + 3), seconds=3)
    poll = (await last_polls(broker))["f"]
    assert (poll.ended, poll.over_since, poll.ceiling_s) == (None, None, None)


async def test_robots_txt_is_heeded_and_asked_once(broker: EmbeddedBroker, settings: Settings, origin: Origin) -> None:
    origin.serve("/robots.txt", b"User-agent: wirewatch\nDisallow: /closed\n")
    origin.serve("/open", b"x")
    origin.serve("/closed", b"x")
    for path in ("/open", "/closed"):
        await put_feed(broker, feed_at(origin, path, id=path[1:]))
    heeding = replace(settings, poll=replace(settings.poll, robots=True))
    async with polling(broker, heeding):
        await until(lambda: _all_known(broker, {"open", "closed"}))
        await asyncio.sleep(0.2)
    polls = await last_polls(broker)
    assert (polls["closed"].outcome, polls["closed"].reason) == ("blocked", "robots")
    assert polls["open"].last_good is not None
    assert Counter(origin.paths())["/robots.txt"] == 1
    assert "/closed" not in origin.paths()


async def test_f6_a_broker_that_is_away_for_a_while_costs_no_version(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    class Away(Crashing):
        calls = 0

        async def publish(self, records: Sequence[NewRecord]) -> list[Record]:
            Away.calls += 1
            if Away.calls % 4 == 0:
                raise PassingFault("away", retry_after=0.01)
            return await self._broker.publish(records)

    versions = Versions(origin, last=4)
    await put_feed(broker, feed_at(origin))

    async with polling(Away(broker, 0, after=True), settings):  # type: ignore[arg-type]  # it is one, but for its absence
        await until(lambda: versions.done(broker))
    found = await snapshots(broker)
    assert [info.kind for info, _ in found] == ["body", "confirmation", "confirmation"] * 5


async def test_f18_stop_lets_what_is_in_flight_end_and_is_quick(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    begun = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        begun.set()
        await asyncio.sleep(0.3)
        return web.Response(body=b"slow")

    origin.routes["/feed"] = slow
    await put_feed(broker, feed_at(origin))
    poller = Poller(broker, settings)
    task = asyncio.create_task(poller.run())
    await begun.wait()
    poller.stop()
    await asyncio.wait_for(task, 3)
    assert [body for _, body in await snapshots(broker)] == [b"slow"]


async def test_f14_a_due_time_written_by_a_clock_far_ahead_puts_a_feed_off_by_a_day_at_most(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    origin.serve("/feed", b"x")
    await put_feed(broker, feed_at(origin))
    async with polling(broker, settings):
        await until(lambda: _all_known(broker, {"f"}))
    poll = (await last_polls(broker))["f"]
    await broker.publish([poll_record(replace(poll, next_due="2099-01-01T00:00:00.000Z"))])
    async with polling(broker, settings) as poller:
        await asyncio.sleep(0.1)
        wait = poller._schedule.wait(SystemClock().monotonic())
    assert wait is not None
    assert 0 < wait <= 86_400
