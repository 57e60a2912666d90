"""Following the log in the background, for as long as the page is up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from wirewatch.errors import PassingFault
from wirewatch.logs import get_logger

_PAUSE = 1.0
_log = get_logger("web")


async def follow_for_ever(step: Callable[[], Awaitable[object]], *, what: str) -> None:
    """Take the step again and again until cancelled; ``step`` itself waits for news.

    Nothing ends it: a page that stopped following would go stale without a word. A fault is waited out, anything
    else is logged with its traceback and tried again; readiness says in words where the log is gone.
    """
    while True:
        try:
            await step()
        except PassingFault as fault:
            _log.warning("the log cannot be read at the moment", following=what, error=fault)
            await asyncio.sleep(fault.retry_after or _PAUSE)
        except Exception:  # noqa: BLE001 - the outermost seam of a background task
            _log.exception("following the log failed; it is tried again", following=what)
            await asyncio.sleep(_PAUSE)
