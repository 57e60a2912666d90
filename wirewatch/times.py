"""Times as wirewatch writes them: RFC 3339, UTC, ``Z``, milliseconds; inside, integers of milliseconds.

Text in this one form sorts as time does, so stores compare it without reading it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wirewatch.errors import UserError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class Clock(Protocol):
    """Where a host takes the time from; decisions never see one."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 in UTC; may jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for waiting and retrying."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long; cancellation passes through."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """See `Clock`."""
        import time  # noqa: PLC0415 - the only module that reads a clock does so here alone

        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """See `Clock`."""
        import time  # noqa: PLC0415 - as above

        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        import asyncio  # noqa: PLC0415 - as above

        await asyncio.sleep(seconds)


def format_ms(ms: int) -> str:
    """``1641587464120`` -> ``"2022-01-07T20:31:04.120Z"``; years 1 to 9999, else ``ValueError``."""
    try:
        at = EPOCH + timedelta(milliseconds=ms)
    except OverflowError as error:
        raise ValueError(f"{ms} ms is outside the years 1 to 9999") from error
    # an eighth of strftime's cost, in a function that every event calls several times
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def parse_ms(text: str) -> int:
    """An RFC 3339 time in any zone to milliseconds; ``ValueError`` where it is none or has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write 2022-01-07T20:31:04Z")
    return (at - EPOCH) // timedelta(milliseconds=1)


def parse_duration_ms(text: str) -> int:
    """``"500ms"``, ``"15s"``, ``"1h30m"``, ``"0s"`` to milliseconds; `UserError` says what is allowed."""
    matches = list(_DURATION.finditer(text))
    if not matches or "".join(m.group(0) for m in matches) != text:
        raise UserError(f"{text!r} is not a duration; write a number with ms, s, m, h or d, such as 30s or 1h30m")
    return round(sum(float(m.group(1)) * _UNITS[m.group(2)] for m in matches))


def format_duration(ms: int) -> str:
    """``90000`` -> ``"1m30s"``: at most two units, for people."""
    parts: list[str] = []
    rest = ms
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
