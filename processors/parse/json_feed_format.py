"""The JSON Feed format (versions 1 and 1.1)."""

from __future__ import annotations

from typing import Any

from processors.parse.feed_entries import tidy_language
from processors.parse.feed_media import kind_of
from processors.parse.json_feeds import body_of, id_of, names_of, raw_hash_of, text_of, time_of
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.splits import Split
from processors.parse.text import Content, inner_text_of_title, plain_text, read_literal
from processors.parse.urls import absolute, host_of
from wirewatch.errors import BadInput
from wirewatch.events import Media


def is_json_feed(document: Any) -> bool:
    """Whether it says so itself, or has the shape: a title, and items with ids."""
    if not isinstance(document, dict):
        return False
    if "jsonfeed.org/version" in str(document.get("version", "")):
        return True
    items = document.get("items")
    if not isinstance(items, list) or not isinstance(document.get("title"), str):
        return False
    return any(isinstance(item, dict) and "id" in item and item.keys() & _BODIES for item in items[:5])


_BODIES = frozenset({"content_html", "content_text", "date_published"})


def split_json_feed(document: Any, url: str, notes: tuple[str, ...]) -> Split:
    """A JSON Feed. Raises `BadInput`: ``not-recognised`` where it is none, ``empty`` where it has no items."""
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise BadInput("not a JSON Feed: there is no list called items", reason="not-recognised")
    if not items:
        raise BadInput("the JSON Feed has no items", reason="empty")
    hashes = tuple(raw_hash_of(item) for item in items)
    language = _language(document.get("language"))
    authors = _authors(document)

    def entry(index: int) -> ParsedEntry | None:
        item = items[index]
        if not isinstance(item, dict):
            return None
        return _entry(item, url, index, hashes[index], language, authors)

    if not url or host_of(url).endswith(".invalid"):  # nobody says where it came from but itself
        url = absolute(url, text_of(document.get("feed_url")) or text_of(document.get("home_page_url"))) or url
    hubs = document.get("hubs")
    hub = hubs[0].get("url") if isinstance(hubs, list) and hubs and isinstance(hubs[0], dict) else None
    head = ParsedFeed(
        "json-feed",
        (),
        title=inner_text_of_title(text_of(document.get("title"))),
        summary=plain_text(text_of(document.get("description"))),
        url=absolute(url, text_of(document.get("home_page_url"))),
        language=language,
        ended=document.get("expired") is True,
        hub=absolute(url, hub) if isinstance(hub, str) else None,
        notes=notes,
    )
    return Split("json-feed", hashes, entry, head)


def _entry(
    item: dict[str, Any], base: str, position: int, hashed: str, language: str | None, authors: tuple[str, ...]
) -> ParsedEntry | None:
    published, raw = time_of(item.get("date_published"))
    updated, updated_raw = time_of(item.get("date_modified"))
    given = published is not None or updated is None
    content = _content(item, base)
    native_id = id_of(item.get("id"))
    address = text_of(item.get("url")) or text_of(item.get("external_url"))
    if not address and native_id and native_id.startswith(("http://", "https://")):
        address = native_id
    first = published or updated
    headline = inner_text_of_title(text_of(item.get("title")))
    if not (native_id or headline or address or content.text or content.media):
        return None  # an empty object
    return ParsedEntry(
        native_id=native_id,
        headline=headline,
        body=content.text,
        html=content.html,
        url=absolute(base, address) if address else None,
        published_ms=first.ms if first else None,
        published_precision=first.precision if first else "none",
        published_from="source" if given else "inferred",
        published_raw=raw if given else updated_raw,
        updated_ms=updated.ms if updated else None,
        position=position,
        authors=_authors(item) or authors,
        tags=names_of(item.get("tags")),
        media=_media(item, base, content),
        links=content.links,
        language=_language(item.get("language")) or language,
        truncated=content.truncated,
        raw_hash=hashed,
    )


def _content(item: dict[str, Any], base: str) -> Content:
    for key in ("content_html", "content_text", "summary"):
        text = item.get(key)
        if isinstance(text, str) and text.strip():
            return body_of(text, base) if key == "content_html" else read_literal(text)
    return Content("", "")


def _authors(holder: dict[str, Any]) -> tuple[str, ...]:
    return names_of(holder.get("authors")) or names_of(holder.get("author"))


def _media(item: dict[str, Any], base: str, content: Content) -> tuple[Media, ...]:
    taken: dict[str, Media] = {}
    for key in ("image", "banner_image"):
        url = absolute(base, text_of(item.get(key)))
        if url:
            taken.setdefault(url, Media("image", url))
    attachments = item.get("attachments")
    for attachment in attachments[:100] if isinstance(attachments, list) else []:
        if not isinstance(attachment, dict):
            continue
        url = absolute(base, text_of(attachment.get("url")))
        kind = kind_of(text_of(attachment.get("mime_type")).partition("/")[0], url) if url else None
        if url and kind:
            taken.setdefault(url, Media(kind, url, alt=inner_text_of_title(text_of(attachment.get("title")))[:500]))
    for media in content.media:
        taken.setdefault(media.url, media)
    return tuple(taken.values())


def _language(value: Any) -> str | None:
    return tidy_language(value) if isinstance(value, str) else None
