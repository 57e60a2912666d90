"""Whether blocks that repeat are a live page's entries: the reasons to believe it, and those against it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

from processors.parse.pages.lines import is_prose
from processors.parse.pages.outline import Outline
from processors.parse.pages.page_facts import PageFacts
from processors.parse.pages.repeated import Block

_DAY_MS = 86_400_000
_FIRST_CJK = 0x2E80
_SAYS_SOMETHING = 24
_ANSWER = re.compile(
    r"\W*(?:(?:\d+ )?repl(?:y|ies)|report(?: (?:comment|abuse|post))?|antworten?|répondre|responder|rispondi|ответить|"
    r"відповісти|odpowiedz|svara?|beantwoorden|reageer|yanıtla|رد|回复|返信|답글)(?:\s*\(?\d*\)?)?\W*",
    re.IGNORECASE,
)
_ONWARD = re.compile(
    r"\W*(?:(?:read|see|view|find out|learn) more|(?:read |see )?(?:the )?full (?:story|article|report)|"
    r"continue reading|"
    r"read (?:the )?(?:story|article|on)|listen(?: now)?|watch(?: now)?|details|weiter ?lesen|mehr(?: lesen| dazu)?|"
    r"zum artikel|lire (?:la suite|l['’]article|plus)|leer más|seguir leyendo|ver más|leia mais|saiba mais|"
    r"leggi(?: tutto| di più)?|lees (?:meer|verder)|läs mer|les mer|læs mere|czytaj (?:więcej|dalej)|"
    r"подробнее|читать (?:далее|дальше|полностью)|детальніше|devamını oku|続きを読む|阅读全文)\W*",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"/(?:authors?|profiles?|people|staff|team|autor(?:en|es)?|auteurs?|users?|by|topics?|tags?|themen?|category|"
    r"categories|hashtags?)(?:/|$)|\.(?:jpe?g|png|gif|webp|avif|mp4|pdf)$",
    re.IGNORECASE,
)


def are_entries(blocks: list[Block], outline: Outline, facts: PageFacts, *, url: str, fetched_at_ms: int) -> bool:
    """Whether they are told here and now, and by the page.

    A section front's teasers lead elsewhere, readers' comments can be answered, a programme lies ahead, a list of
    films has clocks in no order and no texts, and what repeats below an article is less than the article.
    """
    if _lead_elsewhere(blocks, outline, facts, url) or _lie_ahead(blocks, fetched_at_ms):
        return False
    if _most(any(_ANSWER.fullmatch(line.text) for line in outline.lines[b.start : b.end]) for b in blocks):
        return False
    told = sum(any(is_prose(line.text) for line in block.body) for block in blocks)
    if facts.live:
        bare = told == 0 and all(block.stamp.kind == "clock" for block in blocks)
        return not bare or (_run_one_way(blocks) and _read_like_news(blocks))
    dated = sum(block.stamp.kind in {"exact", "distance"} for block in blocks)
    if facts.article or dated * 2 <= len(blocks) or told * 4 < len(blocks):
        return False
    return _hold_the_text(blocks, outline)


def _most(answers: Iterator[bool]) -> bool:
    given = list(answers)
    return sum(given) * 2 > len(given)


def _lead_elsewhere(blocks: list[Block], outline: Outline, facts: PageFacts, url: str) -> bool:
    """By their headlines; else by a link of its own that each has: around its picture, over all of it, "read more"."""
    if _most(_is_a_list(block, outline, url) for block in blocks):
        return True
    heads = [_page_of(url, block.headline.href if block.headline is not None else "") for block in blocks]
    if _most(page is not None for page in heads):
        return not _are_told_twice(blocks, facts, [page for page in heads if page is not None], url)
    onward = [{page for href in _onward(block, outline, facts) if (page := _page_of(url, href))} for block in blocks]
    counts = Counter(page for pages in onward for page in pages)
    own = [[page for page in pages if counts[page] == 1 and not _ABOUT.search(page[1])] for pages in onward]
    if not _most(bool(pages) for pages in own):
        return False
    return not _are_told_twice(blocks, facts, [page for pages in own for page in pages], url)


def _is_a_list(block: Block, outline: Outline, url: str) -> bool:
    """Whether the block is itself a list of pages: a part of a front."""
    lines = [line for line in outline.lines[block.start : block.end] if line.text and not line.moment]
    away = {page for line in lines if (page := _page_of(url, line.href)) is not None}
    return len(away) >= 2 and len(away) * 2 >= len(lines)


def _are_told_twice(blocks: list[Block], facts: PageFacts, pages: list[tuple[str, str]], url: str) -> bool:
    """Some live pages tell each entry in full and give it a page too, whose address says whose entry it is."""
    if not facts.live:
        return False
    below = urlsplit(url).path.rstrip("/") + "/"
    named = _most("liveblog" in path.replace("-", "").lower() or path.startswith(below) for _, path in pages)
    return named and _most(sum(is_prose(line.text) for line in block.body) > 1 for block in blocks)


def _page_of(url: str, href: str) -> tuple[str, str] | None:
    """Which other page of any site a link leads to; None for this page, parts of it, and what is no page."""
    if not href or href.startswith(("#", "mailto:", "tel:", "javascript:", "data:", "whatsapp:")):
        return None
    try:
        there, here = urlsplit(urljoin(url, href)), urlsplit(url)
    except ValueError:
        return None
    page = (there.netloc, there.path.rstrip("/"))
    return page if page != (here.netloc, here.path.rstrip("/")) else None


def _onward(block: Block, outline: Outline, facts: PageFacts) -> Iterator[str]:
    """The links that take a reader on from the block; on a live page only those that say so or hold no text."""
    for index in range(block.start, block.end):
        line = outline.lines[index]
        if line.href and (_ONWARD.fullmatch(line.text) or (not facts.live and not line.moment)):
            yield line.href
    anchors = [a for node in block.nodes for a in node.css("a[href]") if not (a.text() or "").strip()]
    if block.headline_at >= 0 and block.headline is not None and block.headline.heading:
        anchors += outline.nodes[block.headline_at].css("a[href]")
    for anchor in anchors:
        yield anchor.attributes.get("href") or ""


def _lie_ahead(blocks: list[Block], fetched_at_ms: int) -> bool:
    return _most(
        block.stamp.exact is not None and block.stamp.exact.ms > fetched_at_ms + _DAY_MS
        for block in blocks
        if block.stamp.kind != "distance"
    )


def _run_one_way(blocks: list[Block]) -> bool:
    """Whether nearly all clocks come in order, either way; how long films take does not."""
    clocks = [block.stamp.minutes for block in blocks]
    rising = sum(a <= b for a, b in pairwise(clocks))
    falling = sum(a >= b for a, b in pairwise(clocks))
    return max(rising, falling) * 5 >= (len(clocks) - 1) * 4 - 5


def _read_like_news(blocks: list[Block]) -> bool:
    """Whether most headlines say something; on a board of departures or of scores they name places and teams."""
    return _most(
        sum(3 if ord(c) > _FIRST_CJK else 1 for c in block.headline.text) >= _SAYS_SOMETHING
        if block.headline
        else False
        for block in blocks
    )


def _hold_the_text(blocks: list[Block], outline: Outline) -> bool:
    """Whether more is told in the blocks than outside of them."""
    inside = sum(len(line.text) for block in blocks for line in block.body if is_prose(line.text))
    prose = sum(len(line.text) for line in outline.lines if is_prose(line.text))
    return inside * 2 >= prose
