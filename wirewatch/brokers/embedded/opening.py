"""Opening a folder's log: as its one runner, to append beside a runner, or to read.

These block for as long as a small file takes to open; they belong at a program's start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirewatch.brokers.embedded.broker import EmbeddedBroker, Mode
from wirewatch.brokers.embedded.failures import failures_in_words
from wirewatch.brokers.embedded.lock import RunnerLock
from wirewatch.brokers.embedded.schema import (
    MIGRATIONS,
    check_version,
    create_missing_topics,
    migrate,
    open_connection,
    require_store,
)
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.times import SystemClock
from wirewatch.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import apsw

    from wirewatch.times import Clock
    from wirewatch.topics import Topic


def open_runner(
    folder: Path,
    *,
    clock: Clock | None = None,
    topics: Sequence[Topic] = tuple(TOPICS.values()),
    retention_bytes: Mapping[str, int] | None = None,
) -> EmbeddedBroker:
    """Open as the one process that runs stages here; makes the folder, the store and missing topics.

    ``retention_bytes`` limits what a topic may take on disk (by topic name; none by default). Raises
    `UserError` where another wirewatch runs on the folder, `BrokenStorage` where the store is newer or damaged.
    """
    _make_folder(folder)
    lock = RunnerLock.take(folder)
    if lock is None:
        raise UserError(
            f"another wirewatch runs on {folder}; stop it first, or give this one a folder of its own "
            "(setting data_dir or broker)"
        )
    try:
        with failures_in_words(f"the log in {folder}"):
            conn = open_connection(folder, write=True)
            _bring_forward(conn, folder, topics)
            return _broker(folder, "runner", clock, conn, lock, retention_bytes)
    except BaseException:
        lock.release()
        raise


def open_writer(
    folder: Path, *, clock: Clock | None = None, topics: Sequence[Topic] = tuple(TOPICS.values())
) -> EmbeddedBroker:
    """Open to append beside a runner, or where none runs; makes the store where there is none.

    Raises `UserError` where the store must first be brought forward but an older wirewatch runs on it.
    """
    _make_folder(folder)
    with failures_in_words(f"the log in {folder}"):
        conn = open_connection(folder, write=True)
        version = check_version(conn, folder)
        if 0 < version < len(MIGRATIONS):
            # nobody changes the tables under a runner that knows only the old ones
            lock = RunnerLock.take(folder)
            if lock is None:
                raise UserError(f"an older wirewatch runs on {folder}; stop it before using this version on it")
            try:
                migrate(conn, folder)
            finally:
                lock.release()
        _bring_forward(conn, folder, topics)
        return _broker(folder, "writer", clock, conn, None, None)


def open_reader(folder: Path, *, clock: Clock | None = None) -> EmbeddedBroker:
    """Open read-only. Raises `UserError` where the folder holds no log, `BrokenStorage` where it is newer."""
    require_store(folder)
    with failures_in_words(f"the log in {folder}"):
        conn = open_connection(folder, write=False)
        try:
            version = check_version(conn, folder)
        finally:
            conn.close()
        if version == 0:
            raise UserError(f"the log in {folder} is still empty; start `wirewatch run` there first")
        if version < len(MIGRATIONS):
            raise UserError(
                f"the log in {folder} was written by an older wirewatch; start `wirewatch run` there once "
                "to bring it forward"
            )
        return _broker(folder, "reader", clock, None, None, None)


def _bring_forward(conn: apsw.Connection, folder: Path, topics: Sequence[Topic]) -> None:
    migrate(conn, folder)
    create_missing_topics(conn, topics)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # addresses of feeds may hold tokens
    except FileExistsError as error:
        raise UserError(f"{folder} is a file; the log needs a folder") from error
    except OSError as error:
        raise BrokenStorage(f"the folder {folder} cannot be made: {error}") from error


def _broker(
    folder: Path,
    mode: Mode,
    clock: Clock | None,
    conn: apsw.Connection | None,
    lock: RunnerLock | None,
    retention_bytes: Mapping[str, int] | None,
) -> EmbeddedBroker:
    return EmbeddedBroker(
        folder,
        mode,
        clock or SystemClock(),
        write_conn=conn,
        lock=lock,
        retention_bytes=retention_bytes or {},
    )
