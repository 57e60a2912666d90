"""The time of day as it was when the process began, plus what has passed since: it never jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wirewatch.logs import get_logger

if TYPE_CHECKING:
    from wirewatch.control import ControlStore
    from wirewatch.times import Clock

_log = get_logger("control")
_OFF_MS: Final = 60_000


class SteadyTime:
    """Milliseconds that only go on, whatever happens to the machine's clock (F14).

    Retries and ages are counted in it: a clock set a day forward or back starts no storm and holds nothing up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_ms = clock.now_ms() - int(clock.monotonic() * 1_000)

    async def begin_with(self, store: ControlStore) -> None:
        """Go on from the time of day that all who share the store begin with, where it has one of its own.

        Of two machines whose clocks are a day apart one would else take what the other has in flight, give up at
        the first failure what the other has only begun to try, and let it wait for a day. Raises what
        `ControlStore.clock_ms` raises.
        """
        told = await store.clock_ms()
        if told is None:
            return
        off = self.now_ms() - told
        if abs(off) > _OFF_MS:
            _log.warning("this machine's clock is off; deliveries go by the control store's", seconds=off / 1_000)
        self._base_ms = told - int(self._clock.monotonic() * 1_000)

    def now_ms(self) -> int:
        """Milliseconds since 1970, as far as the clock was right that it began with."""
        return self._base_ms + int(self._clock.monotonic() * 1_000)
