"""Feeds as people write them: reading a FEED.toml or a ``[[feeds]]`` table, and refusing in words what cannot be."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

import msgspec

from wirewatch.errors import UserError
from wirewatch.events import Feed, Kind, Listing, ParseDefinition
from wirewatch.times import parse_duration_ms

if TYPE_CHECKING:
    from pathlib import Path

_HEADER_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
_SLUG_JUNK = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """A feed id out of a title or host: lower-case letters, digits and hyphens, at most 48 characters."""
    return _SLUG_JUNK.sub("-", text.casefold()).strip("-")[:48].strip("-") or "feed"


def read_feed_file(path: Path, *, default_id: str = "feed") -> Feed:
    """A feed alone in a file of its own; `UserError` names the file, the key and what is allowed."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid TOML: {error}") from error
    table.setdefault("id", default_id)
    table.setdefault("url", "https://feed.invalid/")
    return feed_from_table(table, where=str(path), origin="file")


def feed_from_table(table: dict[str, Any], *, where: str, origin: str) -> Feed:
    """A feed out of a TOML table; `UserError` says which key is wrong and what is allowed."""
    known = {field.name for field in msgspec.structs.fields(Feed)} - {"origin"}
    unknown = sorted(set(table) - known)
    if unknown:
        raise UserError(f"{where}: unknown key {unknown[0]!r} in a feed; allowed are {', '.join(sorted(known))}")
    name = f"feed {table.get('id', '?')!r}"
    try:
        feed = msgspec.convert({**table, "origin": origin}, Feed)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {name}: {_in_words(str(error))}") from error
    check_feed(feed, where=where)
    return feed


def _in_words(message: str) -> str:
    if "enum value" in message or "Invalid enum" in message:
        key = "kind" if "$.kind" in message else "listing"
        allowed = get_args(Kind if key == "kind" else Listing)
        return f"{message}; {key} is one of {', '.join(allowed)}"
    if "matching regex" in message:
        return f"{message}; an id has lower-case letters, digits, '.', '_' and '-', and at most 64 of them"
    return message


def check_feed(feed: Feed, *, where: str) -> None:
    """What types cannot say: the URL, durations, and what a kind needs; `UserError` where it does not hold."""
    at = f"{where}: feed {feed.id!r}"
    check_url(feed.url, at=at)
    if feed.proxy:
        check_url(feed.proxy, at=f"{at}: proxy")
    for key, text, word in (
        ("span", feed.span, ""),
        ("every", feed.every, "auto"),
        ("late_after", feed.late_after, ""),
    ):
        if text != word:
            try:
                parse_duration_ms(text)
            except UserError as error:
                raise UserError(f"{at}: {key}: {error}") from error
    if feed.kind == "json" and feed.json is None:
        raise UserError(f'{at}: kind = "json" needs a [json] table that says where items and headlines are')
    if feed.kind == "html" and (feed.html is None or not feed.html.items):
        raise UserError(f'{at}: kind = "html" needs an [html] table with at least items and headline')
    for header, value in feed.headers.items():
        if not _HEADER_NAME.match(header) or any(c in value for c in "\r\n\0"):
            raise UserError(f"{at}: headers: {header!r} is not a header that can be sent")


def check_url(url: str, *, at: str) -> None:
    """Only http and https with a plain host (H16-17); `UserError` says what is wrong with this one."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise UserError(f"{at}: {url!r}: only http:// and https:// URLs can be watched")
    if not parts.hostname or "\\" in url or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise UserError(f"{at}: {url!r} is not a URL with a host; write https://example.org/feed")
    try:
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        raise UserError(f"{at}: {url!r}: {error}") from error


def definition_of(feed: Feed) -> ParseDefinition:
    """The part of a feed that decides what its snapshots mean."""
    return ParseDefinition(
        url=feed.url,
        kind=feed.kind,
        listing=feed.listing,
        span_ms=parse_duration_ms(feed.span) if feed.span else None,
        withdraw_after=feed.withdraw_after,
        late_after_ms=parse_duration_ms(feed.late_after),
        ignore=tuple(feed.ignore),
        json=feed.json,
        html=feed.html,
    )
