"""``kind = "html"``: entries by the CSS selectors that the feed's owner gave."""

from __future__ import annotations

import re

import xxhash
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.pages.nodes import select
from processors.parse.text import Content, cut, inner_text_of_title, plain_text, read_markup
from processors.parse.urls import absolute
from wirewatch.errors import BadInput
from wirewatch.events import HtmlPaths, ParseDefinition

MOST_ENTRIES = 5_000
_PATH = re.compile(r"(?P<selector>.*?)(?:@(?P<attribute>[A-Za-z_:][\w:.-]*))?\s*", re.DOTALL)
_TEMPLATE = re.compile(r"\$|\{\{|\{%|<%")


def parse_by_selectors(
    tree: LexborHTMLParser, definition: ParseDefinition, *, url: str, fetched_at_ms: int
) -> ParsedFeed:
    """The entries that ``definition.html`` selects; `BadInput` ``not-recognised`` where its ``items`` match nothing.

    Where a selector matches several elements, body, authors and tags take all, everything else takes the first.
    An item whose id is a template that was never filled in (``${id}``) is the page's own blank, no entry.
    """
    paths = definition.html or HtmlPaths()
    if not paths.items:
        raise BadInput('kind "html" needs [html] items, a CSS selector', reason="bad-definition")
    items = _select(tree.root, paths.items, "items") if tree.root is not None else []
    entries: list[ParsedEntry] = []
    blanks = 0
    for item in items[:MOST_ENTRIES]:
        _drop_ignored(item, definition.ignore)
        entry = _entry(item, paths, url=url, fetched_at_ms=fetched_at_ms, position=len(entries))
        if entry is None:
            blanks += 1
        else:
            entries.append(entry)
    if not entries:
        raise BadInput(
            f"no entry: the selector [html] items = {paths.items!r} matches "
            + (f"only {blanks} blanks without text" if blanks else "nothing on the page"),
            reason="not-recognised",
        )
    notes = (f"{blanks} blank items left out",) if blanks else ()
    title = tree.css_first("title")
    return ParsedFeed(
        kind="html",
        entries=tuple(entries),
        title=inner_text_of_title(title.inner_html or "") if title is not None else "",
        url=url,
        language=language_of(tree),
        notes=notes,
    )


def language_of(tree: LexborHTMLParser) -> str | None:
    """What the page says of its language."""
    html = tree.css_first("html[lang]")
    value = (html.attributes.get("lang") or "").strip() if html is not None else ""
    return value if re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}", value) else None


def _select(node: LexborNode, selector: str, what: str) -> list[LexborNode]:
    try:
        return select(node, selector)
    except (SelectolaxError, ValueError) as error:
        raise BadInput(
            f"[html] {what} = {selector!r} is not a CSS selector: {error}", reason="bad-definition"
        ) from error


def _drop_ignored(item: LexborNode, ignore: tuple[str, ...]) -> None:
    for selector in ignore:
        try:
            found = item.css(selector)
        except (SelectolaxError, ValueError):  # a JMESPath for another kind of source
            continue
        for node in found:
            if node.mem_id != item.mem_id:
                node.decompose()


def _matches(item: LexborNode, path: str, what: str) -> list[LexborNode]:
    """The elements that the path names inside the item: the item itself where it names only an attribute."""
    selector = _parts(path)[0]
    if not selector:
        return [item]
    return [node for node in _select(item, selector, what) if node.mem_id != item.mem_id]


def _parts(path: str) -> tuple[str, str | None]:
    matched = _PATH.fullmatch(path)
    if matched is None:
        return path.strip(), None
    return matched.group("selector").strip(), matched.group("attribute")


def _values(item: LexborNode, path: str, what: str) -> list[str]:
    """What the path says: attributes, or visible text."""
    if not path:
        return []
    attribute = _parts(path)[1]
    found: list[str] = []
    for node in _matches(item, path, what):
        value = node.attributes.get(attribute) if attribute else plain_text(node.html or "")
        if value and value.strip():
            found.append(value.strip())
    return found


def _first(item: LexborNode, path: str, what: str) -> str:
    return next(iter(_values(item, path, what)), "")


def _body(item: LexborNode, path: str, url: str) -> Content:
    """All matches, one below the other; what stands inside another match is not told twice."""
    if not path:
        return Content("", "")
    if _parts(path)[1]:
        text, truncated = cut("\n".join(_values(item, path, "body")))
        return Content(text, "", truncated=truncated)
    nodes = _matches(item, path, "body")
    ids = {node.mem_id for node in nodes}
    outer = [node for node in nodes if not _is_inside(node, ids, item.mem_id)]
    return read_markup("\n".join(f"<div>{node.html or ''}</div>" for node in outer), url)


def _is_inside(node: LexborNode, ids: set[int], end: int) -> bool:
    above = node.parent
    while above is not None and above.mem_id != end:
        if above.mem_id in ids:
            return True
        above = above.parent
    return False


def _entry(item: LexborNode, paths: HtmlPaths, *, url: str, fetched_at_ms: int, position: int) -> ParsedEntry | None:
    native_id = _first(item, paths.id, "id") or None
    headline = " ".join(_first(item, paths.headline, "headline").split())
    content = _body(item, paths.body, url)
    if native_id is not None and _TEMPLATE.search(native_id):
        return None
    if not headline and not content.text and not content.media:
        return None
    link = _first(item, paths.url, "url")
    raw_time = _first(item, paths.published, "published")
    published = (
        parse_time(raw_time, time_format=paths.time_format, timezone=paths.timezone, now_ms=fetched_at_ms)
        if raw_time
        else None
    )
    inferred = (
        published is not None and parse_time(raw_time, time_format=paths.time_format, timezone=paths.timezone) is None
    )
    raw_updated = _first(item, paths.updated, "updated")
    updated = parse_time(raw_updated, time_format=paths.time_format, timezone=paths.timezone) if raw_updated else None
    return ParsedEntry(
        native_id=native_id,
        headline=headline,
        body=content.text,
        html=content.html,
        url=absolute(url, link) if link else None,
        published_ms=published.ms if published else None,
        published_precision=published.precision if published else "none",
        published_from="inferred" if inferred else "source",
        published_raw=raw_time or None,
        updated_ms=updated.ms if updated else None,
        position=position,
        authors=tuple(dict.fromkeys(_values(item, paths.authors, "authors"))),
        tags=tuple(dict.fromkeys(_values(item, paths.tags, "tags"))),
        media=content.media,
        links=content.links,
        truncated=content.truncated,
        raw_hash=xxhash.xxh3_64_hexdigest((item.html or "").encode("utf-8", "replace")),
    )
