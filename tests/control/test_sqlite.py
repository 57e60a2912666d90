"""What holds for the store in a file: other processes, other versions, damage."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from wirewatch.control import Channel, NoStoreError, SqliteControlStore
from wirewatch.control.sqlite.schema import VERSION
from wirewatch.errors import BrokenStorage, PassingFault, UserError

OPS = Channel("ops", "webhook", "https://a.example/hook")


async def opened(path: Path) -> SqliteControlStore:
    store = SqliteControlStore(path)
    await store.open()
    return store


async def test_another_process_changes_are_seen_by_the_next_call(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    script = f"""
import asyncio, pathlib
from wirewatch.control import Channel, SqliteControlStore
async def main():
    store = SqliteControlStore(pathlib.Path({str(tmp_path / "control.db")!r}))
    await store.open()
    await store.put_channels([Channel("ops", "webhook", "https://a.example/hook")])
    await store.close()
asyncio.run(main())
"""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True, timeout=60)
    assert await store.channels() == [OPS]
    await store.close()


async def test_what_was_acknowledged_is_there_after_opening_again(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    await store.put_channels([OPS])
    again = await opened(tmp_path / "control.db")  # as after a kill: nothing was closed
    assert await again.channels() == [OPS]
    await again.close()
    await store.close()


async def test_a_newer_store_is_refused_in_words(tmp_path: Path) -> None:
    await (await opened(tmp_path / "control.db")).close()
    raw = apsw.Connection(str(tmp_path / "control.db"))
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(BrokenStorage, match=r"newer wirewatch \(schema 99"):
        await opened(tmp_path / "control.db")


async def test_who_only_looks_makes_no_store_and_leaves_an_older_one_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with pytest.raises(NoStoreError, match="wirewatch run makes it"):
        await SqliteControlStore(path).open(make=False)
    assert not path.exists()
    await (await opened(path)).close()
    looked = SqliteControlStore(path)
    await looked.open(make=False)
    assert await looked.channels() == []
    await looked.close()
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("user_version", VERSION - 1)
    with pytest.raises(UserError, match=r"older wirewatch.*wirewatch run brings it forward"):
        await SqliteControlStore(path).open(make=False)
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("user_version") == VERSION - 1


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    raw = apsw.Connection(str(tmp_path / "control.db"))
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    with pytest.raises(BrokenStorage, match="is not wirewatch's control store"):
        await opened(tmp_path / "control.db")


async def test_a_damaged_file_is_broken_storage(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"nothing of the kind" * 400)
    with pytest.raises(BrokenStorage, match="no SQLite database"):
        await opened(tmp_path / "control.db")


async def test_a_folder_that_cannot_be_made_is_broken_storage(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(BrokenStorage, match=r"control\.db cannot be opened"):
        await opened(tmp_path / "data" / "control.db")


async def test_a_lock_held_for_long_may_pass(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    assert store._connection is not None
    store._connection.set_busy_timeout(10)
    other = apsw.Connection(str(tmp_path / "control.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PassingFault, match="held by another process"):
        await store.put_channels([OPS])
    other.execute("ROLLBACK")
    await store.put_channels([OPS])
    assert await store.channels() == [OPS]
    other.close()
    await store.close()


async def test_f13_a_full_disk_is_broken_storage_and_nothing_of_the_call_is_kept(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 30")
    huge = Channel("huge", "webhook", "https://a.example/" + "x" * 400_000)
    with pytest.raises(BrokenStorage, match="the disk is full"):
        await store.put_channels([OPS, huge])
    assert await store.channels() == []
    await store.close()


async def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    await store.put_channels([OPS])
    found = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
    assert found.keys() >= {"control.db", "control.db-wal"}
    assert set(found.values()) == {0o600}, found
    await store.close()


async def test_commits_are_synced_to_the_disk(tmp_path: Path) -> None:
    store = await opened(tmp_path / "control.db")
    assert store._connection is not None
    assert store._connection.pragma("synchronous") == 2
    assert store._connection.pragma("journal_mode") == "wal"
    await store.close()
