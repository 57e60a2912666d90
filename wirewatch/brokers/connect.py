"""From the setting `broker` to a broker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from wirewatch.brokers.embedded import open_reader, open_runner, open_writer
from wirewatch.brokers.embedded.schema import FILE_NAME
from wirewatch.brokers.kafka import ALL_TOPICS, is_kafka, open_cluster
from wirewatch.brokers.left_behind import require_current
from wirewatch.errors import UserError
from wirewatch.logs import redact
from wirewatch.topics import TOPICS

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Broker
    from wirewatch.settings import Settings
    from wirewatch.topics import Topic

_ALLOWED = (
    "write embedded (the log lies in data_dir), embedded:///DIR (an absolute folder) or kafka://host:port,host:port"
)


def is_embedded(url: str) -> bool:
    """Whether that setting names a log in a folder of this machine."""
    return url.strip().partition(":")[0] == "embedded"


def parse_broker_url(url: str, data_dir: Path) -> Path:
    """The folder that an embedded broker's URL names. Raises `UserError` in words for anything else."""
    scheme, colon, rest = url.strip().partition(":")
    if scheme == "embedded":
        if not colon:
            return data_dir
        folder = unquote(rest)
        if rest.startswith("///") and folder.strip("/") and folder.isprintable():
            return Path("/" + folder.lstrip("/"))
        raise UserError(f"broker {url!r} names no absolute folder; {_ALLOWED}")
    raise UserError(f"broker {redact(url)!r} is not understood; {_ALLOWED}")


def declared_topics(settings: Settings) -> list[Topic]:
    """The topics that are to be where the setting ``broker`` points."""
    return list(ALL_TOPICS if is_kafka(settings.broker) else TOPICS.values())


async def connect(
    settings: Settings,
    *,
    data_dir: Path,
    mode: Literal["runner", "writer", "reader"],
    retention_bytes: Mapping[str, int] | None = None,
) -> Broker:
    """Open the broker that the settings name; an embedded one's topics are created unless only reading.

    Blocks for a moment. ``runner``: the one process that hosts stages; ``writer``: a command that appends
    beside it; ``reader``: a command that looks. ``retention_bytes`` limits what a topic may take on disk, by
    its name, where this process is the one that keeps house. On a cluster topics are created by a command alone,
    and a runner refuses to start without them. A log that was moved to a cluster is only read. Raises `UserError` or
    `BrokenStorage` in words.
    """
    if is_kafka(settings.broker):
        return await open_cluster(settings, data_dir=data_dir, mode=mode)
    folder = parse_broker_url(settings.broker, data_dir)
    if mode != "reader":
        require_current(folder / FILE_NAME, setting="broker")
    if mode == "runner":
        return open_runner(folder, retention_bytes=retention_bytes)
    if mode == "writer":
        return open_writer(folder)
    return open_reader(folder)
