"""Logging: lines for people in a terminal, JSON otherwise; secrets never get through."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

# Both take time linear in the text, whatever it is: a match starts at a sign that its own run cannot hold, and the
# look ahead for a secret's name is never gone back into.
_USERINFO = re.compile(r"(://)[^\s/?#\"']+@")
_SECRET_PARAM = re.compile(
    r"(?i)([?&;#](?=[\w.%-]*(?:token|secret|key|password|passwd|pwd|auth|signature|sig|session|code))[\w.%-]+=)"
    r"[^&;#\s\"']+"
)
_HIDDEN = "[redacted]"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SECRET_NAME = re.compile(r"(?i)(token|secret|password|passwd|authorization|cookie|api[-_]?key)")


def redact(text: str) -> str:
    """Text with what is secret in URLs (``user:pass@``, ``?token=``) struck out."""
    return _SECRET_PARAM.sub(r"\1[redacted]", _USERINFO.sub(r"\1[redacted]@", text))


def _redacted(value: object) -> object:
    """A field's value without secrets, however deep they lie; what is no plain value is written as its repr."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, BaseException):
        return redact(str(value))
    if isinstance(value, Mapping):
        return {str(key): _HIDDEN if _SECRET_NAME.search(str(key)) else _redacted(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(one) for one in value]
    return redact(repr(value))


def _redact_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        event[key] = _HIDDEN if _SECRET_NAME.search(key) else _redacted(value)
    # the renderers write a traceback as it is: what a source put into an error must not steer the terminal
    for key in ("exception", "event"):
        if isinstance(text := event.get(key), str):
            event[key] = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
    return event


def configure_logs(*, level: str = "info", stream: TextIO | None = None, json: bool | None = None) -> None:
    """Set up logging for this process. ``json`` None: JSON where ``stream`` is no terminal."""
    out = stream or sys.stderr
    as_json = (not out.isatty()) if json is None else json
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(pad_event_to=0)
    # the traceback becomes text before it is redacted; the console renderer would write it past us
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def get_logger(stage: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that says which stage speaks."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(stage=stage)
    return logger


class Sparing:
    """Says when a line is due again: what is tried every second while a server is away must not fill the log."""

    def __init__(self, every: float = 30.0) -> None:
        self._every = every
        self._said = ""
        self._said_at = -float("inf")

    def is_due(self, line: str, now: float) -> bool:
        """Whether to say it at ``now`` (seconds that only go on): another line than the last, or after a while."""
        if line == self._said and now - self._said_at < self._every:
            return False
        self._said, self._said_at = line, now
        return True
