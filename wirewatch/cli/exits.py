"""Exit statuses, and how a command that waits is run to its end.

0 done; 1 what was asked for did not come out (nothing recognised, a check failed); 2 a mistake in
the command or the settings; 3 a fault that may pass (the store is busy, a server is away); 4 the store is
damaged, full or newer than this program; 70 a bug of ours; 130 interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec

from wirewatch.errors import BadInput, BrokenStorage, PassingFault, UserError, WirewatchError

P = ParamSpec("P")

NOT_FOUND: Final = 1
MISTAKE: Final = 2
PASSING: Final = 3
BROKEN: Final = 4
BUG: Final = 70
INTERRUPTED: Final = 130
_STATUS: dict[type[WirewatchError], int] = {
    UserError: MISTAKE,
    BadInput: NOT_FOUND,
    PassingFault: PASSING,
    BrokenStorage: BROKEN,
}


def status_of(error: WirewatchError) -> int:
    """The exit status that an error of ours ends the program with."""
    return next((status for type_, status in _STATUS.items() if isinstance(error, type_)), BUG)


def as_command(function: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, int]:
    """Run an async command to its end and give its exit status."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        return asyncio.run(function(*args, **kwargs)) or 0

    return run
