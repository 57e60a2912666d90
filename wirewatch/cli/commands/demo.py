"""`wirewatch demo`: the whole pipeline on an invented event, from a local origin."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape

from sinks.alerts.lifecycle import is_told
from wirewatch.brokers.interface import Broker
from wirewatch.cli.commands.run import stop_on_signals
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.output import plain, say
from wirewatch.cli.pipeline import Pipeline
from wirewatch.demo.origin import Origin
from wirewatch.demo.story import changes, load_story
from wirewatch.errors import UserError
from wirewatch.events import Alert, EntryEvent, Feed, JsonPaths, decode
from wirewatch.logs import configure_logs
from wirewatch.settings import Configuration, Poll, Settings
from wirewatch.settings.declared import Ops, SearchDeclared
from wirewatch.times import SystemClock, parse_ms
from wirewatch.topics import ALERTS, ENTRIES

_SEARCHES = [
    SearchDeclared("Death toll", "figure.killed>=10", ["terminal"]),
    SearchDeclared("Bridges", "bridge AND (closed OR open)", ["terminal"]),
    SearchDeclared("Dams in danger", "headline:dam (crack* OR breach*)", ["terminal"]),
]
_STYLES = {"created": "green", "updated": "yellow", "withdrawn": "red", "restored": "cyan", "source-error": "red"}
_WORDS = {
    "created": "NEW",
    "updated": "EDITED",
    "withdrawn": "WITHDRAWN",
    "restored": "RESTORED",
    "source-error": "SOURCE ERROR",
    "source-recovered": "SOURCE WELL",
    "backfilled": "FOUND LATER",
}


def demo_configuration(base: str, folder: Path, port: int, web: Configuration) -> Configuration:
    """Settings of the demo: its three sources, three saved searches, everything in a folder of its own."""
    feeds = [
        Feed(
            id="velmora-live",
            url=f"{base}/live",
            name="Northwire live: Karsk Dam",
            kind="live-page",
            listing="window",
            every="1s",
        ),
        Feed(id="northwire", url=f"{base}/wire.rss", name="Northwire: Velmora", kind="rss", every="2s"),
        Feed(
            id="closures",
            url=f"{base}/closures.json",
            name="Crisis office: closures",
            kind="json",
            listing="full",
            every="2s",
            json=JsonPaths(items="closures", id="id", headline="title", body="text", url="url"),
        ),
    ]
    settings = Settings(
        data_dir=str(folder),
        allow_networks=["127.0.0.0/8"],
        poll=Poll(min_interval="500ms", per_host_interval="200ms", robots=False),
        web=replace(
            web.settings.web, listen=f"127.0.0.1:{port}", public_url=f"http://127.0.0.1:{port}" if port else ""
        ),
        ops=Ops(canary_every="0s"),
        log=web.settings.log,
    )
    return Configuration(settings, None, folder, feeds, _SEARCHES, [])


@as_command
async def demo(*, seconds: int = 75, port: int = 8765) -> int:
    """Show the whole pipeline at work on an invented event; needs no network and leaves nothing behind.

    Parameters
    ----------
    seconds
        How long the event takes: 20 to 3600.
    port
        The page's port on this machine; 0 takes a free one.
    """
    if not 20 <= seconds <= 3600:
        raise UserError(f"--seconds {seconds}: 20 to 3600")
    configure_logs(level="error")
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-demo-"))
    story = load_story()
    origin = Origin(story, SystemClock(), length_ms=seconds * 1000)
    await origin.start()
    try:
        config = demo_configuration(origin.base, folder, port, configuration())
        pipeline = Pipeline(config)
        stop_on_signals(pipeline)
        running = asyncio.create_task(pipeline.run())
        show = asyncio.create_task(Show(pipeline, origin, seconds, changes(story, seconds * 1000)).run())
        # what ends first ends the other: the story is over, or Ctrl-C, or an error of the pipeline
        await asyncio.wait({running, show}, return_when=asyncio.FIRST_COMPLETED)
        pipeline.stop()
        show.cancel()
        await running
        await asyncio.gather(show, return_exceptions=True)
    finally:
        await origin.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


class Show:
    """What the demo tells in the terminal: each change as it is found, and a summary."""

    def __init__(self, pipeline: Pipeline, origin: Origin, seconds: int, changes_ms: dict[str, int]) -> None:
        self._pipeline = pipeline
        self._origin = origin
        self._seconds = seconds
        self._changes = changes_ms
        self._began_ms = 0
        self._ops: Counter[str] = Counter()
        self._alerts = 0
        self._first_alert_s: float | None = None
        self._latencies: list[float] = []
        self._clock = SystemClock()
        self._console = Console(highlight=False, soft_wrap=True)

    async def run(self) -> None:
        """Tell the story to its end."""
        await self._pipeline.ready.wait()
        broker = self._pipeline.broker
        assert broker is not None
        say(f"An invented event, {self._seconds} seconds long, from three local sources.")
        say(f"Open {self._pipeline.url} and watch it there too. Ctrl-C ends it.\n")
        self._began_ms = self._origin.begin()
        telling = [
            asyncio.create_task(self._follow(broker, ENTRIES.name)),
            asyncio.create_task(self._follow(broker, ALERTS.name)),
        ]
        try:
            await self._clock.sleep(self._seconds + 4)  # the last changes need two polls to be believed
        finally:
            for task in telling:
                task.cancel()
        self._summarise()

    async def _follow(self, broker: Broker, topic: str) -> None:
        offset = 0
        while True:
            for record in await broker.read(topic, 0, offset, wait=5.0):
                offset = record.offset + 1
                if record.value is None:
                    continue
                if topic == ENTRIES.name:
                    self._tell(decode(record.value, EntryEvent))
                else:
                    self._measure(decode(record.value, Alert))

    def _tell(self, event: EntryEvent) -> None:
        self._ops[event.op] += 1
        word = _WORDS.get(event.op)
        if word is None:
            return
        style = _STYLES.get(event.op, "")
        why = event.evidence.text.partition(";")[0]
        text = event.headline or why
        if event.op in {"withdrawn", "restored"}:
            text = f"{event.headline} ({why})"
        at = event.time[11:19]
        self._console.print(f"{at}  [{style or 'white'}]{word:12}[/] {escape(plain(text))}  [dim]{event.feed_id}[/]")

    def _measure(self, alert: Alert) -> None:
        """From the origin's change to the alert; the alert's own line is written by the terminal channel."""
        if not is_told(alert):
            return
        self._alerts += 1
        now = self._clock.now_ms()
        if self._first_alert_s is None:
            self._first_alert_s = (now - self._began_ms) / 1000
        headline = alert.entry.headline if alert.entry else ""
        changed = self._changes.get(headline)
        # a withdrawal or a correction of a text alone has no headline of its own in the script
        if (
            changed is not None
            and alert.type in {"opened", "corrected"}
            and parse_ms(alert.times.seen) >= self._began_ms
        ):
            self._latencies.append(max(0.0, now - self._began_ms - changed) / 1000)

    def _summarise(self) -> None:
        ops, took = self._ops, sorted(self._latencies)
        say("")
        say("The demo is over:")
        polled, unchanged = self._origin.requests, self._origin.not_modified
        say(f"  polled      {polled} times, {unchanged} of them unchanged")
        say(f"  new         {ops['created'] + ops['backfilled']}, and {ops['baseline']} that stood there before")
        say(f"  edited      {ops['updated']}")
        say(f"  withdrawn   {ops['withdrawn']}, restored {ops['restored']}")
        say(f"  outages     {ops['source-error']} told, {ops['source-recovered']} over; no entry was changed by them")
        first = f", the first after {self._first_alert_s:.1f} s" if self._first_alert_s is not None else ""
        say(f"  alerts      {self._alerts}{first}")
        if took:
            p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
            say(f"  latency     from the change at the source to the alert: p50 {p50:.2f} s, p99 {p99:.2f} s")
            say("              (the sources are asked every one or two seconds)")
