"""What the pages show, and that nothing in the news gets to act on them."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from lxml import html as lxml_html

from tests.web.kit import MINUTE, START_MS, Site, alert_of
from wirewatch.canary import CANARY_ID, canary_feed
from wirewatch.control import AlertState
from wirewatch.events import Feed, Poll, Subscription, encode
from wirewatch.times import format_ms

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg><set attributeName=onload to=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script src=//evil.example></script>",
    "{{ cycler.__init__.__globals__ }}{% raw %}",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "\u202e<iframe srcdoc=x>",
]
BAD_URLS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "jav\tascript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example/pixel.gif",
    "/relative",
    "http:",
    "http://[::1",
    "file:///etc/passwd",
    "https://good.example/\"onclick='alert(1)",
]
ELEMENTS = {"iframe", "object", "embed", "svg", "set", "base", "style", "noscript", "math", "video", "audio"}


def assert_inert(page: lxml_html.HtmlElement) -> None:
    """No script but ours, no handler, no style, nothing loaded from elsewhere, no link but to http(s) or ourselves."""
    for element in page.iter():
        if not isinstance(element.tag, str):
            pytest.fail("a comment")
        assert element.tag not in ELEMENTS, element.tag
        assert element.tag != "script" or (element.get("src") == "/static/live.js" and not element.text)
        for name, value in element.items():
            assert not name.lower().startswith("on"), name
            assert name != "style"
            if name in {"src", "action"}:
                assert value.startswith("/"), value
                assert not value.startswith("//")
            if name == "href":
                assert re.match(r"https?://[^/\s]|/(?!/)|[?#]", value), value


async def hostile_news(site: Site) -> None:
    """Every text and every URL of the news as an attacker would have it, in each kind of event."""
    for n, text in enumerate(EVIL):
        feed = f"evil-{n}"
        await site.watch(Feed(id=feed, url="https://news.example/?" + quote(text), name=text, tags=[text]))
        said = {"who": text, "role": "origin", "generic": False, "span": None}
        entry = {
            "body": f"{text}\n{text}",
            "html": text,
            "authors": [text],
            "link": BAD_URLS[n],
            "media": [{"kind": "image", "url": url, "caption": text, "alt": text} for url in BAD_URLS],
        }
        change = {"class": "body", "classes": ["body"], "grade": "major", "before": text, "after": text}
        diff = [["-", text], ["+", text], ["=", text]]
        for op in ("created", "updated", "withdrawn"):
            await site.tell(
                f"dam {text}",
                feed=feed,
                entry=f"en_{n}",
                op=op,
                with_entry=entry,
                evidence={"kind": "x", "text": text},
                enrichment={"version": "1", "attribution": [said]},
                changes=[{**change, "field": f, "diff": diff} for f in ("headline", "body")] if op == "updated" else [],
            )


async def test_h43_to_h45_hostile_news_is_inert_on_every_page(site: Site) -> None:
    await hostile_news(site)
    at = format_ms(START_MS)
    for n, text in enumerate(EVIL):
        query = f'dam "{text.replace(chr(34), "")}"'
        await site.save(Subscription(id=f"su_{n}", name=text, query=query, channels=[text]))
        event = site.event(text, feed=f"evil-{n}", entry=f"en_{n}")
        alert = encode(alert_of(event, text=text))
        await site.store.commit_match(
            "match", [AlertState(f"su_{n}", f"en_{n}", f"al_{n}", 1, "open", None, 1, 1, alert)], {}, {}
        )
        poll = Poll(f"evil-{n}", "error", at, at, owner=1, number=1, owed=0, url="x", error=text, last_good=at)
        await site.watch(Feed(id=f"evil-{n}", url="https://news.example/", name=text, tags=[text]), poll)
    paths = ["/", "/?order=oldest", "/sources", "/searches", "/search?q=dam", "/search?q=dam+versions:all"]
    paths += [f"/feeds/evil-{n}" for n in range(len(EVIL))] + [f"/entries/en_{n}" for n in range(len(EVIL))]
    paths += [
        f"{p}{quote(text)}"
        for text in EVIL
        for p in ("/search?q=", "/search?q=dam&as_of=", "/feeds/", "/entries/", "/")
    ]
    for path in paths:
        assert_inert(await site.page(path))
    for event in await site.stream("?from=earliest", 3 * len(EVIL), path="/live/stream"):
        assert_inert(lxml_html.document_fromstring(event.data["html"]))


async def test_only_links_to_http_are_shown_and_the_news_is_still_there(site: Site) -> None:
    media = [{"kind": "video", "url": url, "caption": "c"} for url in [*BAD_URLS, "https://video.example/1"]]
    await site.tell("Dam <b>breaks</b>", with_entry={"link": "https://news.example/1", "media": media})
    page = await site.page("/")
    assert page.xpath("//article//h3/text()") == ["Dam <b>breaks</b>"]
    outward = [a.get("href") for a in page.xpath("//article//a[@target]")]
    assert outward == ["https://good.example/\"onclick='alert(1)", "https://video.example/1", "https://news.example/1"]
    assert all("noopener" in a.get("rel") for a in page.xpath("//a[@target]"))


async def test_edits_show_their_difference_and_withdrawals_their_reason(site: Site) -> None:
    await site.tell("12 dead in Velmora", entry="en_1")
    change = {"field": "headline", "class": "figures", "classes": ["figures", "headline"], "grade": "major",
              "before": "12 dead in Velmora", "after": "14 dead in Velmora",
              "diff": [["-", "12"], ["+", "14"], ["=", " dead in Velmora"]]}  # fmt: skip
    await site.tell("14 dead in Velmora", entry="en_1", changes=[change])
    await site.tell("Second dam cracked", entry="en_2")
    await site.tell(
        "Second dam cracked", entry="en_2", op="withdrawn", evidence={"kind": "absent", "text": "gone twice"}
    )
    page = await site.page("/")
    withdrawn, edited = page.xpath("//section/article")
    assert edited.xpath(".//del/text()") == ["12"]
    assert edited.xpath(".//ins/text()") == ["14"]
    assert edited.xpath(".//*[contains(@class, 'badge')]/text()") == ["edited"]
    assert edited.xpath("normalize-space(.//*[contains(@class, 'changed')])") == "figures, headline"
    assert "is-withdrawn" in withdrawn.get("class")
    assert withdrawn.xpath(".//*[@class='reason']/text()") == ["gone twice"]
    assert page.xpath("//details[contains(@class, 'toc')]//li/a/text()") == ["Second dam cracked", "14 dead in Velmora"]


async def test_the_page_of_a_live_page_has_its_title_lead_contents_and_entries(site: Site) -> None:
    await site.tell(
        "Karsk Dam: rescue under way", entry="en_lead", subject="lead", with_entry={"body": "Nine people have died."}
    )
    for n in range(3):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    await site.tell("Other source", feed="other", entry="en_9")
    page = await site.page("/feeds/velmora")
    assert page.xpath("//h1/text()") == ["Karsk Dam: rescue under way"]
    assert page.xpath("//*[@class='standfirst']/text()") == ["Nine people have died."]
    assert [a.text for a in page.xpath("//details//li/a")] == ["Entry 2", "Entry 1", "Entry 0"]
    assert page.xpath("//section/article//h3/text()") == ["Entry 2", "Entry 1", "Entry 0"]
    assert page.xpath("//section/article//time/@datetime")
    oldest = await site.page("/feeds/velmora?order=oldest")
    assert oldest.xpath("//section/article//h3/text()") == ["Entry 0", "Entry 1", "Entry 2"]
    everything = await site.page("/")
    assert everything.xpath("//section/article//h3/text()") == ["Other source", "Entry 2", "Entry 1", "Entry 0"]


async def test_an_edit_keeps_an_entry_in_its_place_within_the_minute(site: Site) -> None:
    for n in range(3):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    await site.tell("Entry 0, edited", entry="en_0")
    assert (await site.page("/")).xpath("//section/article/@data-entry") == ["en_2", "en_1", "en_0"]
    assert (await site.page("/?order=oldest")).xpath("//section/article/@data-entry") == ["en_0", "en_1", "en_2"]


async def test_pages_follow_each_other_until_all_was_shown_once(site: Site) -> None:
    site.how = {"page": 4}
    await site.restart()
    for n in range(10):
        await site.tell(f"Entry {n}", entry=f"en_{n}")
    for order in ("newest", "oldest"):
        path, seen = f"/?order={order}", []
        while path:
            page = await site.page(path)
            seen += page.xpath("//section/article/@data-entry")
            path = "".join(page.xpath("//p[@class='more']/a/@href"))
            path = f"/{path}" if path else ""
        assert len(seen) == len(set(seen)) == 10
        assert seen == [f"en_{n}" for n in (range(9, -1, -1) if order == "newest" else range(10))]


async def test_an_entry_shows_all_its_revisions_with_their_evidence(site: Site) -> None:
    await site.tell("Three held", evidence={"kind": "x", "text": "not known before"})
    await site.tell("Four held", evidence={"kind": "x", "text": "the visible text changed"})
    await site.tell("Four held", op="withdrawn", evidence={"kind": "x", "text": "gone twice"})
    page = await site.page("/entries/en_1")
    assert page.xpath("//article/@data-seq") == ["3", "2", "1"]
    text = page.text_content()
    assert all(words in text for words in ("not known before", "the visible text changed", "gone twice", "3 revisions"))
    status, _, _ = await site.get("/entries/en_none")
    assert status == 404


async def test_search_marks_what_was_found_and_looks_into_the_past(site: Site) -> None:
    await site.tell("Three thousand held", with_entry={"body": "None of it here.\nThe ministry held a briefing."})
    await site.tell("Four thousand held")
    page = await site.page("/search?q=thousand")
    assert page.xpath("//article//mark/text()") == ["thousand"]
    assert page.xpath("//article//h2")[0].text_content() == "Four thousand held"
    then = format_ms(START_MS + 1_500)
    page = await site.page(f"/search?q=held&as_of={then}")
    assert page.xpath("//article//h2")[0].text_content() == "Three thousand held"
    assert page.xpath("//article//p[@class='text']")[0].text_content() == "The ministry held a briefing."
    page = await site.page("/search?q=nothing")
    assert "Nothing found" in page.text_content()


BAD_QUERIES = [
    '"dam',
    "dam (",
    ")",
    "NEAR(",
    "a NEAR/x b",
    "*",
    "figure.killed>=",
    "since:x",
    "near:1,2",
    "nonsense:x",
    "(" * 300 + "dam" + ")" * 300,
    " OR ".join(f"w{n}" for n in range(900)),
]


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_h51_h52_a_bad_query_is_400_with_its_place(site: Site, query: str) -> None:
    await site.tell("dam")
    status, text, _ = await site.get("/api/v1/search", params={"q": query})
    assert status == 400
    assert '"position": ' in text
    status, text, _ = await site.get("/search", params={"q": query}, headers={"Accept": "text/html"})
    assert status == 400
    page = lxml_html.document_fromstring(text)
    assert re.search(r"character \d+", page.xpath("//*[@role='alert']")[0].text_content())
    assert page.xpath("//*[@role='alert']//mark")
    assert page.xpath("//input[@name='q']/@aria-invalid") == ["true"]
    status, _, _ = await site.get("/api/v1/stream", params={"q": query})
    assert status == 400


@pytest.mark.parametrize("query", ["\0", "\ufffd\u202e", "é" * 2_000, "%", "'; DROP TABLE revisions;--", "a\nb", "𝒳"])
async def test_h51_odd_queries_are_answered_and_never_a_crash(site: Site, query: str) -> None:
    await site.tell("dam")
    for path in ("/api/v1/search", "/search"):
        status, _, _ = await site.get(path, params={"q": query})
        assert status in {200, 400}


async def test_h52_ten_thousand_clauses_are_refused_and_not_a_crash(site: Site) -> None:
    query = " ".join("a" for _ in range(10_000))
    for path in ("/search", "/api/v1/search"):
        async with site.client.get(site.url + path, params={"q": query}) as answer:
            assert answer.status == 400  # the line alone is longer than a request may be, or the query is refused
    short = " ".join("a" for _ in range(3_500))
    status, text, _ = await site.get("/api/v1/search", params={"q": short})
    assert status == 400
    assert '"position": ' in text


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=%C2%B2", "order=up", "feed=../x", "before=zzz", "before=W10"]
)
async def test_a_parameter_that_cannot_be_is_400_in_words(site: Site, query: str) -> None:
    await site.tell("dam")
    status, text, _ = await site.get(f"/api/v1/entries?{query}")
    assert status == 400
    assert '"error"' in text


async def test_the_canary_is_on_no_page(site: Site) -> None:
    await site.watch(canary_feed())
    for op in ("source-error", "source-recovered"):
        await site.tell("canary", feed=CANARY_ID, op=op)
    await site.tell("the wire", feed="velmora", op="source-error")
    found = await site.json("/api/v1/search?q=op:source-error+OR+op:source-recovered")
    assert [event["feed_id"] for event in found["entries"]] == ["velmora"]
    for path in (
        "/",
        "/sources",
        "/search?q=op:source-recovered",
        "/search?q=op:source-recovered+versions:all",
        "/searches",
    ):
        assert "canary" not in (await site.page(path)).xpath("//main")[0].text_content()
    assert [row["feed"]["id"] for row in (await site.json("/api/v1/feeds"))["feeds"]] == ["velmora"]
    for path in (f"/feeds/{CANARY_ID}", f"/api/v1/feeds/{CANARY_ID}"):
        status, _, _ = await site.get(path)
        assert status == 404
    events = await site.stream("?from=earliest", 1)
    assert [event.data["feed_id"] for event in events] == ["velmora"]


async def test_h58_secrets_in_urls_are_struck_out_wherever_feeds_are_shown(site: Site) -> None:
    feed = Feed(
        id="private",
        url="https://user:pa55@news.example/feed?token=s3cret",
        proxy="http://proxy-user:pa55@proxy.example:3128",
        headers={"Authorization": "Bearer s3cret"},
    )
    at = format_ms(START_MS)
    poll = Poll(feed_id="private", outcome="error", at=at, next_due=at, owner=1, number=1, owed=0, url=feed.url,
                error=f"cannot reach {feed.url}", moved_to=feed.url + "2", last_good=at)  # fmt: skip
    await site.watch(feed, poll)
    for path in ("/", "/sources", "/feeds/private", "/api/v1/feeds", "/api/v1/feeds/private"):
        _, text, _ = await site.get(path)
        assert "s3cret" not in text, path
        assert "pa55" not in text, path
    assert "[redacted]@proxy.example:3128" in (await site.get("/api/v1/feeds/private"))[1]


async def test_empty_pages_say_what_to_do(site: Site) -> None:
    assert "appear by themselves" in (await site.page("/")).text_content()
    assert "searches add" in (await site.page("/searches")).text_content()
    assert "How to ask" in (await site.page("/search")).text_content()


async def test_sources_show_their_health_in_words(site: Site) -> None:
    at = format_ms(START_MS - 5 * MINUTE)
    poll = Poll(feed_id="velmora", outcome="error", at=at, next_due=format_ms(START_MS), owner=1, number=1, owed=0,
                url="x", error="HTTP 500", last_good=at)  # fmt: skip
    await site.watch(Feed(id="velmora", url="https://news.example/live", name="Velmora Live"), poll)
    page = await site.page("/sources")
    assert page.xpath("//*[contains(@class, 'state-erroring')]")
    assert "HTTP 500" in page.text_content()
    assert page.xpath("//time/text()") == ["5m ago"]
    assert "HTTP 500" in (await site.page("/")).xpath("//*[@class='trouble']")[0].text_content()
