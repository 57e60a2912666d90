"""Opening what the settings name, for a command, and closing it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from wirewatch.brokers.connect import connect
from wirewatch.brokers.interface import Broker
from wirewatch.cli.context import configuration


@asynccontextmanager
async def opened_broker(mode: Literal["runner", "writer", "reader"]) -> AsyncIterator[Broker]:
    """The broker of the settings in force, closed at the end. Raises `UserError` in words."""
    config = configuration()
    broker = connect(config.settings.broker, data_dir=config.data_dir, mode=mode)
    try:
        yield broker
    finally:
        await broker.close()
