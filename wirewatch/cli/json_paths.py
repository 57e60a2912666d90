"""Guessing where a JSON list has its headlines, texts, links and times, from the names and values of its items."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import jmespath
import orjson

from wirewatch.events import JsonPaths

_LOOKED_AT: Final = 50
_DEPTH: Final = 3
_MAX_KEYS: Final = 200
_MARKED: Final = re.compile(r"[^a-z0-9]")
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("guid", "id", "uuid", "uid", "eventid", "articleid", "postid", "key", "slug", "code"),
    "headline": ("headline", "title", "webtitle", "heading", "name", "subject", "label", "event"),
    "body": (
        "body", "content", "articlebody", "bodytext", "contenttext", "contenthtml", "text", "description", "summary",
        "abstract", "excerpt", "trailtext", "message", "details", "snippet", "lead",
    ),
    "url": ("url", "link", "permalink", "weburl", "canonicalurl", "htmlurl", "href", "uri", "shareurl"),
    "published": (
        "published", "publishedat", "datepublished", "pubdate", "publicationdate", "webpublicationdate", "publishdate",
        "firstpublished", "issued", "createdat", "created", "datecreated", "datetime", "timestamp", "date", "time",
    ),
    "updated": ("updated", "updatedat", "modified", "modifiedat", "datemodified", "lastmodified", "lastupdated"),
}  # fmt: skip


def guess_paths(body: bytes, items: str) -> JsonPaths:
    """The paths of a JSON list's fields, as far as names and values tell; the others stay empty. Pure."""
    listed = jmespath.search(items, orjson.loads(body))
    rows = [item for item in listed if isinstance(item, dict)][:_LOOKED_AT] if isinstance(listed, list) else []
    if not rows:
        return JsonPaths(items=items)
    columns: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        for path, value in _leaves(row):
            columns.setdefault(path, []).append(value)
    fits = {
        "id": lambda values: len(values) == len(rows) and len(set(map(str, values))) == len(rows),
        "headline": lambda values: all(isinstance(v, str) for v in values) and any(v.strip() for v in values),
        "body": lambda values: all(isinstance(v, str) for v in values) and any(v.strip() for v in values),
        "url": lambda values: all(isinstance(v, str) and v.startswith(("http://", "https://", "/")) for v in values),
        "published": lambda values: all(map(_is_time, values)),
        "updated": lambda values: all(map(_is_time, values)),
    }
    found = {role: _best(columns, _NAMES[role], fits[role], len(rows)) for role in _NAMES}
    return JsonPaths(items=items, **{role: _path(path) for role, path in found.items() if path is not None})


def in_words(paths: JsonPaths) -> str:
    """What was guessed, as it would stand in the settings file."""
    shown = [f"{role} = {getattr(paths, role)}" for role in ("items", *_NAMES) if getattr(paths, role)]
    return ", ".join(shown)


def _leaves(row: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Texts and numbers of an item with their paths; lists, and what is empty, say nothing."""
    for key, value in list(row.items())[:_MAX_KEYS]:
        path = (*above, key)
        if isinstance(value, dict):
            if len(path) < _DEPTH:
                yield from _leaves(value, path)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
            yield path, value


def _best(
    columns: Mapping[tuple[str, ...], list[Any]],
    names: Sequence[str],
    fits: Callable[[list[Any]], bool],
    rows: int,
) -> tuple[str, ...] | None:
    """The column with the likeliest name, the shallower one of two, among those that at least half the items have."""
    best: tuple[int, int] | None = None
    chosen = None
    for path, values in columns.items():
        rank = _rank(path, names)
        if rank is None or 2 * len(values) < rows or not fits(values):
            continue
        if best is None or (rank, len(path)) < best:
            best, chosen = (rank, len(path)), path
    return chosen


def _rank(path: tuple[str, ...], names: Sequence[str]) -> int | None:
    """How likely a name is; ``title.rendered`` counts as ``title``."""
    last = _MARKED.sub("", path[-1].lower())
    if last in {"rendered", "value", "text", "plain"} and len(path) > 1:
        last = _MARKED.sub("", path[-2].lower())
    return names.index(last) if last in names else None


def _is_time(value: object) -> bool:
    """A date in words or digits, or seconds or milliseconds since 1970."""
    if isinstance(value, str):
        return bool(re.search(r"\d", value)) and 6 <= len(value) <= 60
    return isinstance(value, (int, float)) and value > 100_000_000


def _path(path: tuple[str, ...]) -> str:
    """A JMESPath; a key that is no plain name stands in quotes."""
    return ".".join(key if _PLAIN.match(key) else orjson.dumps(key).decode() for key in path)
