"""A page's HTML as lines in reading order, with the range of lines that each element holds.

Blocks, line breaks and times part lines; scripts, navigation, forms and comment sections are left out.
"""

from __future__ import annotations

import re

from msgspec import Struct, field
from selectolax.lexbor import LexborHTMLParser, LexborNode

from processors.parse.pages.lines import MOST_LINES, Line
from processors.parse.text import clean_characters
from processors.parse.words import word_set

_BLOCKS = word_set(
    """
    address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer
    h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu ol p pre section summary table tbody td tfoot th thead tr
    ul time button
    """
)
_LEFT_OUT = word_set(
    """
    script style noscript template svg math nav form select option textarea input iframe video audio canvas object
    embed head dialog
    """
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NOT_ENTRIES = re.compile(
    r"(?:^|[\s_-])(?:comments?(?:list|thread|section)?|\w{0,12}kommentare?n?|reacties?|replies|respond|disqus|coral|cookie|consent|newsletter|breadcrumbs?|share|sharing|social|related|"
    r"sharelist|share-?bar|social\w+|recommend\w*|most-?(?:read|popular)|trending|footer|navbar|menu|advert\w*|ad-slot|promo|modal|popup|"
    r"sr-only|visually-?hidden|screen-reader-text)(?:$|[\s_-])",
    re.IGNORECASE,
)
_READERS_OWN = re.compile(r"/(?:User)?(?:Comments?|Review|Answer)$")
_TITLE_CLASS = re.compile(r"(?:^|[\s_-])(?:title|headline|heading|header-text)(?:$|[\s_-])", re.IGNORECASE)
_AUTHOR_CLASS = re.compile(r"(?:^|[\s_-])(?:authors?|byline|autor|auteur)(?:$|[\s_-])", re.IGNORECASE)
_LONGEST_BYLINE = 80
_TIME_CLASS = re.compile(
    r"(?:^|[\s_-])(?:time|date|datetime|timestamp|clock|published)(?:$|[\s_-]|[A-Z])", re.IGNORECASE
)
_MOMENTS = (
    *("datetime", "data-datetime", "data-timestamp", "data-time", "data-published"),
    *("data-epoch", "data-utime", "data-unixtime", "data-unix", "data-iso", "data-date"),
)
_BOLD_CLOCK = re.compile(
    r"\W{0,3}\d{1,2}(?:[:.h]\d{2})?\s*(?:[ap]\.?\s?m\.?|Uhr|Uur|h)?(?:\s[A-Z]{2,4})?\s*\W{0,3}", re.IGNORECASE
)
"""A paragraph may begin with its time in bold and no mark behind it."""
_DOT = re.compile(r"(?<=\d)\.(?=\d\d)")
_QUOTED_POST = re.compile(r"twitter-tweet|instagram-media|fb-post|tiktok-embed|bluesky-embed", re.IGNORECASE)


class Outline(Struct):
    """Lines in reading order, and for each element (by its id in the tree) the range of lines inside it."""

    lines: list[Line] = field(default_factory=list)
    nodes: list[LexborNode] = field(default_factory=list)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)


class _Writer:
    """Gathers text until something parts lines."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.text: list[str] = []
        self.strong_text = 0
        self.all_text = 0
        self.heading = 0
        self.strong = 0
        self.links: list[str] = []
        self.link_text = 0
        self.href = ""
        self.moment = ""
        self.after_clock = False

    def part(self, node: LexborNode) -> None:
        text = " ".join(clean_characters("".join(self.text)).split())
        if text and self.after_clock:
            text = text.lstrip("–—-:|• ")
            self.after_clock = False
        if (text or self.moment) and len(self.outline.lines) < MOST_LINES:
            whole = max(self.all_text, 1)
            self.outline.lines.append(
                Line(
                    text,
                    heading=self.heading,
                    href=self.href if self.link_text == whole else "",
                    strong=self.strong_text == whole,
                    moment=self.moment,
                )
            )
            self.outline.nodes.append(node)
        self.text.clear()
        self.strong_text = self.all_text = self.link_text = 0
        self.href = self.moment = ""

    def is_clock(self) -> bool:
        """Whether all of the line so far is bold and a time."""
        whole = self.strong_text == self.all_text and 3 < self.all_text < 24 and not self.heading
        return whole and _BOLD_CLOCK.fullmatch("".join(self.text).strip()) is not None

    def add(self, text: str) -> None:
        self.text.append(text)
        size = len(text.strip())
        self.all_text += size
        if self.strong:
            self.strong_text += size
        if self.links:
            self.link_text += size
            self.href = self.links[-1]


def outline_of(tree: LexborHTMLParser) -> Outline:
    """The page's lines. Linear; the depth is bounded by the guard that every page has passed."""
    writer = _Writer()
    if tree.body is None:
        return writer.outline
    todo: list[tuple[LexborNode, bool]] = [(tree.body, False)]
    while todo:
        node, leaving = todo.pop()
        if leaving:
            _leave(writer, node)
        elif node.is_text_node:
            writer.add(node.text_content or "")
        elif node.is_element_node and not _is_left_out(node):
            _enter(writer, node)
            todo.append((node, True))
            todo.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
    writer.part(tree.body)
    return writer.outline


def _enter(writer: _Writer, node: LexborNode) -> None:
    tag = node.tag or ""
    attributes = node.attributes
    if tag == "br":
        writer.part(node)
        return
    if _parts_lines(tag, attributes):
        writer.part(node)
    if tag in _HEADINGS:
        writer.heading = _HEADINGS[tag]
    if _is_strong(tag, attributes):
        writer.strong += 1
    if tag == "a":
        writer.links.append(attributes.get("href") or "")
    if tag in {"time", "abbr"} or _is_moment(tag, attributes) or _TIME_CLASS.search(_names(attributes)):
        writer.moment = next((value for name in _MOMENTS if (value := attributes.get(name))), "") or writer.moment
    writer.outline.spans[node.mem_id] = (len(writer.outline.lines), -1)


def _leave(writer: _Writer, node: LexborNode) -> None:
    tag = node.tag or ""
    attributes = node.attributes
    if tag in {"b", "strong"} and writer.is_clock():
        writer.text = [
            _DOT.sub(":", "".join(writer.text))
        ]  # "21.40" is as likely a price, but not where it begins bold
        writer.part(node)
        writer.after_clock = True
    elif _parts_lines(tag, attributes):
        writer.part(node)
    if tag in _HEADINGS:
        writer.heading = 0
    if _is_strong(tag, attributes):
        writer.strong -= 1
    if tag == "a" and writer.links:
        writer.links.pop()
    start = writer.outline.spans.get(node.mem_id, (0, 0))[0]
    writer.outline.spans[node.mem_id] = (start, len(writer.outline.lines))


def _is_moment(tag: str, attributes: dict[str, str | None]) -> bool:
    return tag in {"span", "small"} and any(name in attributes for name in _MOMENTS)


def _parts_lines(tag: str, attributes: dict[str, str | None]) -> bool:
    if tag in _BLOCKS or _is_moment(tag, attributes):
        return True
    if tag not in {"span", "a", "b", "strong", "em", "i", "small", "abbr"}:
        return False
    names = _names(attributes)
    return bool(names) and bool(_TIME_CLASS.search(names) or _TITLE_CLASS.search(names) or _AUTHOR_CLASS.search(names))


def is_byline(node: LexborNode) -> bool:
    """Whether an element's class says that it names who wrote what follows."""
    if node.tag in {"article", "section", "li"}:  # some name the author in the class of the whole
        return False
    return bool(_AUTHOR_CLASS.search(node.attributes.get("class") or "")) and len(node.text()) <= _LONGEST_BYLINE


def _names(attributes: dict[str, str | None]) -> str:
    """What an element is called: its classes, and its name for a site's own tests where classes are mere numbers."""
    names = attributes.get("class") or ""
    if "data-testid" in attributes or "data-qa" in attributes:  # rare, and asked of every element
        names = f"{names} {attributes.get('data-testid') or ''} {attributes.get('data-qa') or ''}"
    return names


def _is_strong(tag: str, attributes: dict[str, str | None]) -> bool:
    if tag in {"b", "strong"} or tag in _HEADINGS:
        return True
    name = attributes.get("class") or ""
    return bool(_TITLE_CLASS.search(name)) or attributes.get("itemprop") in {"headline", "name"}


def _is_left_out(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag in _LEFT_OUT:
        return True
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if tag in {"body", "main", "article", "html"}:
        return False
    if _READERS_OWN.search(attributes.get("itemtype") or "") or attributes.get("itemprop") in {"comment", "review"}:
        return True
    name = attributes.get("class") or ""
    if tag == "blockquote" and _QUOTED_POST.search(name):
        return False
    return bool(_NOT_ENTRIES.search(f"{name} {attributes.get('id') or ''}"))
