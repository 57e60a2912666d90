"""The API's shapes, the metrics' names, and the probes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tests.web.kit import START_MS, Site, alert_of
from wirewatch.control import AlertState
from wirewatch.events import EntryEvent, Subscription, encode
from wirewatch.times import format_ms

CONTRACTS = Path(__file__).parent.parent.parent / "docs" / "contracts.md"


async def test_entries_come_newest_or_oldest_first_page_by_page(site: Site) -> None:
    for n in range(7):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    await site.tell("Other", feed="other", entry="en_x")
    for order in ("newest", "oldest"):
        seen: list[str] = []
        more = ""
        while more is not None:
            answer = await site.json(f"/api/v1/entries?feed=velmora&limit=3&order={order}&before={more}")
            seen += [event["entry_id"] for event in answer["entries"]]
            more = answer["more"]
        assert seen == [f"en_{n}" for n in (range(6, -1, -1) if order == "newest" else range(7))]


async def test_an_entry_comes_with_all_its_revisions_as_they_were_published(site: Site) -> None:
    told = [await site.tell(f"{n} held") for n in range(3)]
    answer = await site.json("/api/v1/entries/en_1")
    assert answer["entry_id"] == "en_1"
    assert [msgspec.convert(event, EntryEvent) for event in answer["revisions"]] == told[::-1]
    status, _, _ = await site.get("/api/v1/entries/en_none")
    assert status == 404


async def test_search_goes_on_where_the_last_page_ended_and_looks_into_the_past(site: Site) -> None:
    for n in range(5):
        await site.tell(f"Dam {n}", entry=f"en_{n}")
    first = await site.json("/api/v1/search?q=dam&limit=3")
    rest = await site.json(f"/api/v1/search?q=dam&limit=3&cursor={first['more']}")
    assert [e["entry_id"] for e in first["entries"] + rest["entries"]] == ["en_4", "en_3", "en_2", "en_1", "en_0"]
    assert rest["more"] is None
    await site.tell("Bridge", entry="en_0")
    assert len((await site.json("/api/v1/search?q=dam"))["entries"]) == 4
    then = await site.json(f"/api/v1/search?q=dam&as_of={format_ms(START_MS + 2_500)}")
    assert [e["entry_id"] for e in then["entries"]] == ["en_1", "en_0"]
    none = await site.json(f"/api/v1/search?q=dam&until={format_ms(START_MS - 86_400_000)}")
    assert none == {"entries": [], "more": None}
    for bad in ("q=dam&since=soon", "q=dam&as_of=0001", "q=dam&cursor=zz", "q="):
        status, _, _ = await site.get(f"/api/v1/search?{bad}")
        assert status == 400, bad


async def test_feeds_searches_and_alerts_are_listed(site: Site) -> None:
    event = await site.tell("Dam breaks")
    await site.save(Subscription(id="su_1", name="Dams", query="dam", channels=["ops"]))
    alert = encode(alert_of(event))
    await site.store.commit_match("match", [AlertState("su_1", "en_1", "al_1", 1, "open", None, 1, 1, alert)], {}, {})
    (feed,) = (await site.json("/api/v1/feeds"))["feeds"]
    assert (feed["feed"]["id"], feed["title"], feed["state"]) == ("velmora", "Velmora Live", "never-good")
    assert await site.json("/api/v1/feeds/velmora") == feed
    assert [s["name"] for s in (await site.json("/api/v1/subscriptions"))["subscriptions"]] == ["Dams"]
    assert [a["text"] for a in (await site.json("/api/v1/alerts"))["alerts"]] == ["NEW: Dam breaks"]
    page = (await site.page("/searches")).text_content()
    assert "Dam breaks" in page
    assert "Dams" in page


async def test_the_metrics_have_the_names_of_the_contracts(site: Site) -> None:
    _, text, headers = await site.get("/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    shown = set(re.findall(r"^# TYPE wirewatch_(\w+)", text, re.MULTILINE))
    section = CONTRACTS.read_text("utf-8").split("## Metrics")[1]
    promised = {
        name.split("{")[0]
        for name in re.findall(r"`([a-z][a-z_]*[a-z](?:\{[a-z_,]+\})?)`", section.split("Series by feed")[0])
    }
    assert len(promised) > 15
    assert promised <= shown, promised - shown
    assert 'wirewatch_build_info{version="' in text


async def test_healthz_answers_and_readyz_says_why_not_while_the_log_is_away(site: Site) -> None:
    assert (await site.get("/readyz"))[:2] == (200, "ready\n")
    await site.broker.close()
    assert (await site.get("/healthz"))[0] == 200
    status, text, _ = await site.get("/readyz")
    assert status == 503
    assert len(text) > 5
    assert "Traceback" not in text


async def test_before_anything_was_indexed_pages_say_so_and_do_not_crash(site: Site) -> None:
    await site.sink.close()
    await site.index.close()
    for path in ("/", "/search?q=dam", "/api/v1/entries"):
        status, text, _ = await site.get(path)
        assert status in {400, 503}
        assert "index" in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_api_only_reads(site: Site, method: str) -> None:
    for path in ("/api/v1/entries", "/api/v1/feeds", "/api/v1/subscriptions", "/"):
        async with site.client.request(method, site.url + path) as answer:
            assert answer.status == 405
            assert "GET" in answer.headers["Allow"]
