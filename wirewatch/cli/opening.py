"""Opening what the settings name, for a command, and closing it again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from sinks.search.index import SearchIndex
from wirewatch.brokers.connect import connect
from wirewatch.brokers.interface import Broker
from wirewatch.cli.context import configuration
from wirewatch.cli.pipeline import open_control, open_index
from wirewatch.control import ControlStore
from wirewatch.errors import UserError
from wirewatch.times import SystemClock, parse_duration_ms, parse_ms


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
async def opened_control() -> AsyncIterator[ControlStore]:
    """The control store of the settings in force, made where there is none, closed at the end."""
    data = configuration().data_dir
    data.mkdir(parents=True, exist_ok=True)
    store = open_control(data)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


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
