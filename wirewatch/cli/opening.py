"""Opening what the settings name, for a command, and closing it again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

import cyclopts

from sinks.search.index import SearchIndex
from wirewatch.brokers.connect import connect, parse_broker_url
from wirewatch.brokers.embedded.schema import FILE_NAME as LOG_FILE
from wirewatch.brokers.interface import Broker
from wirewatch.cli.context import configuration
from wirewatch.control import ControlStore, SqliteControlStore
from wirewatch.errors import UserError
from wirewatch.times import SystemClock, parse_duration_ms, parse_ms

INDEX_FILE: Final = "search.db"
CONTROL_FILE: Final = "control.db"
FileOrInput = Annotated[Path, cyclopts.Parameter(allow_leading_hyphen=True)]
"""A file's path; ``-`` is standard input."""


def open_control(data_dir: Path) -> SqliteControlStore:
    """The control store of a data folder; to be opened."""
    return SqliteControlStore(data_dir / CONTROL_FILE)


def open_index(data_dir: Path) -> SearchIndex:
    """The search index of a data folder, for reading."""
    return SearchIndex(data_dir / INDEX_FILE)


@asynccontextmanager
async def opened_broker(mode: Literal["runner", "writer", "reader"]) -> AsyncIterator[Broker]:
    """The broker of the settings in force, closed at the end. Raises `UserError` in words."""
    config = configuration()
    broker = connect(config.settings.broker, data_dir=config.data_dir, mode=mode)
    try:
        yield broker
    finally:
        await broker.close()


@asynccontextmanager
async def opened_log() -> AsyncIterator[Broker | None]:
    """The log for a command that lists what is there: None where nothing has been written yet."""
    config = configuration()
    if not (parse_broker_url(config.settings.broker, config.data_dir) / LOG_FILE).is_file():
        yield None
        return
    async with opened_broker("reader") as broker:
        yield broker


@asynccontextmanager
async def opened_control() -> AsyncIterator[ControlStore]:
    """The control store of the settings in force, made where there is none, closed at the end."""
    data = configuration().data_dir
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_control(data)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def has_control() -> bool:
    """Whether there is a control store yet: a command that only looks makes none."""
    return (configuration().data_dir / CONTROL_FILE).exists()


@asynccontextmanager
async def opened_index() -> AsyncIterator[SearchIndex]:
    """The search index of the settings in force, for reading."""
    index = open_index(configuration().data_dir)
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
