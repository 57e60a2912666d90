"""Asking real hubs on loopback: those that agree, those that are away, and those that lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from msgspec.structs import replace

from producers.answers import Limits
from producers.websub import RENEW_AT, told
from producers.websub_asking import HubAsk, HubAsking
from producers.websub_hubs import Hubs
from tests.producers.hub import Hub
from tests.producers.kit import LIMITS, LOOPBACK, Origin, RawAnswer
from wirewatch.callbacks import CallbackKey, key_from_text
from wirewatch.events import Feed, FetchRequest, Poll
from wirewatch.events import Hub as HubKept
from wirewatch.net import Guard
from wirewatch.times import format_ms

NOW = 1_760_000_000_000
KEY = CallbackKey(b"k" * 32)
TOPIC = "https://news.example/feed"


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.ms = NOW

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        await asyncio.sleep(0)


class Known:
    """The feeds of a poller; what was recorded of them, in order."""

    def __init__(self, hub: str) -> None:
        self.feeds = {"f": Feed("f", TOPIC)}
        now = format_ms(NOW)
        self.polls = {"f": Poll("f", "changed", now, now, 1, 1, 0, TOPIC, hub=HubKept(hub, TOPIC, now))}
        self.recorded: list[Poll] = []

    async def amend(self, feed_id: str, change: Callable[[Poll], Poll], *, record: bool = True) -> Poll | None:
        if feed_id not in self.polls:
            return None
        self.polls[feed_id] = change(self.polls[feed_id])
        if record:
            self.recorded.append(self.polls[feed_id])
        return self.polls[feed_id]

    def hub(self) -> HubKept:
        hub = self.polls["f"].hub
        assert hub is not None
        return hub

    def tell(self, kind: str, at: int, **more: object) -> None:
        request = FetchRequest("fr", "f", kind, "", format_ms(at), callback=self.hub().callback, **more)  # type: ignore[arg-type]  # as given
        self.polls["f"] = told(self.polls["f"], request)


@asynccontextmanager
async def keeping(known: Known, clock: Clock, *, guard: Guard | None = None) -> AsyncIterator[Hubs]:
    """A keeper of hubs that steps when told to, over a real connection."""
    asking = HubAsking(guard or Guard(LOOPBACK), limits=LIMITS, user_agent="wirewatch/0 (+test)")
    yield Hubs(known, known.feeds.get, asking.ask, clock, key=KEY, public_url="https://us.example/ww/")
    await asking.close()


async def _step(hubs: Hubs) -> None:
    hubs.step()
    await hubs.settle()


async def test_a_hub_is_asked_with_all_that_it_needs_after_the_log_knows_of_it(origin: Origin) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    async with keeping(known, clock) as hubs:
        await _step(hubs)
        await _step(hubs)
    callback = known.hub().callback
    assert [poll.hub and poll.hub.state for poll in known.recorded] == ["asked"]
    assert hub.forms == [
        {
            "hub.callback": "https://us.example/ww" + KEY.path("f", callback),
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.lease_seconds": "864000",
            "hub.secret": KEY.secret("f", callback),
        }
    ]
    assert len(hub.forms[0]["hub.secret"]) < 200
    assert callback in hub.forms[0]["hub.callback"]


async def test_a_lease_is_renewed_with_the_same_callback_and_secret_before_it_ends(origin: Origin) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    async with keeping(known, clock) as hubs:
        await _step(hubs)
        known.tell("hub-agreed", NOW, lease_s=3600)
        clock.ms = NOW + round(3_600_000 * RENEW_AT) - 1000
        await _step(hubs)
        assert len(hub.forms) == 1
        clock.ms += 2000
        await _step(hubs)
    assert len(hub.forms) == 2
    assert hub.forms[0] == hub.forms[1]
    assert known.hub().state == "active"


async def test_a_hub_that_is_away_is_asked_again_later_and_told_of(origin: Origin) -> None:
    known, clock = Known(f"{origin.url}/hub"), Clock()
    origin.serve("/hub", b"<b>no</b>\n such luck", status=503)
    async with keeping(known, clock) as hubs:
        await _step(hubs)
        assert known.hub().state == "failing"
        assert known.hub().error == "HTTP 503 <b>no</b> such luck"
        clock.ms += 299_000
        await _step(hubs)
        assert len(origin.asked) == 1
        clock.ms += 2_000
        await _step(hubs)
        assert len(origin.asked) == 2
        await origin.stop()
        clock.ms += 700_000
        await _step(hubs)
    assert "no connection" in (known.hub().error or "")


@pytest.mark.parametrize("why", ["removed", "off", "over", "other-hub", "unoffered"])
async def test_a_hub_is_told_to_stop_when_its_feed_is_not_wanted_any_more(origin: Origin, why: str) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    async with keeping(known, clock) as hubs:
        await _step(hubs)
        known.tell("hub-agreed", NOW, lease_s=3600)
        callback = known.hub().callback
        await _step(hubs)
        recorded = len(known.recorded)
        poll, feed = known.polls["f"], known.feeds["f"]
        if why == "removed":
            del known.feeds["f"]
        elif why == "off":
            known.feeds["f"] = replace(feed, enabled=False)
        elif why == "over":
            known.polls["f"] = replace(poll, stopped=True)
        elif why == "unoffered":
            known.polls["f"] = replace(poll, hub=None)
        else:
            known.polls["f"] = replace(poll, hub=HubKept(hub.url, "https://news.example/b", format_ms(NOW)))
        for _ in range(3):
            await _step(hubs)
    stops = [form for form in hub.forms if form["hub.mode"] == "unsubscribe"]
    assert stops == [
        {
            "hub.callback": "https://us.example/ww" + KEY.path("f", callback),
            "hub.mode": "unsubscribe",
            "hub.topic": TOPIC,
        }
    ]
    if why == "removed":
        assert len(known.recorded) == recorded, "a removed feed's poll must not come back"
    if why in {"off", "over"}:
        assert known.hub().callback == "", "so that it is asked anew when the feed is back"


async def test_a_feed_that_another_poller_took_over_is_left_to_it(origin: Origin) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    defined = dict(known.feeds)
    asking = HubAsking(Guard(LOOPBACK), limits=LIMITS, user_agent="wirewatch/0")
    hubs = Hubs(known, defined.get, asking.ask, clock, key=KEY, public_url="https://us.example")
    await _step(hubs)
    known.feeds.clear()
    await _step(hubs)
    await asking.close()
    assert [form["hub.mode"] for form in hub.forms] == ["subscribe"]


async def test_a_hub_that_does_not_listen_is_told_to_stop_a_few_times_only(origin: Origin) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    async with keeping(known, clock) as hubs:
        await _step(hubs)
        hub.status = 500
        del known.feeds["f"]
        for _ in range(10):
            await _step(hubs)
    assert [form["hub.mode"] for form in hub.forms] == ["subscribe"] + ["unsubscribe"] * 3


async def test_without_an_address_of_ours_no_hub_is_asked_and_the_log_says_so_once(
    origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(origin)
    known, clock = Known(hub.url), Clock()
    asking = HubAsking(Guard(LOOPBACK), limits=LIMITS, user_agent="wirewatch/0")
    hubs = Hubs(known, known.feeds.get, asking.ask, clock, key=None, public_url="")
    for _ in range(5):
        await _step(hubs)
    await asking.close()
    assert hub.forms == []
    said = capsys.readouterr()
    assert (said.out + said.err).count("web.public_url") == 1


async def test_one_host_gets_one_request_at_a_time(origin: Origin) -> None:
    hub = Hub(origin, status=204)
    known, clock = Known(hub.url), Clock()
    for n in range(5):
        known.feeds[f"f{n}"] = Feed(f"f{n}", TOPIC)
        known.polls[f"f{n}"] = replace(known.polls["f"], feed_id=f"f{n}")
    async with keeping(known, clock) as hubs:
        for n in range(6):
            await _step(hubs)
            assert len(hub.forms) == n + 1
        await _step(hubs)
    assert len({form["hub.callback"] for form in hub.forms}) == 6


def _ask(hub: str) -> HubAsk:
    return HubAsk(hub, TOPIC, "https://us.example/websub/f/c/p", "subscribe", "s" * 48)


async def _asked(hub: str, guard: Guard | None = None, limits: Limits = LIMITS) -> str | None:
    asking = HubAsking(guard or Guard(LOOPBACK), limits=limits, user_agent="wirewatch/0")
    try:
        return await asking.ask(_ask(hub))
    finally:
        await asking.close()


@pytest.mark.parametrize(
    "hub", ["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/", "http://2130706433/", "http://0.0.0.0/"]
)
async def test_h18_a_hub_at_a_private_address_is_not_called(hub: str) -> None:
    assert "blocked by the guard" in (await _asked(hub, Guard()) or "")


async def test_h15_a_hub_that_redirects_to_a_private_address_is_blocked_at_that_hop(origin: Origin) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "http://10.0.0.1/"})

    origin.routes["/hub"] = answer
    assert "10.0.0.1: blocked by the guard" in (await _asked(f"{origin.url}/hub") or "")


async def test_a_hub_may_send_us_elsewhere_but_not_round_and_round(origin: Origin, other_origin: Origin) -> None:
    hub = Hub(other_origin, status=204)

    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": hub.url})

    async def round_(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/round"})

    origin.routes |= {"/hub": elsewhere, "/round": round_}
    assert await _asked(f"{origin.url}/hub") is None
    assert hub.forms[0]["hub.topic"] == TOPIC
    assert "more than 5 redirects" in (await _asked(f"{origin.url}/round") or "")
    assert origin.paths().count("/round") == 6


async def test_a_redirect_that_would_make_it_another_request_is_refused(origin: Origin) -> None:
    origin.serve("/hub", status=303, headers={"Location": "/other"})
    assert "HTTP 303" in (await _asked(f"{origin.url}/hub") or "")
    assert origin.paths() == ["/hub"]


async def test_h24_a_hub_that_never_ends_its_answer_costs_its_time_and_no_more(
    raw_origin: Callable[[RawAnswer], Awaitable[str]],
) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"X")
            await writer.drain()
            await asyncio.sleep(0.05)

    url = await raw_origin(answer)
    limits = Limits(connect_seconds=1, total_seconds=0.5)
    assert await _asked(url, limits=limits) is not None


async def test_a_hub_whose_refusal_is_endless_is_read_no_further_than_its_words(origin: Origin) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"no " * 1000)
        return response

    origin.routes["/hub"] = answer
    error = await _asked(f"{origin.url}/hub")
    assert error is not None
    assert error.startswith("HTTP 400 no no")
    assert len(error) < 300


async def test_what_a_hub_repeats_of_our_callback_or_secret_goes_no_further(origin: Origin) -> None:
    key = key_from_text("a key of at least 16 characters")
    path, secret = key.path("bbc", "00ff"), key.secret("bbc", "00ff")
    ask = HubAsk(f"{origin.url}/hub", TOPIC, f"https://us.example{path}", "subscribe", secret)

    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(status=400, text=f"bad {form['hub.callback']} with {form['hub.secret']}")

    origin.routes["/hub"] = answer
    asking = HubAsking(Guard(LOOPBACK), limits=LIMITS, user_agent="wirewatch/0")
    error = await asking.ask(ask)
    await asking.close()
    assert error == "HTTP 400 bad https://us.example/websub/bbc/00ff/[redacted] with [redacted]"
