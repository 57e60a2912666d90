"""News sitemaps: a window of the last two days, one ``url`` an article."""

from __future__ import annotations

from lxml import etree

from processors.parse.feed_entries import LONGEST_ID, Context, Found, headline_of, tags_of, time_in
from processors.parse.feed_media import by_role
from processors.parse.model import ParsedEntry
from processors.parse.text import inner_text_of_title
from processors.parse.urls import absolute
from processors.parse.xml_text import own_text
from wirewatch.events import Media


def read_url(element: etree._Element, context: Context, *, position: int, raw_hash: str) -> ParsedEntry | None:
    """One ``url`` of a sitemap; None where it has no news in it, as in a sitemap of all pages."""
    own = by_role(element, context.roles)
    news = own.get("news")
    if not news:
        return None
    found = by_role(news[0], context.roles)
    headline = headline_of(found)
    loc = own_text(own["loc"][0]) if "loc" in own else ""
    if not headline and not loc:
        return None
    published, raw = time_in(found, ("published",))
    updated, _ = time_in(own, ("updated",))
    return ParsedEntry(
        native_id=loc[:LONGEST_ID] or None,
        headline=headline,
        url=absolute(context.base, loc) if loc else None,
        published_ms=published.ms if published else None,
        published_precision=published.precision if published else "none",
        published_raw=raw,
        updated_ms=updated.ms if updated else None,
        position=position,
        tags=tags_of(found),
        media=_images(own, context),
        language=_language(found, context),
        raw_hash=raw_hash,
    )


def _images(own: Found, context: Context) -> tuple[Media, ...]:
    taken: dict[str, Media] = {}
    for image in own.get("image", []) + own.get("picture", []):
        found = by_role(image, context.roles)
        url = absolute(context.base, own_text(found["loc"][0])) if "loc" in found else None
        if url:
            caption = inner_text_of_title(own_text(found["caption"][0])) if "caption" in found else ""
            taken.setdefault(url, Media("image", url, caption=caption[:500]))
    return tuple(taken.values())[:20]


def _language(found: Found, context: Context) -> str | None:
    for publication in found.get("publication", ()):
        inside = by_role(publication, context.roles)
        if "language" in inside:
            return own_text(inside["language"][0])[:35] or None
    return context.language
