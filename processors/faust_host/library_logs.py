"""What Faust says, through our own log: from warnings up, and no line over and over."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

from wirewatch.logs import get_logger

_LIBRARIES: Final = ("faust", "mode")
"""What the client itself says the broker's room has silenced: it says the same again and again."""
_AGAIN_SECONDS: Final = 30.0
"""The same kind of line is written once in so long, with how many were left out."""
_KINDS: Final = 500


class LibraryLog(logging.Handler):
    """Hands lines on, the same template at most once in a while."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        if "Crashed reason=" in str(record.msg):
            return  # the host says why a worker ended, and what becomes of it
        kind = (record.name, str(record.msg)[:80])
        now = monotonic()
        last, left_out = self._said.get(kind, (-_AGAIN_SECONDS, 0))
        if now - last < _AGAIN_SECONDS:
            self._said[kind] = (last, left_out + 1)
            return
        if len(self._said) >= _KINDS:
            self._said.clear()
        self._said[kind] = (now, 0)
        log = get_logger("faust")
        say = log.error if record.levelno >= logging.ERROR else log.warning
        more = {"left_out": left_out} if left_out else {}
        say(self._text(record), library=record.name, exc_info=record.exc_info or None, **more)

    def _text(self, record: logging.LogRecord) -> str:
        try:
            return record.getMessage().strip()
        except (TypeError, ValueError):  # a library's mistake in its own line
            return str(record.msg)


def route_library_logs() -> None:
    """Send what the libraries say through our log. Safe to call again."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, LibraryLog) for handler in logger.handlers):
            logger.handlers = [LibraryLog()]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
