"""Alerts as lines in the terminal that runs wirewatch, or in the file its output goes to."""

from __future__ import annotations

import asyncio
import sys
import unicodedata
from typing import TYPE_CHECKING, Final, TextIO

from wirewatch.errors import PassingFault
from wirewatch.events import Alert, decode

if TYPE_CHECKING:
    from wirewatch.control import Delivery

_JOINERS: Final = "\u200c\u200d"
"""Format characters that some scripts need; all others (such as those that turn the direction) are dropped."""
_LINE: Final = 1_000


def plain_line(text: str) -> str:
    """Text that cannot steer a terminal: one line, no control characters, nothing that re-orders what is read."""
    kept = []
    for char in text[: 4 * _LINE]:
        category = unicodedata.category(char)
        if category in {"Cc", "Zl", "Zp"}:
            kept.append(" ")
        elif category not in {"Cf", "Cs", "Co", "Cn"} or char in _JOINERS:
            kept.append(char)
    return " ".join("".join(kept).split())[:_LINE]


def alert_line(alert: Alert) -> str:
    """``ALERT corrected CORRECTION: ... | feed | link``."""
    link = (alert.entry.page or alert.entry.link) if alert.entry else None
    kind = f"{alert.type} (test)" if alert.test else alert.type
    parts = [f"ALERT {kind} {alert.text}", alert.feed.title or alert.feed.id, link or ""]
    return " | ".join(line for part in parts if (line := plain_line(part)))


class TerminalChannel:
    """Writes each alert as a line, at once, also where the output is a file."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._one_at_a_time = asyncio.Lock()

    async def deliver(self, delivery: Delivery) -> None:
        """See `DeliveryChannel`. A terminal that is stopped holds up the other lines, not the event loop."""
        line = alert_line(decode(delivery.payload, Alert))
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._write, line + "\n")
            except (OSError, ValueError) as error:
                raise PassingFault(f"the terminal cannot be written: {error}") from error

    def _write(self, line: str) -> None:
        stream = self._stream or sys.stdout
        try:
            stream.write(line)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
