from __future__ import annotations

import asyncio

import pytest

from sinks.web import following
from sinks.web.following import follow_for_ever
from wirewatch.errors import PassingFault


async def test_neither_a_fault_nor_a_bug_ends_the_following_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0.0)
    came = asyncio.Event()
    fates = iter([PassingFault("away"), RuntimeError("a bug"), None])

    async def step() -> None:
        fate = next(fates, None)
        if fate is not None:
            raise fate
        came.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(follow_for_ever(step, what="a topic"))
    await asyncio.wait_for(came.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
