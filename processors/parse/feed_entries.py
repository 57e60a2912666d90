"""One entry of an XML feed: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lxml import etree
from msgspec import Struct

from processors.parse.dates import ParsedTime, parse_time
from processors.parse.feed_media import by_role, media_of
from processors.parse.feed_roles import Roles
from processors.parse.markup import has_tags
from processors.parse.media import extract_links
from processors.parse.model import ParsedEntry
from processors.parse.text import Content, clean_characters, inner_text_of_title, plain_text
from processors.parse.urls import absolute, is_plain
from processors.parse.xml_text import NO_TEXT, base_of, content_of, is_bare, language_of, own_text, title_of

LONGEST_ID = 2048

BODIES = (
    "content",
    "description",
    "summary",
    "dc-description",
    "media-description",
    "itunes-summary",
    "itunes-subtitle",
)
_TITLES = ("title", "dc-title", "media-title", "itunes-title")
_ALIASES = ("origlink", "id", "identifier")
SOME_ALIAS = frozenset(_ALIASES)
_AUTHORS = ("author", "creator", "editor")
_SOME_AUTHOR = frozenset(_AUTHORS)
_PUBLISHED = ("published", "date", "created")
_UPDATED = ("updated",)
_MAIL = re.compile(r"[<(\[]?(?:mailto:)?([^\s@()<>\[\]]+@[^\s@()<>\[\]]+)[>)\]]?")
_NOTHING = Content("", "")
_LEADS_THERE = frozenset({"alternate", "http://www.iana.org/assignments/relation/alternate", ""})
_OF_PAGES = frozenset({"text/html", "application/xhtml+xml", ""})

Found = dict[str, list[etree._Element]]  # noqa: SLF001 - the stubs name lxml's elements so


class Context(Struct):
    """What an entry takes from its document."""

    roles: Roles
    base: str
    has_bases: bool = False
    has_languages: bool = True
    language: str | None = None
    authors: tuple[str, ...] = ()
    pictures: Sequence[Sequence[str]] = ()


def read_entry(element: etree._Element, context: Context, *, position: int, raw_hash: str) -> ParsedEntry:
    """An ``item`` or ``entry`` element, normalised. Never raises: what cannot be read stays empty."""
    roles = context.roles
    found = by_role(element, roles)
    base = base_of(element, context.base) if context.has_bases else context.base
    headline = headline_of(found)
    content = _body(found, base, context)
    url, native_id = _address_and_id(element, found, base, headline, context)
    published, raw = time_in(found, _PUBLISHED)
    updated, updated_raw = time_in(found, _UPDATED) if "updated" in found else (None, None)
    source_given = published is not None
    if published is None and updated is not None:
        published, raw = updated, updated_raw
    # by position, in the order of the fields: keywords take six times as long, a tenth of reading an entry
    return ParsedEntry(
        native_id,
        headline,
        content.text,
        content.html,
        () if SOME_ALIAS.isdisjoint(found) else _aliases(found, native_id),
        url,
        None,
        published.ms if published else None,
        published.precision if published else "none",
        "source" if source_given or published is None else "inferred",
        raw,
        updated.ms if updated else None,
        position,
        False,  # noqa: FBT003 - pinned: a feed has no such thing
        False,  # noqa: FBT003 - nor key events
        authors_of(found) or _authors_of_source(found, roles) or context.authors,
        tags_of(found) if "category" in found or "keywords" in found else (),
        None,
        media_of(found, base, roles, content.media, context.pictures),
        content.links,
        _language(element, found, context),
        content.truncated,
        False,  # noqa: FBT003 - deleted: see `read_tombstone`
        raw_hash,
    )


def headline_of(found: Found) -> str:
    """The first title that says something, the feed's own kind before those of modules."""
    for role in _TITLES:
        for element in found.get(role, ()):
            title = title_of(element)
            if title:
                return title
    return ""


def _body(found: Found, base: str, context: Context) -> Content:
    for role in BODIES:
        for element in found.get(role, ()):
            content = content_of(element, base_of(element, context.base) if context.has_bases else base)
            if content.text or content.media:
                return content
    for group in found.get("media-group", ()):
        for child in group:
            if context.roles[child.tag] == "media-description":
                return content_of(child, base)
    return _NOTHING


def _address_and_id(
    element: etree._Element, found: Found, base: str, headline: str, context: Context
) -> tuple[str | None, str | None]:
    native = _native_id(element, found)
    url = link_in(found, base, context)
    if url is None and native and native.startswith(("http://", "https://")):
        url = absolute(base, native)  # no link, or link and guid swapped
    if url is None and "content" in found:
        url = _content_elsewhere(found["content"], base)
    if url is None and native is None:
        about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
        url = absolute(base, about) if about else None
    if native is not None and native == headline and url is not None:
        return url, None  # a headline in the place of an id changes when the headline is edited
    return url, native


def _content_elsewhere(contents: Iterable[etree._Element], base: str) -> str | None:
    """Where Atom's content is that does not stand in the feed, unless it is a picture or the like."""
    for content in contents:
        address = content.get("src")
        if address and not content.get("type", "").startswith(NO_TEXT):
            return absolute(base, address)
    return None


def _native_id(element: etree._Element, found: Found) -> str | None:
    for role in ("guid", "id", "identifier"):
        for candidate in found.get(role, ()):
            text = own_text(candidate)
            if text and " " not in text and "<" not in text and text.isprintable():
                return text[:LONGEST_ID]  # as nearly all are
            text = clean_characters(text)
            if "<" in text and has_tags(text):  # markup in the place of an id: where it leads to, or what it says
                linked = re.search(r"""href\s*=\s*["']?([^"'\s>]+)""", text)
                text = linked.group(1) if linked is not None else plain_text(text)
            text = " ".join(text.split()) if " " in text or not text.isprintable() else text
            if text:
                return text[:LONGEST_ID]
    about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
    return about.strip()[:LONGEST_ID] if about and about.strip() else None


def link_in(found: Found, base: str, context: Context) -> str | None:
    """Where an entry or a feed leads to: RSS's text, or Atom's alternate, pages before other types."""
    best: str | None = None
    for link in found.get("link", ()):
        if not context.has_bases and is_bare(link):
            url = _text_link(link, base)
            if url is not None:
                return url
            continue
        own_base = base_of(link, context.base) if context.has_bases else base
        href = link.get("href")
        if href is None:
            url = _text_link(link, own_base, is_address=own_base != context.base)
        elif link.get("rel", "alternate").strip().lower() in _LEADS_THERE:
            url = absolute(own_base, href)
        else:
            continue
        if url is None:
            continue
        if link.get("type", "text/html").partition(";")[0].strip().lower() in _OF_PAGES:
            return url
        best = best or url
    return best


def _text_link(link: etree._Element, base: str, *, is_address: bool = False) -> str | None:
    """``is_address``: a base was given for it, so that even a single word is an address."""
    text = own_text(link)
    if is_plain(text):
        return text
    if text.startswith("www."):
        text = f"http://{text}"
    if "<" in text:
        inside = extract_links(text, base)
        return inside[0].url if inside else None
    if text.startswith(("http://", "https://")):  # also with spaces in it
        return absolute(base, text)
    if not text or " " in text or ("/" not in text and "." not in text and text[0] != "#" and not is_address):
        return None  # an id, or nothing that leads anywhere
    return absolute(base, text)


def _aliases(found: Found, native_id: str | None) -> tuple[str, ...]:
    aliases = [own_text(e) for role in _ALIASES for e in found.get(role, ())]
    return tuple(dict.fromkeys(alias[:LONGEST_ID] for alias in aliases if alias and alias != native_id))


def time_in(found: Found, roles: Iterable[str]) -> tuple[ParsedTime | None, str | None]:
    """The first time that can be believed, and its text; where none can, the first text."""
    first: str | None = None
    for role in roles:
        for element in found.get(role, ()):
            raw = clean_characters(own_text(element))[:200]
            at = parse_time(raw) if raw else None
            if at is not None:
                return at, raw
            first = first or raw or None
    return None, first


def authors_of(found: Found) -> tuple[str, ...]:
    """Names of who wrote it; addresses only where there is no name."""
    if _SOME_AUTHOR.isdisjoint(found):
        return ()
    names: list[str] = []
    for role in _AUTHORS:
        for element in found.get(role, ()):
            name = _author(element)
            if name:
                names.append(name)
        if names:
            break
    return tuple(dict.fromkeys(names))


def _authors_of_source(found: Found, roles: Roles) -> tuple[str, ...]:
    """Who wrote an entry that was taken over from elsewhere: Atom says that its source's authors did."""
    sources = (authors_of(by_role(source, roles)) for source in found.get("source", ()))
    return next((names for names in sources if names), ())


def _author(element: etree._Element) -> str:
    if len(element):
        parts = {
            str(child.tag).rpartition("}")[2].lower(): own_text(child)
            for child in element.iter()
            if child is not element
        }
        return inner_text_of_title(parts.get("name") or parts.get("email") or own_text(element))[:300]
    text = inner_text_of_title(element.text or "")
    if text.count("@") != 1 or (mail := _MAIL.search(text)) is None:
        return text[:300]
    name = f"{text[: mail.start()].strip()} {text[mail.end() :].strip()}".strip(" ()")
    return (name or mail.group(1))[:300]


def tags_of(found: Found) -> tuple[str, ...]:
    """Categories and keywords, each once, at most a hundred."""
    tags: list[str] = []
    if "category" not in found and "keywords" not in found:
        return ()
    for element in found.get("category", ()):
        for part in element.iter():
            term = part.get("label") or part.get("term") or part.get("text") or own_text(part)
            tags.append(inner_text_of_title(term))
    for element in found.get("keywords", ()):
        tags.extend(inner_text_of_title(word) for word in own_text(element).split(","))
    return tuple(dict.fromkeys(tag[:200] for tag in tags if tag))[:100]


def _language(element: etree._Element, found: Found, context: Context) -> str | None:
    own = language_of(element) if context.has_languages else None
    if own is None and "language" in found:
        own = own_text(found["language"][0]) or None
    if own is None and context.has_languages and "title" in found:
        own = language_of(found["title"][0])
    return (tidy_language(own) if own else None) or context.language


def tidy_language(code: str | None) -> str | None:
    """``en_US`` -> ``en-US``; None where it is no code of a language."""
    code = (code or "").strip().replace("_", "-")
    return code if re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}", code) else None


def read_tombstone(element: etree._Element, *, position: int, raw_hash: str) -> ParsedEntry | None:
    """Atom's ``deleted-entry``: the source says itself that an entry is gone (RFC 6721)."""
    ref = (element.get("ref") or "").strip()
    if not ref:
        return None
    when = parse_time(element.get("when") or "")
    return ParsedEntry(
        native_id=ref[:LONGEST_ID],
        headline="",
        updated_ms=when.ms if when else None,
        position=position,
        deleted=True,
        raw_hash=raw_hash,
    )
