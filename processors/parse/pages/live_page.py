"""A live page without linked data: microdata, a known engine's markup, else blocks that repeat."""

from __future__ import annotations

import re

from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser

from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.engine_page import entries_of, find_engine
from processors.parse.pages.engines import EMBEDS
from processors.parse.pages.lines import Lead
from processors.parse.pages.live_blog import parse_documents
from processors.parse.pages.microdata import live_blog_documents
from processors.parse.pages.outline import Outline, outline_of
from processors.parse.pages.page_facts import PageFacts, declares_live_blog, lead_of, page_facts
from processors.parse.pages.selecting import language_of
from processors.parse.pages.shape_page import entries_by_shape
from processors.parse.pages.text_page import feed_of
from wirewatch.errors import BadInput

_ENDED = re.compile(
    r"(?:this|our) (?:live ?)?(?:blog|page|feed|coverage) (?:has|is) (?:now )?(?:closed|ended|finished|over|concluded)|"
    r"(?:that'?s|this is) (?:all|it) (?:for|from) (?:our|this) live|"
    r"dieser (?:live)?(?:blog|ticker) ist (?:beendet|geschlossen)|"
    r"трансляция (?:завершена|окончена)|ce direct est terminé|finaliza la cobertura",
    re.IGNORECASE,
)


def parse_live_page(
    tree: LexborHTMLParser, text: str, *, url: str, fetched_at_ms: int, timezone: str, certain: bool
) -> ParsedFeed:
    """The page's lead and entries; `BadInput` ``not-recognised`` says what was looked for where there are none."""
    if "itemscope" in text and "LiveBlogPosting" in text:
        found = parse_documents(live_blog_documents(tree), url=url, fetched_at_ms=fetched_at_ms)
        if found is not None and found.entries:
            return found
    facts = page_facts(tree, text, url=url)
    outline = outline_of(tree)
    entries, lead = _shown(
        tree, outline, facts, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone, needed=2 if certain else 3
    )
    if not entries:
        raise BadInput(_nothing_found(text), reason="not-recognised")
    feed = feed_of(entries, lead, url=url, language=language_of(tree))
    ended = any(_ENDED.search(line.text) for line in outline.lines if len(line.text) < 200)
    return replace(feed, ended=ended, updated_ms=facts.date_ms)


def read_markup_of_page(
    tree: LexborHTMLParser, text: str, *, url: str, fetched_at_ms: int, timezone: str
) -> tuple[list[ParsedEntry], Lead]:
    """What the markup alone shows of a page that is known to be live: entries (perhaps none), and the lead."""
    facts = page_facts(tree, text, url=url)
    outline = outline_of(tree)
    return _shown(tree, outline, facts, url=url, fetched_at_ms=fetched_at_ms, timezone=timezone, needed=2)


def _shown(
    tree: LexborHTMLParser,
    outline: Outline,
    facts: PageFacts,
    *,
    url: str,
    fetched_at_ms: int,
    timezone: str,
    needed: int,
) -> tuple[list[ParsedEntry], Lead]:
    zone = timezone or facts.timezone
    entries, first = _by_engine(tree, outline, facts, url=url, fetched_at_ms=fetched_at_ms, timezone=zone)
    if not entries:
        entries, first = entries_by_shape(
            outline, facts, url=url, fetched_at_ms=fetched_at_ms, timezone=zone, needed=needed
        )
    told = {line for entry in entries for line in (entry.headline, *entry.body.split("\n")) if line}
    return entries, lead_of(facts, outline.lines[:first], told)


def _nothing_found(text: str) -> str:
    declared = declares_live_blog(text)
    drawn = next((name for host, name in EMBEDS if host in text), None)
    return (
        "no live page: looked for schema.org LiveBlogPosting (JSON-LD and microdata), the markup of known live-blog "
        "engines, and repeated blocks with a time and a headline of the page's own"
        + ("; it declares a live blog, but none of its updates in a form that can be read" if declared else "")
        + (f"; it embeds {drawn}, whose entries are drawn in the browser and are not in the page" if drawn else "")
    )


def _by_engine(
    tree: LexborHTMLParser, outline: Outline, facts: PageFacts, *, url: str, fetched_at_ms: int, timezone: str
) -> tuple[list[ParsedEntry], int]:
    found = find_engine(tree, url)
    if found is None:
        return [], 0
    engine, nodes = found
    starts = [outline.spans[node.mem_id][0] for node in nodes if node.mem_id in outline.spans]
    entries = entries_of(
        engine,
        nodes,
        tree=tree,
        url=url,
        page_ms=facts.clocks_from(fetched_at_ms),
        fetched_at_ms=fetched_at_ms,
        timezone=timezone,
    )
    return entries, min(starts, default=0)
