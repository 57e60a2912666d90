"""Two web processes on one cluster: a place in the stream of one is the same place in the other's."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp
import pytest
from msgspec.structs import replace

from sinks.alerts.match import alert_record
from tests.alerts.kit import event
from tests.end_to_end.program import Program
from tests.kafka_stages.kit import PARTITIONS, until
from tests.kafka_stages.test_alerts import record_of
from tests.servers.processes import free_ports
from tests.web.kit import Sse, alert_of, read_events
from wirewatch.brokers.kafka import KafkaBroker

pytestmark = pytest.mark.servers
MakeRole = Callable[..., Program]


class Page:
    """A web process and a reader of its stream."""

    def __init__(self, role: MakeRole, name: str, client: aiohttp.ClientSession) -> None:
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.program = role("web", name, f'[web]\nlisten = "127.0.0.1:{port}"')
        self._client = client

    async def up(self) -> bool:
        try:
            async with self._client.get(f"{self.url}/api/v1/stream", headers={"Last-Event-ID": "no place"}) as answer:
                return answer.status == 400
        except aiohttp.ClientError:
            return False

    async def read(self, count: int, *, last: str = "", query: str = "") -> list[Sse]:
        headers = {"Last-Event-ID": last} if last else {}
        async with asyncio.timeout(20), self._client.get(f"{self.url}/api/v1/stream{query}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await read_events(answer, count)


async def publish(broker: KafkaBroker, first: int, count: int) -> list[str]:
    """So many events over all partitions, each with an alert; the ids that a reader should meet."""
    events = [event(name=f"n{n}", feed_id=f"feed-{n}") for n in range(first, first + count)]
    alerts = [replace(alert_record(alert_of(one, alert_id=f"al_{one.id}")), key=f"su_{one.feed_id}") for one in events]
    # at once, so that partitions are met in any order
    await asyncio.gather(*(broker.publish([record]) for record in [*map(record_of, events), *alerts]))
    return [one.id for one in events] + [f"al_{one.id}" for one in events]


def told(events: list[Sse]) -> list[str]:
    return [one.data.get("alert_id") or one.data["id"] for one in events]


async def test_a_place_is_the_same_in_two_web_processes_and_over_a_kill(broker: KafkaBroker, role: MakeRole) -> None:
    async with aiohttp.ClientSession() as client:
        pages = [Page(role, name, client) for name in ("web-a", "web-b")]
        for page in pages:
            page.program.start()
        for page in pages:
            await until(page.up)
        ids = await publish(broker, 0, 40)
        whole = await pages[0].read(len(ids), query="?from=earliest")
        assert sorted(told(whole)) == sorted(ids)
        rng = random.Random(5)
        for cut in rng.sample(range(len(ids) - 1), 6):
            rest = await pages[1].read(len(ids) - cut - 1, last=whole[cut].id)
            assert sorted(told([*whole[: cut + 1], *rest])) == sorted(ids), f"cut after {cut}"
        assert max(len(one.id) for one in whole) < 40 + 12 * 2 * PARTITIONS

        seen, last = told(whole), whole[-1].id
        for turn in range(6):
            ids += (more := await publish(broker, 100 + 10 * turn, 5))
            got = await pages[turn % 2].read(len(more) - 1, last=last)  # the rest is for the other process
            seen, last = seen + told(got), got[-1].id
            if turn == 2:
                pages[0].program.kill()
                pages[0].program.start()
                await until(pages[0].up)
        seen += told(await pages[0].read(len(ids) - len(seen), last=last))
        assert sorted(seen) == sorted(ids)
