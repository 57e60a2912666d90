"""`wirewatch doctor`: is everything as it should be, in words."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import apsw

from sinks.search.interface import NoIndexError
from wirewatch.brokers.binding import OtherLogError
from wirewatch.brokers.connect import declared_topics, is_embedded
from wirewatch.brokers.dead_letters import list_dead_letters
from wirewatch.canary import CANARY_ID
from wirewatch.cli.commands.channels import read_channels
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import NOT_FOUND, as_command
from wirewatch.cli.feed_health import read_statuses
from wirewatch.cli.opening import has_index, open_control, open_index, opened_index, opened_log, seen_control
from wirewatch.cli.output import print_json
from wirewatch.cli.tables import print_table
from wirewatch.errors import WirewatchError
from wirewatch.settings import Configuration
from wirewatch.settings.declared import read_listen
from wirewatch.times import SystemClock, format_duration, format_ms, parse_duration_ms
from wirewatch.topics import POLLS, SNAPSHOTS

Finding = tuple[str, str, str]
_LOW_DISK = 1 << 30
_YEAR_2020_MS = 1_577_836_800_000
_BEATS_MISSED = 3
_WELL = frozenset({"ok", "quiet", "ended"})


@as_command
async def doctor(*, json: bool = False) -> int:
    """Check settings, disk, clock, log, index, deliveries and every feed. Exit status 1 where something is wrong.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    findings = [finding async for finding in _look()]
    if json:
        for what, state, words in findings:
            print_json({"what": what, "state": state, "words": words})
    else:
        print_table(("what", "state", "in words"), findings, empty="")
    return NOT_FOUND if any(state == "wrong" for _, state, _ in findings) else 0


async def _look() -> AsyncIterator[Finding]:
    config = configuration()
    for finding in (*_settings(config), *_machine(config)):
        yield finding
    for check in (_log, _index, _deliveries, _belonging, _feeds):
        try:
            async for finding in check(config):
                yield finding
        except WirewatchError as error:
            yield check.__name__.strip("_"), "wrong", str(error)


def _settings(config: Configuration) -> list[Finding]:
    where = str(config.path) if config.path else "no settings file: the defaults"
    try:
        open_control(config)
        open_index(config)
        read_listen(config.settings.web.listen)
    except WirewatchError as error:
        return [("settings", "wrong", f"{where}: {error}")]
    counts = (("feeds", config.feeds), ("searches", config.searches), ("channels", config.channels))
    words = f"{where}; in it, {', '.join(f'{what}: {len(rows)}' for what, rows in counts)}"
    findings: list[Finding] = [("settings", "ok", words)]
    if not config.settings.poll.contact:
        findings.append(
            ("contact", "advice", "poll.contact is empty: sources cannot reach you if something goes wrong")
        )
    return findings


def _machine(config: Configuration) -> list[Finding]:
    place = config.data_dir if config.data_dir.exists() else config.folder
    free = shutil.disk_usage(place).free
    now = SystemClock().now_ms()
    return [
        ("disk", "ok" if free > _LOW_DISK else "wrong", f"{free / (1 << 30):.1f} GiB free at {place}"),
        ("clock", "ok" if now > _YEAR_2020_MS else "wrong", f"{format_ms(now)} (UTC)"),
        ("sqlite", "ok", f"{apsw.sqlite_lib_version()}, its own"),
    ]


async def _log(config: Configuration) -> AsyncIterator[Finding]:
    async with opened_log() as broker:
        if broker is None:
            yield "log", "not yet", _before_the_log(config)
            return
        differences = await broker.check_topics(declared_topics(config.settings))
        if differences:  # said before anything is read: what differs may be why nothing can be
            yield "log", "wrong", "; ".join(differences)
        ends = [(await broker.bounds(SNAPSHOTS.name, p)).end for p in range(broker.partitions(SNAPSHOTS.name))]
        if not differences:
            yield "log", "ok", f"{sum(ends)} snapshots so far"
        letters = await list_dead_letters(broker)
        if letters:
            yield "dead letters", "advice", f"{len(letters)} open: wirewatch dead-letters list"
        canary = (await broker.latest(POLLS.name)).get(CANARY_ID)
    every_ms = parse_duration_ms(config.settings.ops.canary_every)
    if canary is not None and every_ms:
        ago_ms = SystemClock().now_ms() - canary.timestamp_ms
        late = ago_ms > _BEATS_MISSED * every_ms
        why = ": wirewatch run is not up, or its poll stage hangs" if late else ""
        yield "canary", "wrong" if late else "ok", f"last beat {format_duration(ago_ms // 1000 * 1000)} ago{why}"


def _before_the_log(config: Configuration) -> str:
    if is_embedded(config.settings.broker):
        return f"nothing is in {config.data_dir} yet: wirewatch run begins"
    return "the cluster has none of the topics yet: wirewatch topics create makes them, then wirewatch run begins"


async def _index(config: Configuration) -> AsyncIterator[Finding]:
    if not has_index(config):
        yield "index", "not yet", "wirewatch run makes it"
        return
    async with opened_index() as index:
        try:
            await index.event("")
        except NoIndexError as error:
            yield "index", "not yet", str(error)
            return
        why = await index.ready()
    yield "index", "wrong" if why else "ok", why or "can be searched"


async def _deliveries(_config: Configuration) -> AsyncIterator[Finding]:
    channels, waiting = await read_channels()
    for channel in channels:
        if channel.disabled:
            yield f"channel {channel.id}", "wrong", f"nothing is sent to it: {channel.disabled}"
    pending = sum(one.pending for one in waiting.values())
    yield "deliveries", "ok", f"{pending} waiting, {len(channels)} channels"


async def _belonging(config: Configuration) -> AsyncIterator[Finding]:
    """Whether index and control store are those of the log: of two clusters' settings each is well by itself."""
    async with opened_log() as broker, seen_control() as store, opened_index() as index:
        if broker is None:
            return
        log_id = await broker.log_id()
        for keeper in (store, index if has_index(config) else None):
            try:
                if keeper is not None:
                    await keeper.require_log(log_id)
            except OtherLogError as error:
                yield "settings", "wrong", str(error)
            except WirewatchError:
                continue  # said above


async def _feeds(config: Configuration) -> AsyncIterator[Finding]:
    async with opened_log() as broker:
        statuses = await read_statuses(broker, config)
    for status in statuses:
        state = "ok" if status.state in _WELL else "wrong"
        if status.poll is None and status.feed.enabled:
            state = "not yet"
        yield f"feed {status.feed.id}", state, f"{status.state}: {status.words}"
