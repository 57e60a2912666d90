"""What a request asks for: parameters read strictly, each mistake a 400 in words."""

from __future__ import annotations

import re

from aiohttp import web

from sinks.web.archive import Order
from wirewatch.errors import UserError
from wirewatch.times import format_ms, parse_duration_ms, parse_ms

MAX_LIMIT = 500
_FEED_ID = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")


def refuse(text: str) -> web.HTTPBadRequest:
    """A 400 that says what was wrong."""
    return web.HTTPBadRequest(text=text + "\n")


def limit_of(request: web.Request, default: int = 50) -> int:
    """How many to give: 1 to 500."""
    text = request.query.get("limit", str(default))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise refuse(f"limit: a whole number from 1 to {MAX_LIMIT}, not {text[:40]!r}")
    return int(text)


def feed_of(request: web.Request) -> str | None:
    """The feed asked for, if one is."""
    text = request.query.get("feed") or None
    if text is not None and not _FEED_ID.match(text):
        raise refuse(f"feed: {text[:80]!r} is no feed's id")
    return text


def order_of(request: web.Request) -> Order:
    """``newest`` or ``oldest`` first."""
    text = request.query.get("order", "newest")
    if text not in {"newest", "oldest"}:
        raise refuse(f"order: newest or oldest, not {text[:40]!r}")
    return "newest" if text == "newest" else "oldest"


def time_of(request: web.Request, name: str, now_ms: int) -> str | None:
    """A moment: RFC 3339, a date, or a duration back from now."""
    text = request.query.get(name, "").strip()
    if not text:
        return None
    try:
        return format_ms(now_ms - parse_duration_ms(text))
    except (UserError, ValueError):
        pass
    try:
        return format_ms(parse_ms(text if "T" in text.upper() else f"{text}T00:00:00Z"))
    except ValueError as error:
        raise refuse(f"{name}: a time such as 2026-01-07T20:00:00Z, a date, or 2h, not {text[:60]!r}") from error
