"""Pictures, videos, sounds, embeds and links in an entry's markup, taken before it is sanitised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from processors.parse.markup import LONGEST, Token, attributes, decode_entities, mended, tokens
from processors.parse.urls import absolute, canonical, host_of
from processors.parse.words import word_set
from wirewatch.events import Link, Media

MOST = 100  # of each kind in one entry; more is a gallery's markup gone wrong
_LONGEST_TEXT = 500

_PROVIDERS = {
    "youtube.com": "youtube",
    "youtube-nocookie.com": "youtube",
    "youtu.be": "youtube",
    "twitter.com": "twitter",
    "x.com": "twitter",
    "vimeo.com": "vimeo",
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "dailymotion.com": "dailymotion",
    "soundcloud.com": "soundcloud",
    "spotify.com": "spotify",
    "t.me": "telegram",
    "bsky.app": "bluesky",
    "reddit.com": "reddit",
    "datawrapper.de": "datawrapper",
    "dwcdn.net": "datawrapper",
    "brightcove.net": "brightcove",
    "jwplayer.com": "jwplayer",
    "flourish.studio": "flourish",
    "infogram.com": "infogram",
    "twitch.tv": "twitch",
    "streamable.com": "streamable",
    "google.com": "google",
    "documentcloud.org": "documentcloud",
}
_QUOTED = {
    "twitter-tweet": "twitter",
    "twitter-video": "twitter",
    "instagram-media": "instagram",
    "tiktok-embed": "tiktok",
    "fb-post": "facebook",
    "bluesky-embed": "bluesky",
    "reddit-embed-bq": "reddit",
}
_TINY = frozenset({"0", "1", "2"})
_PIXEL_HOSTS = re.compile(
    r"(?:^|\.)(?:feeds?\.feedburner\.com|pixel\.wp\.com|stats\.wordpress\.com|doubleclick\.net|scorecardresearch\.com"
    r"|google-analytics\.com|feedsportal\.com|pixel\.quantserve\.com|chartbeat\.net|tracking\.[a-z.]+|pi\.feedsportal\.com)$"
)
_HREF_FIRST = re.compile(r""" href=(["'])([^"'&]++)\1(?= |$)""")
_USUAL_IMAGE = re.compile(r""" src=(["'])(https?:[^"'&]++)\1(?: alt=(["'])([^"'&]*+)\3)?+ ?/?""")
_TAGS = word_set("img video audio source iframe embed object blockquote amp-img figure figcaption")


def extract_media(html: str, base_url: str) -> tuple[Media, ...]:
    """What is shown or played in ``html``, in order, each address once; tracking pixels left out."""
    return media_in(tokens(mended(html[:LONGEST])), base_url) if "<" in html or "&lt" in html else ()


def extract_links(html: str, base_url: str) -> tuple[Link, ...]:
    """Where ``html`` links to, in order, each address once, http and https only."""
    return links_in(tokens(mended(html[:LONGEST])), base_url) if "<" in html or "&lt" in html else ()


def is_pixel(found: dict[str, str], url: str = "") -> bool:
    """Whether an image is there to be counted, not seen: a size of at most 2, or a counter's host."""
    if found.get("width", "").strip().removesuffix("px") in _TINY:
        return True
    if found.get("height", "").strip().removesuffix("px") in _TINY:
        return True
    return _only_counts(host_of(url))


@lru_cache(maxsize=1024)
def _only_counts(host: str) -> bool:
    return _PIXEL_HOSTS.search(host) is not None


def provider_of(url: str) -> str | None:
    """``youtube`` for ``https://www.youtube-nocookie.com/embed/…``; the host where it is none that is known."""
    host = host_of(url).removeprefix("www.")
    labels = host.split(".")
    return _PROVIDERS.get(".".join(labels[-2:])) or host or None


def media_in(found: list[Token], base_url: str) -> tuple[Media, ...]:
    """See `extract_media`; for markup that is in tokens already."""
    if _TAGS.isdisjoint([name for _, name, _ in found]):
        return ()
    taken: dict[str, Media] = {}
    figure: list[str] = []  # addresses inside the figure that is open
    holder = "video"  # what a <source> belongs to
    for index, (kind, name, raw) in enumerate(found):
        if name not in _TAGS or len(taken) >= MOST:  # texts have no name
            continue
        if kind == "close":
            if name == "figure":
                figure = []
            continue
        if name == "figure":
            figure = []
        elif name == "figcaption":
            _add_caption(taken, figure, found, index)
        elif name in {"video", "audio"}:
            holder = name
            _take(taken, figure, _one(name, attributes(raw), base_url, holder))
        elif name == "blockquote":
            _take(taken, figure, _quoted(found, index, raw, base_url))
        else:
            found_here = _image(raw, base_url) if name == "img" else _one(name, attributes(raw), base_url, holder)
            _take(taken, figure, found_here)
    return tuple(taken.values())


def _take(taken: dict[str, Media], figure: list[str], media: Media | None) -> None:
    if media is not None and media.url not in taken:
        taken[media.url] = media
        figure.append(media.url)


def _image(raw: str, base_url: str) -> Media | None:
    usual = _USUAL_IMAGE.fullmatch(raw)
    if usual is None:
        return _one("img", attributes(raw), base_url, "")
    url = absolute(base_url, usual.group(2))
    return Media("image", url, alt=_short(usual.group(4) or "")) if url and not is_pixel({}, url) else None


def _one(name: str, found: dict[str, str], base_url: str, holder: str) -> Media | None:
    address = found.get("src") or found.get("data-src") or found.get("data-original") or found.get("data")
    if name in {"img", "amp-img"} and (not address or address.startswith("data:")):
        address = found.get("data-src") or found.get("srcset", "").partition(" ")[0]
    url = absolute(base_url, address) if address else None
    if url is None:
        return None
    if name in {"img", "amp-img"}:
        return None if is_pixel(found, url) else Media("image", url, alt=_short(found.get("alt", "")))
    if name in {"iframe", "embed", "object"}:
        return None if is_pixel(found) else Media("embed", url, provider=provider_of(url))
    if name == "source" and not found.get("type", "video").startswith(("video", "audio", "application")):
        return None  # a picture's other sizes
    return Media("audio" if name == "audio" or (name == "source" and holder == "audio") else "video", url)


def _quoted(found: list[Token], index: int, raw: str, base_url: str) -> Media | None:
    """A post quoted as a blockquote that a script would turn into an embed: its address is its last link."""
    own = attributes(raw)
    provider = next((_QUOTED[name] for name in own.get("class", "").split() if name in _QUOTED), None)
    if provider is None:
        return None
    address = own.get("cite") or own.get("data-instgrm-permalink") or own.get("data-href") or ""
    for kind, name, inside in found[index + 1 : index + 200]:
        if name == "blockquote":
            break
        if kind == "open" and name == "a" and not own.get("cite"):
            address = attributes(inside).get("href", "") or address
    url = absolute(base_url, address) if address else None
    return Media("embed", url, provider=provider) if url else None


def _add_caption(taken: dict[str, Media], figure: list[str], found: list[Token], index: int) -> None:
    """The caption of the figure's pictures; what is marked as credit in it goes there."""
    caption: list[str] = []
    credit: list[str] = []
    inside = ""
    for kind, name, raw in found[index + 1 : index + 200]:
        if name in {"figcaption", "figure"}:
            break
        if kind == "text":
            (credit if inside else caption).append(decode_entities(raw))
        elif (
            kind == "open"
            and not inside
            and (name == "cite" or "credit" in raw.casefold() or "copyright" in raw.casefold())
        ):
            inside = name
        elif kind == "close" and name == inside:
            inside = ""
    for url in figure:
        media = taken[url]
        taken[url] = Media(
            media.kind,
            media.url,
            provider=media.provider,
            caption=_short(" ".join(caption)),
            alt=media.alt,
            credit=_short(" ".join(credit)),
        )


def links_in(found: Iterable[Token], base_url: str) -> tuple[Link, ...]:
    """See `extract_links`; for markup that is in tokens already."""
    links: list[Link] = []
    url: str | None = None
    text: list[str] = []
    looked_at = 0
    for kind, name, raw in found:
        if kind == "text":
            if url is not None:
                text.append(raw)
        elif name == "a":
            if url is not None:
                links.append(Link(url, _short(decode_entities(" ".join(text)))))
            looked_at += 1
            href = _href(raw) if kind == "open" and looked_at < 10 * MOST else ""
            url = absolute(base_url, href) if href and not href.startswith("#") else None
            text = []
    if url is not None:
        links.append(Link(url, _short(decode_entities(" ".join(text)))))
    if len(links) < 2:
        return tuple(links)
    once: dict[str, Link] = {}
    for link in links:
        once.setdefault(canonical(link.url), link)
    return tuple(once.values())[:MOST]


def _href(raw: str) -> str:
    matched = _HREF_FIRST.match(raw)  # the first of a name holds
    return matched.group(2) if matched is not None else attributes(raw).get("href", "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(c for c in line if c.isprintable() or c in "\u200c\u200d")
    return line[:_LONGEST_TEXT]
