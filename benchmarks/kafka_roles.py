"""Each role on Kafka alone, in a process of its own with its input waiting: records a second, processor time, memory.

The floor runs in the same run: the bare aiokafka client reads the same records and sends the very records that the
role made, acknowledged; many in flight, and one record after the other (as a stage with state must). For `notify` it
posts them, four at a time; for `poll` it asks the same origin and sends what it got. A role's rate leaves out the
first tenth of its records; its memory is taken when it has done all and was left alone for two seconds.

    .venv/bin/python benchmarks/kafka_roles.py [--snapshots 1000] [--feeds 200] [--seconds 15] [--no-opensearch]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence

import aiohttp
import apsw
import kafka_cluster as kc
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka_role import BARE, Row, floors, run_role
from scripted_news import FEEDS, NEW, WINDOW, Source

from tests.servers.processes import free_port
from wirewatch.topics import ALERTS, DIFF_STATE, ENTRIES, ENTRIES_LATEST, ENTRY_EVENTS, SNAPSHOTS, SUBSCRIPTIONS

HOSTS = 40
ORIGIN = """
import asyncio, random, sys, time
from aiohttp import web
HOSTS, WINDOW = int(sys.argv[1]), 20
chance = random.Random(3)
words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(3, 9))) for _ in range(2000)]
asked = {}
def item(path, number):
    chance.seed(number)
    text = " ".join(chance.choices(words, k=80))
    when = time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(1_760_000_000 + number * 60))
    return (f"<item><guid>{path}/{number}</guid><title>{text[:70]}</title><description>{text}</description>"
            f"<pubDate>{when}</pubDate></item>")
feeds = {}
async def give(request):
    path = request.path
    number, items = feeds.get(path) or (WINDOW, [item(path, n) for n in range(WINDOW, 0, -1)])
    items = [item(path, number + 1), *items[:WINDOW - 1]]
    feeds[path] = number + 1, items
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{path}</title>{"".join(items)}</channel></rss>'
    return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": f'"{number}"'})
async def main():
    app = web.Application(); app.router.add_get("/{any}", give)
    runner = web.AppRunner(app, access_log=None); await runner.setup()
    port = int(sys.argv[2])
    for host in range(HOSTS):
        await web.TCPSite(runner, f"127.0.0.{host + 1}", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def diff_and_enrich(cluster: kc.Cluster, told: argparse.Namespace, source: Source) -> list[Row]:
    baselines = [kc.sent(source.snapshot(feed, WINDOW)) for feed in range(FEEDS)]
    more = [kc.sent(source.snapshot(number % FEEDS, NEW, mark=True)) for number in range(told.snapshots)]
    await cluster.publish(SNAPSHOTS.name, baselines)
    await cluster.publish(SNAPSHOTS.name, more)
    snapshots, entries = FEEDS + told.snapshots, FEEDS * WINDOW + told.snapshots * NEW
    diff, enrich = Row("diff", "entries"), Row("enrich", "entries")
    await run_role(cluster.role("diff"), diff, await cluster.ends(ENTRY_EVENTS.name), entries)
    # what it made goes out and is acknowledged; then its state, and then the next
    await floors(cluster, diff, SNAPSHOTS.name, ENTRY_EVENTS.name, DIFF_STATE.name, per=entries / snapshots)
    await run_role(cluster.role("enrich"), enrich, await cluster.ends(ENTRIES.name), entries)
    await floors(cluster, enrich, ENTRY_EVENTS.name, ENTRIES.name, ENTRIES_LATEST.name)
    return [diff, enrich]


async def search(cluster: kc.Cluster) -> list[Row]:
    entries = await (await cluster.ends(ENTRIES.name))()
    embedded = Row("search (embedded)", "entries")
    program = cluster.role("search", name="search-embedded")

    async def written() -> int:
        file = program.folder / "data" / "search.db"
        if not file.exists():
            return 0
        conn = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            conn.set_busy_timeout(1_000)
            return int(conn.execute("SELECT coalesce(sum(next_offset), 0) FROM positions").get or 0)
        except apsw.SQLError:
            return 0  # the table is yet to be made
        finally:
            conn.close()

    await run_role(program, embedded, written, entries)
    await floors(cluster, embedded, ENTRIES.name)
    if cluster.opensearch is None:
        return [embedded]
    server, there = cluster.opensearch, Row("search (OpenSearch)", "entries")

    async def indexed() -> int:
        said = await asyncio.to_thread(server.ask, "GET", "/wirewatch-entries-*/_stats/indexing?allow_no_indices=true")
        return int(said["_all"]["primaries"].get("indexing", {}).get("index_total", 0))

    await run_role(cluster.role("search", name="search-opensearch", search=server.url), there, indexed, entries)
    there.floor, there.one_by_one = embedded.floor, embedded.one_by_one
    return [embedded, there]


async def alerts(cluster: kc.Cluster, hooks: kc.Hooks, source: Source) -> list[Row]:
    await cluster.publish(SUBSCRIPTIONS.name, kc.saved_searches(source.words, all_told=True))
    match, notify = Row("match", "entries"), Row("notify", "alerts")
    count = cluster.positions("match", ENTRIES.name)
    await run_role(cluster.role("match"), match, count, await (await cluster.ends(ENTRIES.name))())
    await floors(cluster, match, ENTRIES.name, ALERTS.name)
    told = await (await cluster.ends(ALERTS.name))()
    print(f"{told} alerts", flush=True)

    await run_role(cluster.role("notify"), notify, cluster.told(), told)
    notify.floor = told / await post_all(cluster, hooks, told)
    return [match, notify]


async def post_all(cluster: kc.Cluster, hooks: kc.Hooks, total: int) -> float:
    """Seconds to read all alerts and post each, four at a time."""
    consumer = AIOKafkaConsumer(
        ALERTS.name,
        bootstrap_servers=cluster.kafka.bootstrap,
        group_id="bare-post",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    room, done, began = asyncio.Semaphore(4), 0, 0.0
    async with consumer, aiohttp.ClientSession() as session:

        async def post(value: bytes) -> None:
            async with room, session.post(f"{hooks.url}/alerts", data=value) as answer:
                await answer.read()

        while done < total:
            for records in (await consumer.getmany(timeout_ms=1_000, max_records=256)).values():
                began = began or time.monotonic()
                await asyncio.gather(*[post(record.value) for record in records])
                done += len(records)
    return time.monotonic() - began


async def poll(cluster: kc.Cluster, told: argparse.Namespace) -> Row:
    """An origin whose every answer is new, asked as fast as it goes."""
    port, row = free_port(), Row("poll", "snapshots")
    command = [sys.executable, "-c", ORIGIN, str(HOSTS), str(port)]
    origin = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert origin.stdout is not None
    assert await origin.stdout.readline() == b"ready\n"
    urls = [f"http://127.0.0.{n % HOSTS + 1}:{port}/{n}" for n in range(told.feeds)]
    try:
        program = cluster.role(
            "poll",
            extra='[poll]\nmin_interval = "10ms"\nper_host_interval = "0s"\nrobots = false\ncheck_pages = false\n'
            + "".join(f'[[feeds]]\nid = "polled-{n}"\nurl = "{url}"\nevery = "10ms"\n' for n, url in enumerate(urls)),
        )
        count = await cluster.ends(SNAPSHOTS.name)
        before = await count()
        program.start()
        await kc.until_running(program)
        await kc.until(count, before + 2 * told.feeds, program)
        assert program.process is not None
        used, first, began = kc.cpu_seconds(program.process.pid), await count(), time.monotonic()
        await asyncio.sleep(told.seconds)
        done = await count() - first
        row.rate = done / (time.monotonic() - began)
        row.cpu = (kc.cpu_seconds(program.process.pid) - used) / done
        row.now, row.peak = kc.memory_mib(program)
        program.stop()
        row.floor = await ask_all(cluster, urls, told.seconds)
    finally:
        origin.kill()
        await origin.wait()
    return row


async def ask_all(cluster: kc.Cluster, urls: Sequence[str], seconds: float) -> float:
    """Bodies a second of a bare aiohttp client and a bare producer, one request at a time to each host.

    Two records go out for each body, as from a poller: the body, and what became of the poll.
    """
    until, done = time.monotonic() + seconds, 0
    async with (
        AIOKafkaProducer(bootstrap_servers=cluster.kafka.bootstrap, **kc.PRODUCER) as producer,
        aiohttp.ClientSession() as session,
    ):

        async def ask(mine: Sequence[str]) -> None:
            nonlocal done
            while True:
                for url in mine:
                    if time.monotonic() > until:
                        return
                    async with session.get(url) as answer:
                        body = await answer.read()
                    await producer.send_and_wait(BARE, body, url.encode())
                    await producer.send_and_wait(BARE, body[:500], url.encode())
                    done += 1

        await asyncio.gather(*[ask(urls[host::HOSTS]) for host in range(HOSTS)])
    return done / seconds


async def web(cluster: kc.Cluster) -> Row:
    """The page's process: memory when it follows the log, and nobody reads."""
    row = Row("web", "")
    index = cluster.opensearch.url if cluster.opensearch else "embedded"
    program = cluster.role("web", search=index, extra=f'[web]\nlisten = "127.0.0.1:{free_port()}"\n')
    program.start()
    await kc.until_running(program)
    await asyncio.sleep(5)
    row.now, row.peak = kc.memory_mib(program)
    program.stop()
    return row


async def measure(told: argparse.Namespace) -> None:
    machine, source = kc.Machine(), Source()
    async with kc.receiving() as hooks, kc.Cluster(opensearch=told.opensearch) as cluster:
        cluster.webhook = hooks.url
        await cluster.create(BARE)
        rows = await diff_and_enrich(cluster, told, source)
        rows += await search(cluster)
        rows += await alerts(cluster, hooks, source)
        rows += [await poll(cluster, told), await web(cluster)]
    print(f"{machine}; {FEEDS} feeds, {told.snapshots} snapshots of {NEW} new entries each, 1,000 saved searches")
    print("| role | rate | bare client (ratio) | bare, one at a time (ratio) | us of processor each | MiB (peak) |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=1_000)
    parser.add_argument("--feeds", type=int, default=200, help="that the poller asks")
    parser.add_argument("--seconds", type=float, default=15, help="that the poller is watched")
    parser.add_argument("--no-opensearch", dest="opensearch", action="store_false")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
