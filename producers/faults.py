"""What went wrong with a request, as a reason for lists and in words for people; never with a secret in it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp

from producers.answers import Limits, Reason
from wirewatch.errors import BadInput
from wirewatch.net import blocked_cause


class Refused(Exception):  # noqa: N818 - named for what it is
    """A request that ends here, with its reason."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.reason: Reason = reason


def plain(text: object) -> str:
    """Text from outside as one short line of printable ASCII."""
    return "".join(c for c in str(text or "")[:200] if " " <= c <= "~")


_Kinds = type[Exception] | tuple[type[Exception], ...]
_FAULTS: tuple[tuple[_Kinds, Reason, Callable[[Any, Limits], str]], ...] = (
    (aiohttp.ConnectionTimeoutError, "timeout", lambda _, limits: f"no connection within {limits.connect_seconds:g} s"),
    (TimeoutError, "timeout", lambda _, limits: f"not answered in full within {limits.total_seconds:g} s"),
    (aiohttp.ClientConnectorDNSError, "dns", lambda e, _: f"the host's name is not found: {plain(e.os_error)}"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "tls", lambda e, _: f"no safe connection: {plain(e)}"),
    (
        aiohttp.ClientConnectorError,
        "connect",
        lambda e, _: f"no connection: {os.strerror(e.os_error.errno) if e.os_error.errno else plain(e.os_error)}",
    ),
    (
        (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionError),
        "truncated",
        lambda _e, _: "the connection ended before the answer did",
    ),
    (OSError, "dns", lambda e, _: f"the host's name is not found: {plain(e)}"),
)
_KNOWN: dict[str, Reason] = {
    "bad-url": "bad-url",
    "bad-encoding": "bad-encoding",
    "too-large": "too-large",
    "truncated": "truncated",
    "setting": "setting",
}


def fault_of(error: Exception, limits: Limits) -> tuple[Reason, str]:
    """The reason and the words for an error that a request raised."""
    if isinstance(error, Refused):
        return error.reason, str(error)
    blocked = blocked_cause(error)
    if blocked is not None:
        return "blocked", str(blocked)
    if isinstance(error, BadInput):
        return _KNOWN.get(error.reason, "bad-answer"), str(error)
    for kinds, reason, words in _FAULTS:
        if isinstance(error, kinds):
            return reason, words(error, limits)
    return "bad-answer", f"the answer is not HTTP as it should be: {type(error).__name__}: {plain(error)}"
