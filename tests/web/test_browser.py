"""The live page in a real browser: what happens shows without reloading, for eyes, keyboards and screen readers."""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.web.kit import START_MS, Site
from wirewatch.times import format_ms

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOLD: dict[str, Any] = {
    "field": "headline",
    "class": "figures",
    "classes": ["figures"],
    "grade": "major",
    "before": "12 dead",
    "after": "14 dead",
    "diff": [["-", "12"], ["+", "14"], ["=", " dead"]],
}
ORDER = "cards => cards.map(card => card.dataset.entry + '/' + card.dataset.seq)"


def chromium() -> str:
    """The browser's path; without one the tests skip, or fail where one is required."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None and os.environ.get("WIREWATCH_REQUIRE_BROWSER") == "1":
        pytest.fail("WIREWATCH_REQUIRE_BROWSER=1, and there is no Chromium: install Debian's package chromium")
    if path is None:
        pytest.skip("there is no Chromium here: install Debian's package chromium to run the browser tests")
    return path


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        await opened.close()


@asynccontextmanager
async def looking(browser: Browser, url: str, *, outage: bool = False, **how: Any) -> AsyncIterator[Page]:
    """A page whose reader must see no error: nothing on the console, nothing that the policy had to stop.

    With ``outage`` the browser may say that a connection failed.
    """
    context = await browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **how})
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.goto(url)
    yield page
    assert [words for words in wrong if not (outage and "ERR_" in words)] == []
    await context.close()


@asynccontextmanager
async def the_demo(seconds: int) -> AsyncIterator[str]:
    """`wirewatch demo` as a child; gives the page's address that it tells."""
    child = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "wirewatch"),
        *("demo", "--seconds", str(seconds), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (
                told := re.search(r"Open (http://127\.0\.0\.1:\d+)/", line := (await child.stdout.readline()).decode())
            ):
                assert line, "the demo ended before it began"
        draining = asyncio.create_task(child.stdout.read())
        yield told[1]
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await child.wait()
    await draining


@pytest.mark.slow
async def test_the_demo_shows_a_new_entry_an_edit_and_a_withdrawal_without_reloading(browser: Browser) -> None:
    async with the_demo(40) as url, looking(browser, f"{url}/feeds/velmora-live") as page:
        await page.evaluate("window.stillHere = true")
        there = await page.locator(".entries > article").evaluate_all("cards => cards.map(c => c.dataset.entry)")
        fresh = page.locator(".entries > article.op-created.fresh")
        await expect(fresh.first).to_be_visible(timeout=30_000)
        assert await fresh.first.get_attribute("data-entry") not in there
        edited = page.locator(".entries > article.op-updated")
        await expect(edited.locator("ins").first).to_be_visible(timeout=30_000)
        await expect(edited.locator("del").first).to_be_visible()
        withdrawn = page.locator(".entries > article.op-withdrawn").first
        await expect(withdrawn.locator(".reason")).to_contain_text("absent in", timeout=30_000)
        assert "line-through" in await withdrawn.locator("h3").evaluate("e => getComputedStyle(e).textDecorationLine")
        await expect(page.locator(".lead .was ins").first).to_be_visible(timeout=30_000)
        await expect(page.locator("#announce")).not_to_be_empty()
        await expect(page.locator(".connection")).to_have_text(re.compile("^Live"))
        assert await page.evaluate("window.stillHere") is True


async def open_stream(page: Page) -> None:
    await expect(page.locator(".live")).to_have_attribute("data-connection", "live")


async def test_edits_and_withdrawals_change_the_card_where_it_stands(browser: Browser, site: Site) -> None:
    await site.tell("12 dead", entry="en_1")
    await site.tell("Second dam cracked", entry="en_2")
    async with looking(browser, f"{site.url}/feeds/velmora") as page:
        await open_stream(page)
        await site.tell("14 dead", entry="en_1", changes=[TOLD])
        card = page.locator("#en_1")
        await expect(card.locator("del")).to_have_text("12")
        await expect(card.locator("ins")).to_have_text("14")
        await expect(page.locator("#announce")).to_have_text("edited: 14 dead")
        await site.tell(
            "Second dam cracked", entry="en_2", op="withdrawn", evidence={"kind": "x", "text": "gone twice"}
        )
        await expect(page.locator("#en_2 .reason")).to_have_text("gone twice")
        await expect(page.locator(".toc li.is-withdrawn")).to_have_text("Second dam cracked")
        assert await page.locator(".entries > article").evaluate_all(ORDER) == ["en_2/4", "en_1/3"]
        await site.tell("Karsk Dam: 14 dead", entry="en_l", subject="lead", changes=[TOLD])
        await expect(page.locator("h1")).to_have_text("Karsk Dam: 14 dead")
        await expect(page.locator(".lead .was ins")).to_have_text("14")


async def test_while_scrolled_down_new_entries_wait_and_are_counted(browser: Browser, site: Site) -> None:
    for n in range(30):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    async with looking(browser, site.url) as page:
        await open_stream(page)
        await page.locator("#en_2").scroll_into_view_if_needed()
        above = await page.locator("#en_2").evaluate("e => e.getBoundingClientRect().top")
        await site.tell("News", entry="en_new1")
        await expect(page.locator(".pending")).to_have_text("1 new entry")
        await site.tell("More news", entry="en_new2")
        await expect(page.locator(".pending")).to_have_text("2 new entries")
        assert await page.locator("#en_new1").count() == 0
        assert (
            abs(await page.locator("#en_2").evaluate("e => e.getBoundingClientRect().top") - above) < 60
        )  # the button's own
        await page.locator(".pending").click()
        await expect(page.locator(".pending")).to_be_hidden()
        await expect(page.locator("#en_new2")).to_be_in_viewport()
        await expect(page.locator("#en_new2")).to_be_focused()
        first = await page.locator(".entries > article").evaluate_all(ORDER)
        assert first[:2] == ["en_new2/32", "en_new1/31"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_reload_gives_the_page_that_live_updates_made(browser: Browser, site: Site, order: str) -> None:
    rng = random.Random(11)
    known: dict[str, tuple[str, str]] = {}

    async def something() -> None:
        entry, op = f"en_{len(known)}", "created"
        if known and rng.random() < 0.5:
            entry, op = rng.choice(list(known)), rng.choice(["updated", "withdrawn", "restored"])
        minute = format_ms(START_MS // 60_000 * 60_000 + 60_000 * rng.randrange(4))
        feed, published = known.setdefault(entry, (rng.choice(["velmora", "wire"]), minute))
        await site.tell(f"{entry} {op}", entry=entry, op=op, feed=feed, published=published)

    for _ in range(8):
        await something()
    async with looking(browser, f"{site.url}/?order={order}") as page:
        await open_stream(page)
        for _ in range(30):
            await something()
        last = await site.tell("The end", entry="en_end", published=format_ms(START_MS + 3_600_000))
        await expect(page.locator("#en_end")).to_have_attribute("data-seq", str(last.seq))
        live = await page.locator(".entries > article").evaluate_all(ORDER)
        contents = await page.locator(".toc li").all_text_contents()
        await page.reload()
        assert await page.locator(".entries > article").evaluate_all(ORDER) == live
        assert await page.locator(".toc li").all_text_contents() == contents
        assert len(live) == len(known) + 1


async def test_on_an_older_page_new_entries_are_counted_and_lead_to_the_first(browser: Browser, site: Site) -> None:
    site.how = {"page": 5}
    await site.restart()
    for n in range(12):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    async with looking(browser, site.url) as page:
        await page.get_by_role("link", name="Earlier entries").click()
        await open_stream(page)
        before = await page.locator(".entries > article").evaluate_all(ORDER)
        await site.tell("News", entry="en_new")
        await expect(page.locator(".pending")).to_contain_text("new entr")
        assert await page.locator(".entries > article").evaluate_all(ORDER) == before
        await page.locator(".pending").click()
        await expect(page.locator("#en_new")).to_be_visible()


async def test_after_an_outage_the_page_goes_on_where_it_was(browser: Browser, site: Site) -> None:
    async with looking(browser, site.url, outage=True) as page:
        await open_stream(page)
        await site.tell("Before", entry="en_1")
        await expect(page.locator("#en_1")).to_be_visible()
        port = site.url.rsplit(":", 1)[1]
        await site.server.close()
        await expect(page.locator(".live")).to_have_attribute("data-connection", "lost")
        await site.publish(site.event("Meanwhile", entry="en_2"))
        await site.restart(listen=f"127.0.0.1:{port}")
        await expect(page.locator("#en_2")).to_be_visible(timeout=20_000)
        assert await page.locator("#en_1").count() == 1


async def test_everything_is_reached_by_the_keyboard(browser: Browser, site: Site) -> None:
    for n in range(3):
        await site.tell(f"Entry {n}", entry=f"en_{n}", with_entry={"link": "https://news.example/1"})
    async with looking(browser, site.url) as page:
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("#main")).to_be_focused()
        reached = []
        for _ in range(8):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", reached
        assert reached[:3] == ["Sources", "Newest first", "Oldest first"]
        assert "Entry 2" in reached
        await page.locator("#en_1").get_by_role("link", name="evidence").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Entry 1")
        await page.goto(f"{site.url}/search")
        await page.get_by_label("What to look for").fill("entry")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("3 found")


async def test_focus_survives_an_edit_of_the_card_that_holds_it(browser: Browser, site: Site) -> None:
    await site.tell("12 dead", entry="en_1", with_entry={"link": "https://news.example/1"})
    async with looking(browser, site.url) as page:
        await open_stream(page)
        link = page.locator("#en_1").get_by_role("link", name="at the source")
        await link.focus()
        await site.tell("14 dead", entry="en_1", changes=[TOLD], with_entry={"link": "https://news.example/1"})
        await expect(page.locator("#en_1 ins")).to_be_visible()
        await expect(link).to_be_focused()


async def test_the_page_follows_the_readers_colour_scheme(browser: Browser, site: Site) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        async with looking(browser, site.url, color_scheme=scheme) as page:
            seen[scheme] = await page.evaluate(
                "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
            )
    brightness = {scheme: [sum(map(int, re.findall(r"\d+", c))) for c in colours] for scheme, colours in seen.items()}
    assert brightness["light"][0] > 600 > brightness["light"][1]
    assert brightness["dark"][0] < 150 < brightness["dark"][1]


async def test_nothing_is_wider_than_a_small_phone(browser: Browser, site: Site) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 2
    await site.tell(f"Dam {long}", entry="en_1", with_entry={"body": f"https://news.example/{long}"}, changes=[TOLD])
    await site.tell(long, entry="en_l", subject="lead", with_entry={"body": long})
    paths = ["/", "/feeds/velmora", "/entries/en_1", "/search?q=dam", f"/search?q=-{long}", "/sources", "/searches"]
    async with looking(browser, site.url, viewport={"width": 360, "height": 640}) as page:
        for path in paths:
            await page.goto(site.url + path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, path


async def test_pages_outline_is_sound_for_a_screen_reader(browser: Browser, site: Site) -> None:
    await site.tell("Entry", entry="en_1")
    async with looking(browser, site.url) as page:
        for path in ("/", "/entries/en_1", "/search?q=entry", "/sources", "/searches"):
            await page.goto(site.url + path)
            assert await page.locator("h1").count() == 1, path
            assert await page.locator("main").count() == 1
            assert await page.evaluate("document.documentElement.lang") == "en"
            unnamed = "es => es.filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length"
            assert await page.locator("a, button:not([hidden]), input").evaluate_all(unnamed) == 0, path
        await page.goto(site.url)
        assert await page.locator("#announce").get_attribute("aria-live") == "polite"


async def test_who_has_the_token_signs_in_by_the_form_and_stays_in(browser: Browser, site: Site) -> None:
    token = "a-token-that-is-long-enough"
    await site.restart(token=token)
    async with looking(browser, f"{site.url}/feeds/velmora") as page:
        await expect(page).to_have_url(f"{site.url}/login")
        await page.fill("#token", token)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{site.url}/")
        await page.goto(f"{site.url}/sources")
        await expect(page.locator("h1")).to_have_text("Sources")
