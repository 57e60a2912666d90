"""Logging: lines for people in a terminal, JSON otherwise; secrets never get through."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"']+@")
_SECRET_PARAM = re.compile(
    r"(?i)([?&;](?:[\w-]*(?:token|secret|key|password|passwd|pwd|auth|signature|sig|session|code)[\w-]*)=)[^&;#\s\"']+"
)
_SECRET_NAME = re.compile(r"(?i)(token|secret|password|passwd|authorization|cookie|api[-_]?key)")


def redact(text: str) -> str:
    """Text with what is secret in URLs (``user:pass@``, ``?token=``) struck out."""
    return _SECRET_PARAM.sub(r"\1[redacted]", _USERINFO.sub(r"\1[redacted]@", text))


def _redact_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if _SECRET_NAME.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = redact(value)
        elif isinstance(value, BaseException):
            event[key] = redact(str(value))
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
