"""Media that a feed gives beside its entries' bodies: enclosures, Media RSS, pictures of podcasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from lxml import etree
from msgspec.structs import replace

from processors.parse.feed_pictures import MARK
from processors.parse.feed_roles import Roles
from processors.parse.media import MOST, is_pixel, provider_of
from processors.parse.text import inner_text_of_title
from processors.parse.urls import absolute, all_plain
from processors.parse.xml_text import own_text, title_of
from wirewatch.events import Media

MediaKind = Literal["image", "video", "audio"]

_ENDINGS: dict[str, MediaKind] = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "avif", "svg"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "m3u8", "avi", "mpg"), "video"),
    **dict.fromkeys(("mp3", "m4a", "ogg", "oga", "wav", "aac", "opus"), "audio"),
}
_KINDS: dict[str, MediaKind] = {"image": "image", "video": "video", "audio": "audio"}
_FLASH = "application/x-shockwave-flash"


def by_role(element: etree._Element, roles: Roles) -> dict[str, list[etree._Element]]:
    """What stands in an element, by what it means; what we do not read is left out."""
    found: dict[str, list[etree._Element]] = {}
    for child in element:
        role = roles[child.tag]
        if role in found:
            found[role].append(child)
        elif role:
            found[role] = [child]
    return found


def media_of(
    found: dict[str, list[etree._Element]],
    base: str,
    roles: Roles,
    in_body: tuple[Media, ...],
    taken_out: Sequence[Sequence[str]] = (),
) -> tuple[Media, ...]:
    """All of an entry's media, each address once: the feed's own elements, then what its body shows.

    ``taken_out`` are groups of pictures of which the tree has nothing but the number.
    """
    links = [link for link in found.get("link", ()) if link.get("rel") in _SHOWN_LINKS]
    if not in_body and not links and _ROLES.isdisjoint(found) and "content" not in found:
        return ()
    taken: dict[str, Media] = {}
    for element, address in _pointed_at(found):
        _take(taken, _from_attributes(element, address, base))
    for link in links:
        pictured = link.get("rel") == "image"
        _take(taken, _image(link.get("href"), base) if pictured else _from_attributes(link, link.get("href"), base))
    for group in found.get("media-group", ()):
        number = group.get(MARK) if taken_out else None
        pictures = taken_out[int(number)] if number is not None else _pictures_alone(group, base, roles)
        if not pictures:
            _add_media_rss(taken, by_role(group, roles), base, roles)
        for url in dict.fromkeys(pictures):
            if url is not None and url not in taken:
                taken[url] = Media("image", url)
    _add_media_rss(taken, found, base, roles)
    for image in found.get("itunes-image", ()):
        _take(taken, _image(image.get("href") or image.get("url") or own_text(image), base))
    for media in in_body:
        _take(taken, media)
    return tuple(taken.values())[:MOST]


def _pointed_at(found: dict[str, list[etree._Element]]) -> Iterator[tuple[etree._Element, str | None]]:
    """Enclosures, and Atom's content that does not stand in the feed, each with its address."""
    for enclosure in found.get("enclosure", ()):
        yield enclosure, enclosure.get("url") or enclosure.get("href")
    for content in found.get("content", ()):
        yield content, content.get("src")


_ROLES = frozenset({"enclosure", "media-group", "media-content", "media-thumbnail", "media-player", "itunes-image"})
SHOWN = _ROLES | {"media-description", "media-credit"}
"""What of an entry's own elements `media_of` looks at, but for links."""
_SHOWN_LINKS = frozenset({"enclosure", "image"})
_MEDIA_RSS = frozenset({"media-content", "media-thumbnail", "media-player"})


def _pictures_alone(group: etree._Element, base: str, roles: Roles) -> Sequence[str | None]:
    """The addresses in a group that holds one picture in many sizes and nothing else; empty where it holds more.

    A picture that says what it is, with no title and nothing in it, is its address alone: no more is asked of it.
    """
    addresses: list[str] = []
    for child in group:
        address = child.get("url")
        if (
            not address
            or child.get("medium") != "image"
            or child.get("title") is not None
            or len(child)
            or roles[child.tag] != "media-content"
        ):
            return []
        addresses.append(address)
    return addresses if all_plain(addresses) else [absolute(base, address) for address in addresses]


def _take(taken: dict[str, Media], media: Media | None) -> None:
    if media is not None:
        taken.setdefault(media.url, media)


def _add_media_rss(taken: dict[str, Media], found: dict[str, list[etree._Element]], base: str, roles: Roles) -> None:
    if _MEDIA_RSS.isdisjoint(found):
        return
    shared_caption = _first_title(found.get("media-description", ()))
    shared_credit = _first_title(found.get("media-credit", ()))
    for content in found.get("media-content", ()):
        if not len(content):
            media = _of_content(content, base)
            if media is not None and (shared_caption or shared_credit):
                media = replace(media, caption=shared_caption, credit=shared_credit)
            _take(taken, media)
            continue
        own = by_role(content, roles)
        media = _of_content(content, base)
        if media is not None:
            caption = _first_title(own.get("media-description", ())) or shared_caption
            credit = _first_title(own.get("media-credit", ())) or shared_credit
            title = _first_title(own.get("media-title", ()))
            _take(taken, replace(media, caption=caption[:500], alt=title[:500], credit=credit[:200]))
        for thumbnail in own.get("media-thumbnail", ()):
            _take(taken, _image(thumbnail.get("url"), base))
        for player in own.get("media-player", ()):
            _take(taken, _player(player.get("url"), base))
    for player in found.get("media-player", ()):
        _take(taken, _player(player.get("url"), base))
    for thumbnail in found.get("media-thumbnail", ()):
        _take(taken, _image(thumbnail.get("url") or own_text(thumbnail), base))


def _first_title(elements: list[etree._Element] | tuple[()]) -> str:
    return next((title for title in map(title_of, elements) if title), "")


def _of_content(content: etree._Element, base: str) -> Media | None:
    """What Media RSS calls content: also a player that plays it, and a picture that says nothing but its size."""
    address = content.get("url")
    if content.get("type") == _FLASH or (content.get("type") == "text/html" and content.get("medium") == "video"):
        return _player(address, base)
    media = _from_attributes(content, address, base)
    if media is None and content.get("width") and _NO_PICTURE.isdisjoint(content.keys()):
        return _image(address, base)
    return media


_NO_PICTURE = frozenset({"type", "medium", "duration", "bitrate", "framerate", "samplingrate"})


def _player(address: str | None, base: str) -> Media | None:
    url = absolute(base, address) if address else None
    return Media("embed", url, provider=provider_of(url)) if url else None


def _from_attributes(element: etree._Element, address: str | None, base: str) -> Media | None:
    url = absolute(base, address) if address else None
    if url is None:
        return None
    kind = kind_of(element.get("medium") or (element.get("type") or "").partition("/")[0], url)
    if kind is None:
        return None
    title = element.get("title")
    return Media(kind, url, alt=inner_text_of_title(title)[:500]) if title else Media(kind, url)


def kind_of(stated: str, url: str) -> MediaKind | None:
    """What is behind an address: by its stated medium or type, else by its ending; None for what is no media."""
    kind = _KINDS.get(stated) or _KINDS.get(stated.lower()) or _ENDINGS.get(stated.lower())  # "mp3" in a type's place
    if kind is not None:
        return kind
    if stated and stated.lower() not in {"application", "unknown", "binary"}:
        return None
    return _ENDINGS.get(url.partition("?")[0].rpartition(".")[2].lower())


def _image(address: str | None, base: str) -> Media | None:
    url = absolute(base, address) if address else None
    return Media("image", url) if url and not is_pixel({}, url) else None
