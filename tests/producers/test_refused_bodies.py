from __future__ import annotations

import dataclasses
from pathlib import Path

from aiohttp import web

from tests.producers.kit import Origin, last_polls, put_feed, snapshots, until
from tests.producers.polling import feed_at, polling
from wirewatch.brokers.dead_letters import list_dead_letters
from wirewatch.brokers.embedded import open_runner
from wirewatch.settings.declared import Settings
from wirewatch.topics import SNAPSHOTS, TOPICS

LIMITED = [dataclasses.replace(t, max_message_bytes=20_000) if t is SNAPSHOTS else t for t in TOPICS.values()]


async def test_a_body_that_the_log_does_not_take_is_a_dead_letter_with_its_size_and_the_feed_says_so(
    tmp_path: Path, settings: Settings, origin: Origin
) -> None:
    broker = open_runner(tmp_path / "log", topics=LIMITED)
    bodies = [b"x" * 30_000, b"y" * 40_000, b"z" * 100]
    asked: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(1)
        return web.Response(body=bodies[min((len(asked) - 1) // 3, 2)])

    origin.routes["/feed"] = answer
    try:
        await put_feed(broker, feed_at(origin))
        async with polling(broker, settings):

            async def refused() -> bool:
                poll = (await last_polls(broker)).get("f")
                return poll is not None and poll.reason == "too-large"

            async def well_again() -> bool:
                return (await last_polls(broker))["f"].outcome in ("changed", "unchanged")

            await until(refused)
            poll = (await last_polls(broker))["f"]
            assert (poll.outcome, "over wirewatch.snapshots.v1's limit" in (poll.error or "")) == ("error", True)
            await until(well_again)
        letters = [item.letter for item in await list_dead_letters(broker)]
        # each body once, though it was fetched three times
        assert [(letter.size, letter.value, letter.reason, letter.stage, letter.key) for letter in letters] == [
            (30_000, None, "too-large", "poll", "f"),
            (40_000, None, "too-large", "poll", "f"),
        ]
        assert [body for _, body in await snapshots(broker)][:1] == [b"z" * 100]
    finally:
        await broker.close()
