"""The time of day as it was when the process began, plus what has passed since: it never jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirewatch.times import Clock


class SteadyTime:
    """Milliseconds that only go on, whatever happens to the machine's clock (F14).

    Retries and ages are counted in it: a clock set a day forward or back starts no storm and holds nothing up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_ms = clock.now_ms() - int(clock.monotonic() * 1_000)

    def now_ms(self) -> int:
        """Milliseconds since 1970, as far as the clock was right when this was made."""
        return self._base_ms + int(self._clock.monotonic() * 1_000)
