"""How a feed is asked: pure, from its definition, its last poll and the environment it may take values from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from yarl import URL

from producers.answers import Ask
from wirewatch import __version__
from wirewatch.errors import BadInput
from wirewatch.events import Feed, Poll
from wirewatch.feeds import definition_of
from wirewatch.settings.environment import variable_named
from wirewatch.times import parse_ms

_CLOCKS_APART_MS = 60_000
"""So far the clocks of several pollers may be apart without anybody minding."""
MOVED_AFTER = 3
"""A permanent redirect is believed after this many polls in a row have met it."""


def user_agent(contact: str) -> str:
    """Who we say we are: the program, its version, and where its owner can be reached."""
    plain = "".join(c for c in contact if " " < c <= "~" and c not in "()")
    return f"wirewatch/{__version__} (+{plain})" if plain else f"wirewatch/{__version__}"


def definition_hash(feed: Feed) -> str:
    """Changes with everything that decides what is fetched or what it means; never with names, tags or cadence."""
    parts = msgspec.json.encode((definition_of(feed), sorted(feed.headers.items()), feed.proxy))
    return hashlib.blake2b(parts, digest_size=16).hexdigest()


def full_body_due(previous: Poll | None, *, now_ms: int, full_body_ms: int) -> bool:
    """Whether the whole body must be fetched and published, even if it has not changed.

    Also where the last one is of a time that has not come yet: by a clock that was ahead, and until then nothing that
    is asked for would count as newer (F14).
    """
    if previous is None or previous.last_full is None:
        return True
    since_ms = now_ms - parse_ms(previous.last_full)
    return since_ms >= full_body_ms or since_ms < -_CLOCKS_APART_MS


def wait_left_ms(poll: Poll, *, now_ms: int) -> int:
    """How long this feed still waits for its next poll: never longer than was decided at its last one.

    Whoever polled it last may have had another clock, a day ahead of ours: the feed does not wait for that day (F14).
    """
    due_ms = parse_ms(poll.next_due)
    return max(min(due_ms - now_ms, due_ms - parse_ms(poll.at)), 0)


def plan_ask(feed: Feed, previous: Poll | None, environ: Mapping[str, str], *, unconditional: bool) -> Ask:
    """The request for a poll. Raises `BadInput` (``setting``) where a header's variable is not set.

    ``unconditional``: without validators, and from the feed's own URL, so that a permanent redirect is checked
    again. Else a URL that was seen moved often enough is asked where it moved to, without the feed's own headers if
    that is another origin.
    """
    headers = read_headers(feed, environ)
    known = previous if previous is not None and previous.definition_hash == definition_hash(feed) else None
    if known is None or unconditional:
        return Ask(feed.url, headers, proxy=feed.proxy or None)
    url = feed.url
    if known.moved_to is not None and known.moved_seen >= MOVED_AFTER:
        url = known.moved_to
        if URL(url).origin() != URL(feed.url).with_user(None).origin():
            headers = {}
    return Ask(url, headers, known.etag, known.last_modified, feed.proxy or None)


def read_headers(feed: Feed, environ: Mapping[str, str]) -> dict[str, str]:
    """The feed's own headers, ``env:NAME`` replaced by that variable; `BadInput` names one that is not set."""
    out: dict[str, str] = {}
    for name, value in feed.headers.items():
        text = value
        variable = variable_named(value)
        if variable is not None:
            if variable not in environ:
                raise BadInput(
                    f"headers: {name}: the environment variable {variable} is not set where the poller runs",
                    reason="setting",
                )
            text = environ[variable]
        if any(c in text for c in "\r\n\0"):
            raise BadInput(f"headers: {name}: its value is not one that can be sent", reason="setting")
        out[name] = text
    return out


def host_of(url: str) -> str:
    """The host and port that requests to a URL share their pause by."""
    try:
        read = URL(url)
    except ValueError:
        return url  # no URL at all: its fetch says so
    return f"{read.host}:{read.port}"
