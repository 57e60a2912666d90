"""The whole pipeline, composed in one place: which stages run, on what, and how they start and end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, Protocol

from processors.diff_handler import DiffHandler
from processors.enrich import EnrichContext, enrich
from processors.enrich_handler import EnrichHandler
from producers.poller import Poller
from sinks.alerts.channels import OpenedChannels
from sinks.alerts.commands import reconcile_file
from sinks.alerts.deliver import Deliverer, Limits
from sinks.alerts.match import MatchSink
from sinks.alerts.notify import NotifySink
from sinks.web.kept_archive import KeptArchive
from sinks.web.server import WebServer
from sinks.web.stream import StreamHub
from sinks.web.websub import HubCalls
from wirewatch import stages
from wirewatch.brokers.binding import OtherLogError
from wirewatch.brokers.connect import connect, is_embedded
from wirewatch.brokers.interface import Broker
from wirewatch.cli.feed_health import known_feeds
from wirewatch.cli.opening import open_callbacks, open_control, open_index, open_search_sink
from wirewatch.cli.patience import open_patiently
from wirewatch.control import ControlStore
from wirewatch.errors import PassingFault, UserError, WirewatchError
from wirewatch.events import EntryEvent
from wirewatch.hosting import Handler, Sink
from wirewatch.hosting.runner import Host, Runner, streamed_inputs
from wirewatch.logs import get_logger
from wirewatch.net.guard import Guard
from wirewatch.probes import ProbeListener, Readiness
from wirewatch.reconcile import decide_feeds
from wirewatch.settings import Configuration, Settings
from wirewatch.settings.declared import read_networks, read_size
from wirewatch.stages import STAGES
from wirewatch.times import Clock, SystemClock, parse_duration_ms
from wirewatch.topics import ENTRIES, SNAPSHOTS, TOPICS

_log = get_logger("run")
_LOOK_S: Final = 5.0


def check_roles(roles: Sequence[str]) -> frozenset[str]:
    """The stages asked for, all of them where none is; `UserError` names one that does not exist."""
    for role in roles:
        if role not in STAGES:
            raise UserError(f"--role {role}: there is no such stage; there are {', '.join(STAGES)}")
    return frozenset(roles or STAGES)


class Running(Protocol):
    """What runs until it is asked to stop."""

    async def run(self) -> None:
        """Work until stopped; raises what ended it."""
        ...

    def stop(self) -> None:
        """Ask `run` to finish what is in hand and return."""
        ...


def _most_bytes(settings: Settings) -> dict[str, int]:
    """How much disk a topic may take, by name."""
    return {SNAPSHOTS.name: read_size(settings.keep.snapshots), ENTRIES.name: read_size(settings.keep.entries)}


class Pipeline:
    """The stages that were asked for, on one broker. `run` once; `stop` from a signal handler or another task."""

    def __init__(self, config: Configuration, *, roles: Sequence[str] = (), clock: Clock | None = None) -> None:
        self._config = config
        self._roles = check_roles(roles)
        self._clock = clock or SystemClock()
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self.broker: Broker | None = None
        self.url = ""

    def stop(self) -> None:
        """Ask `run` to end: what is in hand is finished first. Safe to call twice."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`. Raises what ended it: `UserError` at the start, `BrokenStorage` at any time."""
        settings, data = self._config.settings, self._config.data_dir
        async with AsyncExitStack() as stack:
            readiness = await self._open_probes(stack)
            broker = await connect(settings, data_dir=data, mode="runner", retention_bytes=_most_bytes(settings))
            stack.push_async_callback(broker.close)
            self.broker = broker
            readiness.add("broker", broker.healthy)
            if is_embedded(settings.broker):  # on a cluster that is a command of its own, and connecting checked it
                await broker.create_topics(list(TOPICS.values()))
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            store = await self._open_control(readiness, stack)
            if store is not None:
                await store.bind_log(await broker.log_id())
            await self._require_own_index(await broker.log_id())
            await self._reconcile(broker, store)
            running = await self._compose(broker, store, stack)
            if "index" in stages.reached(self._roles):
                index = open_index(self._config)
                stack.push_async_callback(index.close)
                readiness.add("index", index.ready)
            self.ready.set()
            _log.info("running", stages=sorted(self._roles), data=str(data))
            await self._until_stopped(running)

    async def _open_probes(self, stack: AsyncExitStack) -> Readiness:
        """Be watched from the first moment on: a start that waits for a server must be seen to be one."""
        readiness = Readiness(self._phase, self._clock)
        if self._config.settings.ops.listen:
            probes = ProbeListener(self._config.settings.ops.listen, readiness)
            await probes.start()
            stack.push_async_callback(probes.close)
        return readiness

    def _phase(self) -> str | None:
        if self._stopping.is_set():
            return "stopping: what is in hand is finished first"
        return None if self.ready.is_set() else "starting"

    async def _open_control(self, readiness: Readiness, stack: AsyncExitStack) -> ControlStore | None:
        """The control store, where a stage asked for needs it: the others need not even reach it."""
        if "control" not in stages.reached(self._roles):
            return None
        store = open_control(self._config)
        await open_patiently(store.open, what="the control store", clock=self._clock, stopping=self._stopping)
        stack.push_async_callback(store.close)
        readiness.add("control", store.healthy)
        return store

    async def _require_own_index(self, log_id: str) -> None:
        """`UserError` where the index is of another log, as far as it can be asked: its readers would not notice."""
        if "index" not in stages.reached(self._roles):
            return
        index = open_index(self._config)
        try:
            async with asyncio.timeout(_LOOK_S):
                await index.require_log(log_id)
        except OtherLogError:
            raise
        except (WirewatchError, TimeoutError):
            pass  # there is none yet, or it is away: no reason not to start, and whoever needs it says so
        finally:
            await index.close()

    async def _reconcile(self, broker: Broker, store: ControlStore | None) -> None:
        """Bring the settings file's feeds, searches and channels in line with it."""
        config, now = self._config, self._clock.now_ms()
        # the roles of a cluster may have a file each: only the one that a list is for brings it in line
        if is_embedded(config.settings.broker) or stages.POLL.name in self._roles:
            records = decide_feeds(config.feeds, await known_feeds(broker), now_ms=now)
            if records:
                await broker.publish(records)
        if store is None or not (is_embedded(config.settings.broker) or stages.MATCH.name in self._roles):
            return
        file = str(config.path or "the settings")
        await reconcile_file(broker, store, searches=config.searches, channels=config.channels, file=file, now_ms=now)

    async def _compose(self, broker: Broker, store: ControlStore | None, stack: AsyncExitStack) -> list[Running]:
        """Make every stage asked for. Nothing runs yet: where one cannot be made, none was begun."""
        settings, clock = self._config.settings, self._clock
        public_url = settings.web.public_url or None
        running: list[Running] = []
        handlers: list[Handler] = []
        sinks: list[Sink] = []
        if stages.DIFF.name in self._roles:
            handlers.append(DiffHandler())
        if stages.ENRICH.name in self._roles:
            handlers.append(EnrichHandler(public_url=public_url))
        if stages.SEARCH.name in self._roles:
            sinks.append(await self._search_sink())
        if store is not None and stages.MATCH.name in self._roles:
            enriched: Callable[[EntryEvent], EntryEvent] = partial(enrich, context=EnrichContext(public_url=public_url))
            sinks.append(MatchSink(broker, store, clock, enrich=enriched))
        if store is not None and stages.NOTIFY.name in self._roles:
            deliverer = self._deliverer(store, stack)
            sinks.append(NotifySink(broker, store, clock, terminal=settings.alerts.terminal, wake=deliverer.wake))
            running.append(deliverer)
        for sink in sinks:
            stack.push_async_callback(sink.close)
        # also where it hosts no stage: the log is kept within its bounds whatever runs here
        hosts: list[Host] = []
        if not is_embedded(settings.broker):
            hosts, handlers = self._on_faust(broker, handlers), []
        running.append(Runner(broker, handlers=handlers, sinks=sinks, hosts=hosts, clock=clock))
        if stages.POLL.name in self._roles:
            running.append(Poller(broker, settings, clock=clock, callbacks=open_callbacks(self._config)))
        if store is not None and stages.WEB.name in self._roles:
            await self._serve(broker, store, stack)
        return running

    async def _search_sink(self) -> Sink:
        if self._config.settings.search.strip() == "embedded" and not is_embedded(self._config.settings.broker):
            _log.warning(
                "search = embedded beside a cluster: only one process may run the role search, and web needs the same"
                " data_dir; an index of each of several would hold only a part. For more set search = opensearch://...",
                index=str(self._config.data_dir),
            )
        sink = open_search_sink(self._config)
        try:
            await sink.start()  # the page is up before the hosts are, and must find an index
        except PassingFault as fault:
            # its host tries again; what else runs here does not wait for it
            _log.warning("the search index cannot be written yet", error=fault)
        except BaseException:
            await sink.close()
            raise
        return sink

    def _on_faust(self, broker: Broker, handlers: Sequence[Handler]) -> list[Host]:
        from processors.faust_host import FaustHost  # noqa: PLC0415 - an embedded log needs none of it

        data = self._config.data_dir
        return [
            FaustHost(broker, handler, streamed_inputs(handler.stage), data_dir=data, clock=self._clock)
            for handler in handlers
        ]

    def _deliverer(self, store: ControlStore, stack: AsyncExitStack) -> Deliverer:
        settings = self._config.settings
        timeout_ms = parse_duration_ms(settings.alerts.timeout)
        channels = OpenedChannels(
            Guard(read_networks(settings.allow_networks)), clock=self._clock, timeout_s=timeout_ms / 1000
        )
        stack.push_async_callback(channels.close)
        limits = Limits(
            per_channel=settings.alerts.per_channel,
            retry_for_ms=parse_duration_ms(settings.alerts.retry_for),
            retry_max_ms=parse_duration_ms(settings.alerts.retry_max),
            timeout_ms=timeout_ms,
        )
        return Deliverer(store, channels, self._clock, limits, holder=self._holder(stack))

    def _holder(self, stack: AsyncExitStack) -> str:
        """Under which name deliveries are taken: one that no living process has, and the same after a restart."""
        if is_embedded(self._config.settings.broker):
            return "deliverer"  # the log's lock keeps every other runner off
        from wirewatch.brokers.kafka.members import take_member_name  # noqa: PLC0415 - an embedded log needs none of it

        name = take_member_name(self._config.data_dir, "deliver")
        if name is None:
            return f"deliver-{uuid.uuid4().hex}"  # nothing can be kept here: after a kill its leases have to run out
        stack.callback(name.release)
        return name.name

    async def _serve(self, broker: Broker, store: ControlStore, stack: AsyncExitStack) -> None:
        settings = self._config.settings
        index = open_index(self._config)
        stack.push_async_callback(index.close)
        archive = KeptArchive(broker, index, store, self._clock)
        await archive.start()
        stack.push_async_callback(archive.close)
        hub = StreamHub(broker, await broker.log_id())
        calls = self._hub_calls(broker, archive)
        server = WebServer(settings.web, archive, hub, self._clock, page=settings.results.page, hub_calls=calls)
        await server.start()
        stack.push_async_callback(server.close)
        self.url = server.url

    def _hub_calls(self, broker: Broker, archive: KeptArchive) -> HubCalls | None:
        key = open_callbacks(self._config)
        if key is None:
            return None
        return HubCalls(
            key,
            self._clock,
            feed=archive.definition,
            poll=archive.last_poll,
            publish=broker.publish,
            max_body=read_size(self._config.settings.poll.max_body),
        )

    async def _until_stopped(self, running: Sequence[Running]) -> None:
        """Run all until one ends or a stop is asked for; then let the others finish what they have in hand."""
        tasks = [asyncio.create_task(one.run()) for one in running]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            for one in running:
                one.stop()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for result in ended:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
