"""One runner, writers and readers beside it, and stores of another version."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from wirewatch.brokers.embedded import open_reader, open_runner, open_writer, opening, schema
from wirewatch.brokers.interface import NewRecord
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.topics import FEEDS


def feed(key: str, value: bytes = b"{}") -> NewRecord:
    return NewRecord(FEEDS.name, key, value, {})


async def test_a_second_runner_is_refused_in_words(tmp_path: Path) -> None:
    runner = open_runner(tmp_path)
    with pytest.raises(UserError, match="another wirewatch runs on") as caught:
        open_runner(tmp_path)
    assert str(tmp_path) in str(caught.value)
    await runner.close()
    await open_runner(tmp_path).close()


async def test_a_killed_runner_leaves_no_lock_behind(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time\nfrom wirewatch.brokers.embedded import open_runner\n"
        "b = open_runner(pathlib.Path(sys.argv[1]))\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    child = subprocess.Popen(  # noqa: ASYNC220 - the test has nothing else to do meanwhile
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        with pytest.raises(UserError, match="another wirewatch runs"):
            open_runner(tmp_path)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close() if child.stdout else None
    await open_runner(tmp_path).close()


async def test_writers_and_readers_work_beside_a_runner_and_are_noticed_within_a_second(tmp_path: Path) -> None:
    runner, writer, reader = open_runner(tmp_path), open_writer(tmp_path), open_reader(tmp_path)
    loop = asyncio.get_running_loop()
    try:
        at_runner = asyncio.create_task(runner.read(FEEDS.name, 0, 0, wait=20))
        at_reader = asyncio.create_task(reader.read(FEEDS.name, 0, 0, wait=20))
        await asyncio.sleep(0)
        started = loop.time()
        published = await writer.publish([feed("a")])
        assert await at_runner == await at_reader == published
        assert loop.time() - started < 1
        # and back: the runner appends while the writer is open
        await runner.publish([feed("b")])
        assert set(await writer.latest(FEEDS.name)) == {"a", "b"}
    finally:
        for broker in (runner, writer, reader):
            await broker.close()


async def test_a_topic_that_a_writer_creates_is_found_by_the_runner(tmp_path: Path) -> None:
    runner = open_runner(tmp_path, topics=())
    writer = open_writer(tmp_path, topics=(FEEDS,))
    try:
        await runner.publish([feed("a")])
        assert set(await writer.latest(FEEDS.name)) == {"a"}
    finally:
        await writer.close()
        await runner.close()


async def test_a_reader_needs_a_store_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no wirewatch log in"):
        open_reader(tmp_path / "none")
    await open_runner(tmp_path).close()
    reader = open_reader(tmp_path)
    try:
        with pytest.raises(UserError, match="for reading only"):
            await reader.publish([feed("a")])
        with pytest.raises(UserError, match="as a group"):
            await reader.consumer("g", [FEEDS.name])
    finally:
        await reader.close()


async def test_a_reader_sees_what_a_killed_runner_left_in_its_journal(tmp_path: Path) -> None:
    """F6"""
    script = (
        "import asyncio, os, pathlib, signal, sys\nfrom wirewatch.brokers.embedded import open_runner\n"
        "from wirewatch.brokers.interface import NewRecord\n"
        "async def main():\n"
        "    b = open_runner(pathlib.Path(sys.argv[1]))\n"
        f"    await b.publish([NewRecord('{FEEDS.name}', 'a', b'x', {{}})])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, check=False)  # noqa: ASYNC221 - as above
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "log.db-wal").stat().st_size > 0
    reader = open_reader(tmp_path)
    try:
        assert set(await reader.latest(FEEDS.name)) == {"a"}
    finally:
        await reader.close()


async def _make(folder: Path, user_version: int) -> None:
    await open_runner(folder).close()
    conn = apsw.Connection(str(folder / "log.db"))
    conn.execute(f"PRAGMA user_version={user_version}")
    conn.close()


async def test_a_newer_store_is_refused_in_words_and_left_as_it_is(tmp_path: Path) -> None:
    await _make(tmp_path, 99)
    for open_ in (open_runner, open_writer, open_reader):
        with pytest.raises(BrokenStorage, match="newer wirewatch"):
            open_(tmp_path)
    conn = apsw.Connection(str(tmp_path / "log.db"))
    assert conn.pragma("user_version") == 99
    conn.close()


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    conn = apsw.Connection(str(tmp_path / "a" / "log.db"))
    conn.execute("PRAGMA application_id=1234; CREATE TABLE theirs(x)")
    conn.close()
    with pytest.raises(BrokenStorage, match="another program"):
        open_runner(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "log.db").write_bytes(b"this is no database at all" * 100)
    for open_ in (open_runner, open_reader):
        with pytest.raises(BrokenStorage, match="no SQLite database"):
            open_(tmp_path / "b")
    (tmp_path / "c").write_text("a file")
    with pytest.raises(UserError, match="needs a folder"):
        open_runner(tmp_path / "c")


async def test_an_older_store_is_brought_forward_with_all_it_holds(tmp_path: Path) -> None:
    broker = open_runner(tmp_path)
    published = await broker.publish([feed("a", b"kept")])
    await broker.close()
    forward = (*schema.MIGRATIONS, "ALTER TABLE states ADD COLUMN note TEXT; CREATE TABLE more(x TEXT) STRICT;")
    conn = schema.open_connection(tmp_path, write=True)
    assert schema.migrate(conn, tmp_path, forward) == [len(forward)]
    assert schema.migrate(conn, tmp_path, forward) == []
    assert conn.execute("SELECT count(*) FROM records").fetchone() == (1,)
    conn.close()
    with pytest.raises(BrokenStorage, match="newer wirewatch"):
        open_runner(tmp_path)
    assert published[0].value == b"kept"


async def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    await open_runner(tmp_path).close()
    broken = (*schema.MIGRATIONS, "CREATE TABLE half(x TEXT) STRICT; SELECT nonsense FROM nowhere;")
    conn = schema.open_connection(tmp_path, write=True)
    with pytest.raises(apsw.SQLError):
        schema.migrate(conn, tmp_path, broken)
    assert schema.version_of(conn) == len(schema.MIGRATIONS)
    assert conn.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone() == (0,)
    conn.close()


async def test_no_one_changes_the_tables_under_an_older_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = open_runner(tmp_path)
    forward = (*schema.MIGRATIONS, "CREATE TABLE more(x TEXT) STRICT;")
    real = schema.check_version
    monkeypatch.setattr(opening, "MIGRATIONS", forward)
    monkeypatch.setattr(opening, "check_version", lambda conn, folder: real(conn, folder, forward))
    monkeypatch.setattr(opening, "migrate", lambda conn, folder: schema.migrate(conn, folder, forward))
    with pytest.raises(UserError, match="an older wirewatch runs"):
        open_writer(tmp_path)
    with pytest.raises(UserError, match="to bring it forward"):
        open_reader(tmp_path)
    await older.close()
    await open_writer(tmp_path).close()
    await open_reader(tmp_path).close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BrokenStorage):
        open_runner(tmp_path / "new")


async def test_every_commit_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    for open_ in (open_runner, open_writer):
        broker = open_(tmp_path)
        assert broker._write_conn is not None
        settings = {name: broker._write_conn.pragma(name) for name in ("journal_mode", "synchronous", "auto_vacuum")}
        assert settings == {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2}
        assert broker._write_conn.pragma("wal_autocheckpoint") == 2_000
        assert broker._read_conn.pragma("query_only") == 1
        await broker.close()


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    opening._make_folder(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
