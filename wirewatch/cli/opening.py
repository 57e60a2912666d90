"""Opening what the settings name, for a command, and closing it again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

import cyclopts

from sinks.search.embedded.index import EmbeddedIndex
from sinks.search.embedded.sink import EmbeddedSearchSink
from sinks.search.interface import SearchIndex
from sinks.search.opensearch.address import Address, is_opensearch, read_address
from wirewatch.brokers.connect import connect, declared_topics, is_embedded, parse_broker_url
from wirewatch.brokers.embedded.schema import FILE_NAME as LOG_FILE
from wirewatch.brokers.interface import Broker
from wirewatch.brokers.left_behind import require_current
from wirewatch.callbacks import CallbackKey, key_from_folder, key_from_text
from wirewatch.cli.context import configuration
from wirewatch.control import ControlStore, NoStoreError, SqliteControlStore
from wirewatch.errors import UserError
from wirewatch.hosting import Sink
from wirewatch.logs import redact
from wirewatch.settings import Configuration
from wirewatch.times import SystemClock, parse_duration_ms, parse_ms

INDEX_FILE: Final = "search.db"
CONTROL_FILE: Final = "control.db"
FileOrInput = Annotated[Path, cyclopts.Parameter(allow_leading_hyphen=True)]
"""A file's path; ``-`` is standard input."""


def is_postgresql(control: str) -> bool:
    """Whether the setting names a PostgreSQL server."""
    return control.strip().startswith(("postgresql://", "postgres://"))


def open_control(config: Configuration) -> ControlStore:
    """The control store that the settings name; to be opened. `UserError` for one not understood, or that was moved."""
    control = config.settings.control.strip()
    if control == "embedded":
        require_current(config.data_dir / CONTROL_FILE, setting="control")
        return SqliteControlStore(config.data_dir / CONTROL_FILE)
    if is_postgresql(control):
        from wirewatch.control.postgresql import PostgresqlControlStore  # noqa: PLC0415 - its client is slow to load

        return PostgresqlControlStore(control)
    raise UserError(
        f"control {redact(control)!r} is not understood; write embedded (it lies in data_dir)"
        " or postgresql://user:password@host:5432/database"
    )


def open_index(config: Configuration) -> SearchIndex:
    """The search index that the settings name, for reading. `UserError` for one that is not understood."""
    if config.settings.search.strip() == "embedded":
        return EmbeddedIndex(config.data_dir / INDEX_FILE)
    from sinks.search.opensearch.index import OpenSearchIndex  # noqa: PLC0415 - its client is slow to load

    return OpenSearchIndex(opensearch_address(config))


def open_search_sink(config: Configuration) -> Sink:
    """The sink of the search index that the settings name. `UserError` for one that is not understood."""
    if config.settings.search.strip() == "embedded":
        return EmbeddedSearchSink(config.data_dir / INDEX_FILE)
    from sinks.search.opensearch.sink import OpenSearchSink  # noqa: PLC0415 - its client is slow to load

    return OpenSearchSink(opensearch_address(config))


def opensearch_address(config: Configuration) -> Address:
    """The OpenSearch that the settings name; a file named there lies beside the settings file."""
    search = config.settings.search
    if not is_opensearch(search):
        raise UserError(
            f"search {redact(search)!r} is not understood; write embedded (it lies in data_dir)"
            " or opensearch://host:9200,host:9200"
        )
    return read_address(search, config.settings.opensearch)


def open_callbacks(config: Configuration) -> CallbackKey | None:
    """What makes the addresses that hubs call (WebSub); None where the settings leave them nothing to call.

    Without ``web.push_key`` the key is made and kept in the data folder, which only one process has: not on Kafka.
    """
    settings = config.settings
    if not settings.poll.websub or not settings.web.public_url:
        return None
    if settings.web.push_key:
        return key_from_text(settings.web.push_key)
    return key_from_folder(config.data_dir) if is_embedded(settings.broker) else None


def has_log(config: Configuration) -> bool:
    """Whether there is a log yet: a command that only looks makes none. A cluster is always asked."""
    broker = config.settings.broker
    return not is_embedded(broker) or (parse_broker_url(broker, config.data_dir) / LOG_FILE).is_file()


def has_index(config: Configuration) -> bool:
    """Whether there is a search index yet; a server is always asked."""
    return config.settings.search.strip() != "embedded" or (config.data_dir / INDEX_FILE).exists()


def has_control() -> bool:
    """Whether there is a control store yet: a command that only looks makes none. A server is always asked."""
    config = configuration()
    return config.settings.control != "embedded" or (config.data_dir / CONTROL_FILE).exists()


@asynccontextmanager
async def opened_broker(mode: Literal["runner", "writer", "reader"]) -> AsyncIterator[Broker]:
    """The broker of the settings in force, closed at the end. Raises `UserError` in words."""
    config = configuration()
    broker = await connect(config.settings, data_dir=config.data_dir, mode=mode)
    try:
        yield broker
    finally:
        await broker.close()


@asynccontextmanager
async def opened_log() -> AsyncIterator[Broker | None]:
    """The log for a command that lists what is there: None where nothing has been written yet, not even a topic."""
    config = configuration()
    if not has_log(config):
        yield None
        return
    async with opened_broker("reader") as broker:
        yield broker if any(_has_topic(broker, topic.name) for topic in declared_topics(config.settings)) else None


def _has_topic(broker: Broker, name: str) -> bool:
    try:
        return broker.partitions(name) > 0
    except UserError:
        return False


@asynccontextmanager
async def opened_control() -> AsyncIterator[ControlStore]:
    """The control store of the settings in force, made where there is none, closed at the end."""
    config = configuration()
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_control(config)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def seen_control() -> AsyncIterator[ControlStore | None]:
    """The control store for a command that only looks: None where there is none yet. Nothing is made or changed."""
    store = open_control(configuration())
    try:
        await store.open(make=False)
    except NoStoreError:
        yield None
        return
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_index() -> AsyncIterator[SearchIndex]:
    """The search index of the settings in force, for reading."""
    index = open_index(configuration())
    try:
        yield index
    finally:
        await index.close()


def read_file(path: Path) -> bytes:
    """A file's bytes, ``-`` for standard input; `UserError` where it cannot be read."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def moment_ms(text: str, *, flag: str) -> int:
    """A moment as people write it: a duration back from now, a date, or RFC 3339; `UserError` says so."""
    now = SystemClock().now_ms()
    try:
        return now - parse_duration_ms(text)
    except UserError:
        pass
    try:
        return parse_ms(text if "T" in text.upper() else f"{text}T00:00:00Z")
    except ValueError as error:
        raise UserError(f"{flag} {text}: write a duration such as 24h, a date, or 2026-01-07T20:00:00Z") from error
