"""What an HTML page says of itself: its date and zone, section, title and summary, and whether it sounds live."""

from __future__ import annotations

import re

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser

from processors.parse.dates import parse_time
from processors.parse.pages.labels import sounds_live, split_label
from processors.parse.pages.lines import Lead, Line, read_lead
from processors.parse.pages.linked_data import find_blocks, nodes_of, read_json
from processors.parse.pages.live_update import as_list, text_of
from processors.parse.text import inner_text_of_title, plain_text

_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "last-modified",
    "datemodified",
    "date",
)
_BEGUN = "article:published_time"
_AFTER_BEGINNING_MS = 36 * 3_600_000
_DAY_MS = 86_400_000
_OFFSET = re.compile(r"T\d{2}:\d{2}.*?([+-]\d{2}:?\d{2})$")
_ARTICLE = re.compile(
    r"""(?:"@type"\s*:\s*\[?\s*|itemtype=)["'](?:https?://schema\.org/)?(?:[A-Z][a-z]+)?(?:Article|BlogPosting)["'\s]"""
)
_LIVE_BLOG = re.compile(
    r"""(?:"@type"\s*:\s*(?:\[[^\]]{0,200})?|itemtype=)["'](?:https?://schema\.org/)?LiveBlogPosting["'\s]"""
)
_SITE = re.compile(r"\s+[|–—-]\s+[^|–—-]{2,40}$")


class PageFacts(Struct, frozen=True):
    """``date_ms`` and ``timezone`` (an offset) as its head gives them; ``metas`` by lower-case name.

    ``live``: it sounds live, or declares a live blog; ``article``: it declares an article and no live blog.
    """

    title: str
    metas: dict[str, str]
    date_ms: int | None = None
    timezone: str = ""
    live: bool = False
    article: bool = False
    begun_ms: int | None = None

    def clocks_from(self, fetched_at_ms: int) -> int | None:
        """The instant that a clock without a date is before: the page's last change, else what follows its beginning.

        A page that says when it began only is as of the snapshot for a day and a half, and of that day for ever after.
        """
        if self.date_ms is not None or self.begun_ms is None:
            return self.date_ms
        if 0 <= fetched_at_ms - self.begun_ms <= _AFTER_BEGINNING_MS:
            return fetched_at_ms
        begun = parse_time("2000-01-01T00:00:00", timezone=self.timezone) if self.timezone else None
        midnight = begun.ms if begun is not None else 0
        return self.begun_ms + _DAY_MS - 60_000 - (self.begun_ms - midnight) % _DAY_MS


def page_facts(tree: LexborHTMLParser, text: str = "", *, url: str) -> PageFacts:
    """Read once, from the head; ``text`` is the page itself, for what it declares in linked data."""
    metas: dict[str, str] = {}
    for meta in tree.css("meta[content]")[:400]:
        attributes = meta.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name:
            metas.setdefault(name.lower(), (attributes.get("content") or "").strip())
    node = tree.css_first("title")
    title = inner_text_of_title(node.inner_html or "") if node is not None else ""
    declared = _declared_dates(text)
    raw = next((metas[name] for name in _MODIFIED if metas.get(name)), "") or declared.get("dateModified", "")
    begun_raw = metas.get(_BEGUN, "") or declared.get("datePublished", "")
    date, begun = (parse_time(said) if said else None for said in (raw, begun_raw))
    offsets = (_OFFSET.search(said) for said in (raw or begun_raw, *declared.values()))
    offset = next((found for found in offsets if found is not None), None)
    path = url.partition("://")[2].partition("/")[2]
    heading = tree.css_first("h1")
    words = " ".join((title, metas.get("og:title", ""), heading.text() if heading is not None else ""))
    live = declares_live_blog(text)
    return PageFacts(
        title,
        metas,
        date_ms=date.ms if date is not None and date.precision != "day" else None,
        timezone=offset.group(1) if offset is not None else "",
        begun_ms=begun.ms if begun is not None and begun.precision != "day" else None,
        live=live or sounds_live(words) or sounds_live(path.replace("/", " ").replace("_", " ")),
        article=not live and _ARTICLE.search(text) is not None,
    )


def declares_live_blog(text: str) -> bool:
    """Whether the page says that it is one; that a script knows the name says nothing."""
    return "LiveBlogPosting" in text and _LIVE_BLOG.search(text) is not None


def _declared_dates(text: str) -> dict[str, str]:
    """When the article that the page declares to be was published and changed, as its linked data has it."""
    for block in find_blocks(text):
        try:
            nodes = nodes_of(read_json(block)[0])
        except ValueError:
            continue
        for node in nodes:
            kinds = as_list(node.get("@type"))
            if any(isinstance(kind, str) and kind.endswith(("Article", "BlogPosting")) for kind in kinds):
                return {key: said for key in ("dateModified", "datePublished") if (said := text_of(node.get(key)))}
    return {}


def lead_of(facts: PageFacts, before: list[Line], told: set[str]) -> Lead:
    """The page's lead: from what stands above the entries, else from what the head says."""
    lead = read_lead(before, told)
    section = inner_text_of_title(facts.metas.get("article:section", "")) or lead.section
    if not any(line.heading for line in before) or not lead.title:
        named = inner_text_of_title(facts.metas.get("og:title", "")) or _SITE.sub("", facts.title)
        label, title = split_label(named)
        if title and not lead.title:
            lead = Lead(title, label, lead.summary, lead.body, section)
    summary = lead.summary or plain_text(facts.metas.get("og:description") or facts.metas.get("description") or "")
    return Lead(lead.title, lead.label, summary, lead.body, section)
