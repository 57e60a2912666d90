"""One update of a live blog, and the values of linked data that it and its page have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import orjson
import xxhash
from msgspec.structs import replace

from processors.parse.dates import parse_time
from processors.parse.model import ParsedEntry
from processors.parse.text import inner_text_of_title, plain_text, read_markup
from processors.parse.urls import absolute
from wirewatch.events import Media

_ADDRESS = re.compile(r"[/#?.]").search
_MEDIA: tuple[Literal["image", "video", "audio"], ...] = ("image", "video", "audio")


def taken_over(
    entry: ParsedEntry | None, update: dict[str, Any], base: str, shared: set[str], position: int
) -> ParsedEntry | None:
    """The entry as it was read before, unless other updates now say otherwise of its pictures."""
    if entry is None:
        return None
    has = {media.url for media in entry.media}
    if any((absolute(base, raw) in has) == (raw in shared) for _, raw, _ in raw_media(update)):
        return None
    return entry if entry.position == position else replace(entry, position=position)


def read_update(update: dict[str, Any], base: str, shared: set[str], position: int, hashed: str) -> ParsedEntry:
    """The entry that an update is. ``shared`` are pictures of the page's own, ``hashed`` is its `hash_of`."""
    raw_time = text_of(update.get("datePublished")) or text_of(update.get("dateCreated"))
    published = parse_time(raw_time)
    updated = parse_time(text_of(update.get("dateModified")))
    content = read_markup(_body(update), base)
    media = content.media
    if further := media_of(update, base, shared):
        known = {m.url for m in media}
        media += tuple(m for m in further if m.url not in known)
    page = page_of(update)
    address = absolute(base, page) if page else None
    own = address if address is not None and address != base else None
    return ParsedEntry(  # by position, in the order of the fields: keywords take six times as long
        _native_id(update, own, base),
        inner_text_of_title(title_of(update)),
        content.text,
        content.html,
        (),
        own,
        None,
        published.ms if published else None,
        published.precision if published else "none",
        "source",
        raw_time or None,
        updated.ms if updated else None,
        position,
        False,  # noqa: FBT003 - pinned: linked data has no such thing
        False,  # noqa: FBT003 - nor key events
        _authors(update.get("author")),
        _keywords(update.get("keywords")),
        first_text_of(update.get("articleSection")) or None,
        media,
        content.links,
        text_of(update.get("inLanguage")) or None,
        content.truncated,
        False,  # noqa: FBT003 - nor tombstones
        hashed,
    )


def hash_of(update: dict[str, Any], base: str) -> str:
    """Of the update and of the page's address, which its own addresses and ids stand against."""
    seed = xxhash.xxh3_64_intdigest(base.encode("utf-8", "replace"))
    try:
        return xxhash.xxh3_128_hexdigest(orjson.dumps(update), seed)
    except (TypeError, ValueError):  # lone surrogates, numbers beyond 64 bits
        return xxhash.xxh3_128_hexdigest(repr(update).encode("utf-8", "replace"), seed)


def _native_id(update: dict[str, Any], own: str | None, base: str) -> str | None:
    """The source's id for the update: ``identifier``, ``@id``, or what its address says behind the page's own."""
    identifier = update.get("identifier")
    if isinstance(identifier, dict):
        identifier = identifier.get("value") or identifier.get("@id")
    if isinstance(identifier, str | int) and str(identifier).strip():
        return str(identifier).strip()
    node_id = update.get("@id")
    if isinstance(node_id, str) and node_id and node_id != base:
        page, _, fragment = node_id.partition("#")
        return fragment if fragment and (not page or page == base.partition("#")[0]) else node_id
    if own is not None and "#" in own:
        return own.rpartition("#")[2] or None
    return None


def title_of(node: dict[str, Any]) -> str:
    """Its headline, else its name."""
    return first_text_of(node.get("headline")) or first_text_of(node.get("name"))


def _body(update: dict[str, Any]) -> str:
    for key in ("articleBody", "text", "description"):
        value = update.get(key)
        if isinstance(value, list):
            value = "\n\n".join(x for x in value if isinstance(x, str))
        if isinstance(value, str) and value.strip():
            return value
    return ""


def text_of(value: Any) -> str:
    """A value as text, also where it is an object that has one, or a list of one; ``""`` for anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def first_text_of(value: Any) -> str:
    """The first of a value's texts."""
    return next((text for item in as_list(value) if (text := text_of(item))), "")


def _authors(value: Any) -> tuple[str, ...]:
    names = (inner_text_of_title(text_of(item)) for item in as_list(value))
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith(("http://", "https://"))))


def _keywords(value: Any) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else [text_of(item) for item in as_list(value)]
    return tuple(dict.fromkeys(clean for word in words if (clean := inner_text_of_title(word))))


def media_of(node: dict[str, Any], base: str, shared: set[str] = frozenset()) -> tuple[Media, ...]:  # type: ignore[assignment]  # never written to
    """Its pictures, films and sounds, but for those ``shared``."""
    found: dict[str, Media] = {}
    for kind, raw, item in raw_media(node):
        if raw in shared:
            continue
        caption = ""
        if isinstance(item, dict):
            caption = text_of(item.get("caption")) or (text_of(item.get("name")) if kind != "image" else "")
        address = absolute(base, raw)
        if address is not None:
            found.setdefault(address, Media(kind=kind, url=address, caption=plain_text(caption)))
    return tuple(found.values())


def raw_media(node: dict[str, Any]) -> Iterator[tuple[Literal["image", "video", "audio"], str, Any]]:
    """Kind, address as it stands, and what stands around it."""
    for kind in _MEDIA:
        value = node.get(kind)
        if not value:
            continue
        for item in value if isinstance(value, list) else (value,):
            raw = item
            if isinstance(item, dict):
                raw = item.get("contentUrl") or item.get("url") or item.get("embedUrl") or item.get("@id")
            if isinstance(raw, str):
                yield kind, raw, item


def repeated_media(updates: list[dict[str, Any]]) -> set[str]:
    """Pictures that several updates give are the page's or the publisher's, not theirs."""
    counts = Counter(raw for update in updates for _, raw, _ in raw_media(update))
    return {address for address, count in counts.items() if count > 2}


def page_of(node: dict[str, Any]) -> str:
    """The address that it says is its own."""
    page = node.get("url") or node.get("mainEntityOfPage") or node.get("@id")
    if isinstance(page, dict):
        page = page.get("@id") or page.get("url")
    if not isinstance(page, str) or not _ADDRESS(page):  # a bare id ("5e8f") is no address
        return ""
    return page


def as_list(value: Any) -> list[Any]:
    """One value or several, as several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
