"""The poller and the diff together, over the log: what one sees of a source's rhythm, the other heeds."""

from __future__ import annotations

import asyncio

from aiohttp import web
from msgspec.structs import replace

from processors.diff_handler import DiffHandler
from tests.producers.kit import Origin, last_polls, put_feed, until
from tests.producers.polling import feed_at, polling
from wirewatch import topics
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.events import Poll
from wirewatch.settings.declared import Settings

CLOSED = """<html><head><title>Flood</title><script type="application/ld+json">
{"@context": "https://schema.org", "@type": "LiveBlogPosting", "headline": "Flood", "coverageEndTime":
"2022-01-07T12:00:00Z", "liveBlogUpdate": [{"@type": "BlogPosting", "headline": "The water falls",
"datePublished": "2022-01-07T11:00:00Z", "articleBody": "The lower road is open again."}]}
</script></head><body><h1>Flood</h1></body></html>"""


async def _diffing(broker: EmbeddedBroker) -> None:
    """The diff's stage, as small as it can be: every snapshot in order, its outputs published."""
    handler, offset = DiffHandler(), 0
    states: dict[str, bytes | None] = {}
    while True:
        records = await broker.read(topics.SNAPSHOTS.name, 0, offset, wait=0.05)
        for record in records:
            offset = record.offset + 1
            step = handler.handle(record, states.get(record.key or ""))
            states[record.key or ""] = step.state
            if step.outputs:
                await broker.publish(list(step.outputs))


async def _poll(broker: EmbeddedBroker) -> Poll | None:
    return (await last_polls(broker)).get("f")


async def test_a_gap_that_the_diff_sees_makes_the_poller_look_sooner(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    shown = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal shown
        shown += 1
        items = "".join(f"<item><guid>{shown}-{n}</guid><title>News {shown} {n}</title></item>" for n in range(5))
        return web.Response(
            text=f"<rss version='2.0'><channel><title>x</title>{items}</channel></rss>",
            content_type="application/rss+xml",
            headers={"Cache-Control": "max-age=1"},
        )

    async def hurried() -> bool:
        poll = await _poll(broker)
        return poll is not None and poll.ceiling_s is not None and poll.ceiling_s < 0.6

    origin.routes["/feed"] = answer
    await put_feed(broker, feed_at(origin, every="auto"))
    slow = replace(settings, poll=replace(settings.poll, max_interval="1h"))
    diffing = asyncio.create_task(_diffing(broker))
    async with polling(broker, slow):
        await until(hurried)
    diffing.cancel()


async def test_a_page_whose_coverage_has_ended_is_taken_to_be_over_by_the_poller(
    broker: EmbeddedBroker, settings: Settings, origin: Origin
) -> None:
    async def over() -> bool:
        poll = await _poll(broker)
        return poll is not None and poll.over_since is not None

    origin.serve("/feed", CLOSED.encode(), content_type="text/html")
    await put_feed(broker, feed_at(origin, every="auto"))
    diffing = asyncio.create_task(_diffing(broker))
    async with polling(broker, settings):
        await until(over)
    diffing.cancel()
    poll = await _poll(broker)
    assert poll is not None
    assert poll.live
    assert (poll.stopped, poll.ended) == (False, None), "for an hour yet"
