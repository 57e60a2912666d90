"""Whether this process can do its work now: the phase it is in, and what it stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from wirewatch.errors import WirewatchError
from wirewatch.logs import get_logger, redact
from wirewatch.metrics import DEPENDENCY_UP
from wirewatch.times import Clock

Check = Callable[[], Awaitable[str | None]]
"""None where it is well, else why not, in words."""

_FRESH_SECONDS: Final = 2.0
_log = get_logger("probes")


class Readiness:
    """What `/readyz` and `wirewatch_dependency_up` say. Safe from many tasks of one event loop.

    ``phase`` says what the process itself still waits for (``starting``, ``stopping``), None while it works.
    ``patience``: a dependency that has not answered for so many seconds counts as away.
    """

    def __init__(self, phase: Callable[[], str | None], clock: Clock, *, patience: float = 3.0) -> None:
        self._phase = phase
        self._clock = clock
        self._patience = patience
        self._checks: dict[str, Check] = {}
        self._found: dict[str, str] = {}
        self._looked: float | None = None
        self._looking = asyncio.Lock()

    def add(self, dependency: str, check: Check) -> None:
        """Let ``check`` speak for a dependency from now on."""
        self._checks[dependency] = check
        self._looked = None

    async def look(self) -> None:
        """Ask every dependency and set its metric; what was found is good for two seconds, whoever asks."""
        async with self._looking:
            now = self._clock.monotonic()
            if self._looked is not None and now - self._looked < _FRESH_SECONDS:
                return
            names = list(self._checks)
            found = await asyncio.gather(*(self._ask(name) for name in names))
            self._found = {name: why for name, why in zip(names, found, strict=True) if why is not None}
            for name in names:
                DEPENDENCY_UP.labels(name).set(0 if name in self._found else 1)
            self._looked = self._clock.monotonic()

    async def why_not(self) -> str | None:
        """None where this process can do its work, else what is missing, in words, a line for each."""
        if phase := self._phase():
            return phase
        await self.look()
        return "\n".join(f"{name}: {redact(why)}" for name, why in self._found.items()) or None

    async def _ask(self, name: str) -> str | None:
        try:
            return await asyncio.wait_for(self._checks[name](), self._patience)
        except TimeoutError:
            return f"no answer within {self._patience:g} s"
        except WirewatchError as error:
            return str(error)
        except Exception:  # noqa: BLE001 - a bug in one check must not hide what the others say
            _log.exception("a check failed by a mistake of ours", dependency=name)
            return "the check itself failed; the log says more"
