"""JSON feeds: by the source's own paths (JMESPath), and the JSON Feed format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jmespath
import orjson
from xxhash import xxh3_128_hexdigest

from processors.parse.dates import ParsedTime, parse_time
from processors.parse.feed_entries import LONGEST_ID
from processors.parse.json_ignoring import steps_of, without
from processors.parse.model import ParsedEntry, ParsedFeed
from processors.parse.splits import Split
from processors.parse.text import Content, clean_characters, inner_text_of_title, read_markup
from processors.parse.urls import absolute
from wirewatch.errors import BadInput
from wirewatch.events import JsonPaths, ParseDefinition

_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_NOTHING = Content("", "")


@lru_cache(maxsize=1024)
def getter(expression: str) -> Callable[[Any], Any]:
    """A JMESPath expression, compiled once; a plain path of names needs no interpreter. `BadInput` where it is none."""
    if not expression:
        return lambda _: None
    if expression == "@":
        return lambda value: value
    if _PLAIN_PATH.fullmatch(expression):
        names = tuple(expression.split("."))
        return lambda value: _walk(value, names)
    try:
        return jmespath.compile(expression).search
    except jmespath.exceptions.JMESPathError as error:
        raise BadInput(f"{expression!r} is not a JMESPath expression: {error}", reason="bad-definition") from error


def _walk(value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def split_json(document: Any, definition: ParseDefinition, url: str, notes: tuple[str, ...]) -> Split:
    """A list of objects, as ``[json]`` in the feed's definition says where.

    Raises `BadInput`: ``empty`` where the list is; ``not-recognised`` where there is none, saying what there is.
    """
    paths = definition.json or JsonPaths()
    try:
        items = getter(paths.items or "@")(document)
    except jmespath.exceptions.JMESPathError as error:
        raise BadInput(
            f"items = {paths.items!r} does not fit the document: {error}", reason="not-recognised"
        ) from error
    if isinstance(items, dict):
        items = list(items.values()) if items and all(isinstance(v, dict) for v in items.values()) else None
    if not isinstance(items, list):
        raise BadInput(f"items = {paths.items!r} leads to no list; {_what_is_there(document)}", reason="not-recognised")
    if not items:
        raise BadInput(f"items = {paths.items!r} is an empty list", reason="empty")
    hashes = tuple(raw_hash_of(item) for item in items)
    fields = {name: getter(getattr(paths, name)) for name in _FIELDS}
    ignored = steps_of(definition.ignore, (paths.headline, paths.body))
    if ignored:
        fields |= {name: _ignoring(fields[name], ignored) for name in ("headline", "body")}

    def entry(index: int) -> ParsedEntry | None:
        return _entry(items[index], fields, paths, url, index, hashes[index])

    return Split("json", hashes, entry, ParsedFeed("json", (), notes=notes))


def _ignoring(read: Callable[[Any], Any], ignored: tuple[tuple[str, ...], ...]) -> Callable[[Any], Any]:
    return lambda item: read(without(item, ignored))


_FIELDS = ("id", "aliases", "headline", "body", "url", "published", "updated", "authors", "tags")


def _what_is_there(document: Any) -> str:
    if isinstance(document, dict):
        keys = ", ".join(repr(str(key)[:40]) for key in list(document)[:12])
        return f"the document is an object with {keys or 'nothing in it'}"
    return f"the document is {type(document).__name__}"


def raw_hash_of(item: Any) -> str:
    """Of an item's canonical form: the order of its keys says nothing."""
    try:
        return xxh3_128_hexdigest(orjson.dumps(item, option=orjson.OPT_SORT_KEYS))
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, numbers beyond 64 bits
        return xxh3_128_hexdigest(json.dumps(item, sort_keys=True).encode())


def _entry(
    item: Any, fields: dict[str, Callable[[Any], Any]], paths: JsonPaths, base: str, position: int, hashed: str
) -> ParsedEntry | None:
    if not isinstance(item, dict):
        return None

    def value(name: str) -> Any:
        try:
            return fields[name](item)
        except (jmespath.exceptions.JMESPathError, ValueError, TypeError, AttributeError):
            return None  # a function of it does not take what this item has

    published, raw = time_of(value("published"), paths.time_format, paths.timezone)
    updated, _ = time_of(value("updated"), paths.time_format, paths.timezone)
    content = body_of(value("body"), base)
    address = text_of(value("url"))
    native_id, headline = id_of(value("id")), inner_text_of_title(text_of(value("headline")))
    if not (native_id or headline or address or content.text or content.media):
        return None  # an empty object, or one of another shape
    return ParsedEntry(
        native_id=native_id,
        headline=headline,
        body=content.text,
        html=content.html,
        aliases=_aliases(value("aliases"), id_of(value("id"))),
        url=absolute(base, address) if address else None,
        published_ms=published.ms if published else None,
        published_precision=published.precision if published else "none",
        published_raw=raw,
        updated_ms=updated.ms if updated else None,
        position=position,
        authors=names_of(value("authors")),
        tags=names_of(value("tags")),
        media=content.media,
        links=content.links,
        truncated=content.truncated,
        raw_hash=hashed,
    )


def text_of(value: Any, *, between: str = " ") -> str:
    """A string, a number or a list of them as text; ``""`` for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list):
        return between.join(text for text in (text_of(part, between=between) for part in value) if text)
    return ""


def body_of(value: Any, base: str) -> Content:
    """A body's parts, each a paragraph of its own."""
    text = text_of(value, between="\n\n")
    return read_markup(text, base) if text else _NOTHING


def id_of(value: Any) -> str | None:
    """An id as text: ``42`` is ``"42"``."""
    text = " ".join(clean_characters(text_of(value)).split())
    return text[:LONGEST_ID] or None


def _aliases(value: Any, native_id: str | None) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    found = (id_of(part) for part in parts)
    return tuple(dict.fromkeys(alias for alias in found if alias and alias != native_id))[:50]


def time_of(value: Any, time_format: str = "", timezone: str = "") -> tuple[ParsedTime | None, str | None]:
    """A time and its text as the source has it."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        raw = clean_characters(text_of(value)).strip()[:200]
        return (parse_time(value, time_format=time_format, timezone=timezone), raw) if raw else (None, None)
    return None, None


def names_of(value: Any) -> tuple[str, ...]:
    """Names out of a text, a list of texts, or objects with a ``name``, ``title``, ``label`` or ``term``."""
    names: list[str] = []
    for part in value if isinstance(value, list) else [value]:
        found = part
        if isinstance(part, dict):
            found = next((part[key] for key in ("name", "title", "label", "term") if part.get(key)), None)
        if isinstance(found, str | int | float):
            names.append(inner_text_of_title(text_of(found))[:300])
    return tuple(dict.fromkeys(name for name in names if name))[:100]
