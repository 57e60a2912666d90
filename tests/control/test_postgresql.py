"""What holds for the store on a server: other processes, other versions, a server that goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from psycopg import sql

from tests.control.cutting_proxy import CuttingProxy
from tests.servers.postgresql import PASSWORD, PostgresqlServer
from wirewatch.control import Channel, ControlStore, Move, NewDelivery, NoStoreError, Outcome
from wirewatch.control.postgresql import PostgresqlControlStore, migrate
from wirewatch.control.postgresql.failures import explain_failure
from wirewatch.control.postgresql.migrate import KNOWN
from wirewatch.errors import BrokenStorage, NotOurs, PassingFault, UserError

pytestmark = pytest.mark.servers
T = TypeVar("T")
OPS = Channel("ops", "webhook", "https://a.example/hook")
CHILD = Path(__file__).with_name("claiming_child.py")
WITHIN = 20.0


@pytest.fixture
def url(postgresql: PostgresqlServer) -> str:
    return postgresql.database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresqlControlStore]:
    opened = await opened_at(url)
    yield opened
    await opened.close()


@pytest.fixture
def own() -> Iterator[PostgresqlServer]:
    """A server that a test may kill."""
    server = PostgresqlServer()
    server.start()
    yield server
    server.remove()


async def opened_at(url: str, **options: float) -> PostgresqlControlStore:
    store = PostgresqlControlStore(url, **options)
    await store.open()
    return store


async def in_time(call: Callable[[], Awaitable[T]]) -> T:
    """What the call gives once its fault has passed."""
    until = time.monotonic() + WITHIN
    while True:
        try:
            return await call()
        except PassingFault:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


def new(number: int, *, seq: int = 1) -> NewDelivery:
    return NewDelivery(f"de_{number:03}_{seq}", f"al_{number:03}", seq, "ops", b"{}", 1_000)


async def until_it_waits(postgresql: PostgresqlServer, url: str) -> int:
    """Wait until a transaction of this database waits for another's lock; the process that serves it."""
    waits = sql.SQL("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = {}").format(
        sql.Literal(url.rsplit("/", 1)[1])
    )
    until = time.monotonic() + WITHIN
    while not (found := postgresql.execute(waits)):
        assert time.monotonic() < until, "nothing waits"
        await asyncio.sleep(0.01)
    return int(str(found[0][0]))


async def fill(store: ControlStore, count: int, *, seqs: int = 1) -> None:
    await store.put_channels([OPS])
    await store.commit_notify(
        "notify", [new(number, seq=seq) for number in range(count) for seq in range(1, seqs + 1)], [], {}
    )


async def test_two_processes_claiming_at_once_never_get_the_same_delivery_and_keep_each_alerts_order(
    store: PostgresqlControlStore, url: str
) -> None:
    await fill(store, 60, seqs=3)
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    children = [await asyncio.create_subprocess_exec(sys.executable, CHILD, url, holder, **pipes) for holder in "ab"]
    for child in children:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    given = [output.decode().split() for output, _ in outputs]
    assert all(given), "one process got everything: nothing was shared"
    assert sorted(given[0] + given[1]) == sorted(f"de_{n:03}_{seq}" for n in range(60) for seq in (1, 2, 3))
    for some in given:
        for alert in {one[:6] for one in some}:
            seqs = [one for one in some if one[:6] == alert]
            assert seqs == sorted(seqs)


async def test_a_store_passes_over_what_another_is_taking_just_now(store: PostgresqlControlStore, url: str) -> None:
    await fill(store, 2)
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("SELECT 1 FROM outbox WHERE delivery_id = 'de_000_1' FOR UPDATE")
        claims = await store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 9})
        assert [claim.delivery.delivery_id for claim in claims] == ["de_001_1"]


async def test_what_was_acknowledged_outlives_a_kill_of_the_server_and_calls_heal_by_themselves(
    own: PostgresqlServer,
) -> None:
    store = await opened_at(own.database())
    await fill(store, 3)
    for _ in range(3):
        own.kill()
        with pytest.raises(PassingFault, match="cannot be reached"):
            await store.claim(holder="a", now_ms=5_000, lease_ms=1, room={"ops": 9})
        assert "cannot be reached" in str(await store.healthy())
        own.start()
        assert await in_time(store.channels) == [OPS]
        assert await store.healthy() is None
        assert len(await store.deliveries_of(["al_000", "al_001", "al_002"])) == 3
    await store.close()


async def test_a_restart_between_two_calls_is_not_noticed(own: PostgresqlServer) -> None:
    store = await opened_at(own.database())
    await store.put_channels([OPS])
    own.restart()
    assert await store.channels() == [OPS]
    await store.close()


async def test_f5_a_server_killed_at_any_moment_loses_nothing_that_was_acknowledged(own: PostgresqlServer) -> None:
    url = own.database()
    store = await opened_at(url)
    await store.put_channels([OPS])
    ended = asyncio.Event()
    acknowledged: list[int] = []

    async def match() -> None:
        seen: int | None = None
        while not ended.is_set():
            to = (seen or 0) + 1
            try:
                await store.commit_notify("notify", [new(to)], [], {("t", 0): Move(seen, to)})
            except NotOurs:  # an earlier try took effect although its answer was lost
                seen = await in_time(lambda: store.position("notify", "t", 0))
                continue
            except PassingFault:
                await asyncio.sleep(0.02)
                continue
            acknowledged.append(to)
            seen = to

    working = asyncio.create_task(match())
    for _ in range(4):
        before = len(acknowledged)
        until = time.monotonic() + WITHIN
        while len(acknowledged) < before + 20:
            assert time.monotonic() < until, "nothing is acknowledged any more"
            await asyncio.sleep(0.005)
        await asyncio.to_thread(own.kill)
        await asyncio.to_thread(own.start)
    ended.set()
    await working
    position = await in_time(lambda: store.position("notify", "t", 0))
    assert position in {acknowledged[-1], acknowledged[-1] + 1}
    rows = await store.deliveries_of([f"al_{number:03}" for number in range(1, position + 3)])
    assert [row.delivery_id for row in rows] == [f"de_{number:03}_1" for number in range(1, position + 1)]
    await store.close()


async def test_a_call_that_is_cancelled_takes_full_effect_or_none(store: PostgresqlControlStore) -> None:
    await fill(store, 1)
    outcomes = set()
    cancelled = 0
    for number in range(100, 140):
        moved = asyncio.create_task(
            store.commit_notify("notify", [new(number)], [], {("t", number): Move(None, number)})
        )
        for _ in range(number - 100):
            await asyncio.sleep(0)
        moved.cancel()
        await asyncio.wait([moved])
        cancelled += moved.cancelled()
        rows = await store.deliveries_of([f"al_{number:03}"])
        assert bool(rows) == (await store.position("notify", "t", number) == number)
        outcomes.add(bool(rows))
    assert True in outcomes
    assert cancelled > 3
    assert await store.healthy() is None


async def test_a_server_that_does_not_answer_is_given_up_and_asked_again_later(own: PostgresqlServer) -> None:
    url = own.database()
    store = await opened_at(f"{url}?connect_timeout=2", longest_s=0.5)
    await store.put_channels([OPS])
    stopped = own.pause_backends(url)
    try:
        assert await store.channels() == [OPS]  # on another connection, which does answer
        stopped += [*own.pause_backends(url), own.pause()]
        with pytest.raises(PassingFault, match="cannot be reached"):
            await store.channels()
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert await in_time(store.channels) == [OPS]
    await store.close()


async def test_f18_who_gives_up_waiting_on_a_silent_server_leaves_nothing_behind_that_a_close_would_wait_for(
    own: PostgresqlServer,
) -> None:
    url = own.database()
    store = await opened_at(url)  # a call on a silent server lasts half a minute, and with it all behind it
    stopped = [*own.pause_backends(url), own.pause()]
    try:
        for _ in range(5):  # as a probe does, which has its own patience
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(store.healthy(), 0.1)
        began = time.monotonic()
        await store.close()
        assert time.monotonic() - began < 10
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


async def test_a_connection_that_is_ended_in_mid_transaction_undoes_it_and_the_next_call_works(
    store: PostgresqlControlStore, postgresql: PostgresqlServer, url: str
) -> None:
    await fill(store, 1)
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")  # the call's transaction waits here
        call = asyncio.create_task(store.commit_notify("notify", [new(7)], [], {("t", 0): Move(None, 1)}))
        waiting = await until_it_waits(postgresql, url)
        postgresql.execute(sql.SQL("SELECT pg_terminate_backend({})").format(sql.Literal(waiting)))
        with pytest.raises(PassingFault):
            await call
    assert await store.position("notify", "t", 0) is None
    assert await store.commit_notify("notify", [new(7)], [], {("t", 0): Move(None, 1)}) == []


async def test_an_answer_lost_at_the_commit_leaves_the_full_effect_and_doing_it_again_is_harmless(
    postgresql: PostgresqlServer, url: str
) -> None:
    async with CuttingProxy(postgresql.port) as proxy:
        store = await opened_at(url.replace(f":{postgresql.port}/", f":{proxy.port}/"))
        await fill(store, 2)
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.commit_notify("notify", [new(7)], ["de_001_1"], {("t", 0): Move(None, 1)}),
            lambda: store.put_channels([OPS, Channel("desk", "terminal")], remove=["none"]),
            lambda: store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 1}),
            lambda: store.record_outcomes("a", [Outcome("de_000_1", "delivered", 6_000)]),
            lambda: store.resend(at_ms=7_000, alert_id="al_000"),
        ]
        for number, call in enumerate(calls, start=1):
            proxy.cut_after_commit = True
            with pytest.raises(PassingFault):
                await call()
            proxy.cut_after_commit = False
            assert proxy.cuts == number
            before = await kept(store)
            try:
                await call()
            except NotOurs:
                assert await store.position("notify", "t", 0) == 1
            if number != 3:  # what was claimed is claimed; the second call takes the next
                assert await kept(store) == before
        first, last = await store.deliveries_of(["al_000", "al_007"])
        assert (first.status, first.unsure, last.in_flight) == ("pending", True, True)
        await store.close()


async def kept(store: ControlStore) -> list[object]:
    return [await store.channels(), await store.deliveries_of(["al_000", "al_001", "al_007"])]


def test_f8_a_transaction_that_the_server_ended_while_we_stood_still_may_pass() -> None:
    told = explain_failure(psycopg.errors.IdleInTransactionSessionTimeout("terminating connection"), "the store")
    assert isinstance(told, PassingFault)


async def test_rows_that_others_hold_for_long_may_pass(store: PostgresqlControlStore, url: str) -> None:
    await fill(store, 1)
    await store._session.run(lambda connection: connection.execute("SET lock_timeout = '100ms'"))  # type: ignore[union-attr]
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("LOCK TABLE channels IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(PassingFault, match="others hold the same rows for long"):
            await store.put_channels([OPS])
    await store.put_channels([OPS])


async def test_two_that_wait_for_each_other_both_get_through(
    store: PostgresqlControlStore, postgresql: PostgresqlServer, url: str
) -> None:
    await fill(store, 2)
    done = store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 2})
    assert len(await done) == 2
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("SET deadlock_timeout = '10s'")  # so that the store's is the one that is undone
        await other.execute("UPDATE outbox SET tries = tries WHERE delivery_id = 'de_001_1'")
        call = asyncio.create_task(store.release_leases("a"))
        await until_it_waits(postgresql, url)  # it holds the first row by now, and wants the second
        await other.execute("UPDATE outbox SET tries = tries WHERE delivery_id = 'de_000_1'")
        await other.commit()
        assert await call == 2


@pytest.mark.parametrize(
    ("state", "words"), [("53100", "the server's disk is full"), ("XX001", "the server's data is damaged")]
)
async def test_f13_a_full_or_damaged_disk_is_broken_storage_and_nothing_of_the_call_is_kept(
    store: PostgresqlControlStore, postgresql: PostgresqlServer, url: str, state: str, words: str
) -> None:
    postgresql.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$",
        url=url,
    )
    postgresql.execute("CREATE TRIGGER refuse BEFORE INSERT ON outbox EXECUTE FUNCTION refuse()", url=url)
    with pytest.raises(BrokenStorage, match=words):
        await store.commit_notify("notify", [new(1)], [], {("t", 0): Move(None, 1)})
    assert await store.position("notify", "t", 0) is None


async def test_a_table_that_is_gone_is_broken_storage(
    store: PostgresqlControlStore, postgresql: PostgresqlServer, url: str
) -> None:
    postgresql.execute("DROP TABLE outbox", url=url)
    with pytest.raises(BrokenStorage, match="a table is missing"):
        await store.waiting()


async def test_a_newer_store_is_refused_in_words(
    store: PostgresqlControlStore, postgresql: PostgresqlServer, url: str
) -> None:
    postgresql.execute("UPDATE wirewatch_schema SET version_num = '9999'", url=url)
    with pytest.raises(BrokenStorage, match=r"newer wirewatch \(schema 9999"):
        await opened_at(url)


async def test_who_only_looks_makes_no_table_and_leaves_an_older_schema_as_it_is(
    postgresql: PostgresqlServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoStoreError, match="wirewatch run makes it"):
        await PostgresqlControlStore(url).open(make=False)
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert postgresql.execute(tables, url=url) == [(0,)]
    await (await opened_at(url)).close()
    looked = PostgresqlControlStore(url)
    await looked.open(make=False)
    assert await looked.channels() == []
    await looked.close()
    monkeypatch.setattr(migrate, "KNOWN", (*KNOWN, "0099"))
    with pytest.raises(UserError, match=r"older wirewatch.*0099: wirewatch run brings it forward"):
        await PostgresqlControlStore(url).open(make=False)
    assert postgresql.execute("SELECT version_num FROM wirewatch_schema", url=url) == [(KNOWN[-1],)]


async def test_another_programs_database_is_refused_and_left_alone(postgresql: PostgresqlServer, url: str) -> None:
    postgresql.execute("CREATE TABLE theirs (x int)", url=url)
    with pytest.raises(UserError, match=r"holds tables of another program \(theirs\)"):
        await opened_at(url)
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert postgresql.execute(tables, url=url) == [(1,)]


async def test_many_that_start_at_once_on_an_empty_database_make_its_tables_once(
    postgresql: PostgresqlServer, url: str
) -> None:
    stores = await asyncio.gather(*(opened_at(url) for _ in range(6)))
    await stores[0].put_channels([OPS])
    assert [await one.channels() for one in stores] == [[OPS]] * 6
    assert postgresql.execute("SELECT version_num FROM wirewatch_schema", url=url) == [(KNOWN[-1],)]
    for one in stores:
        await one.close()


def test_every_migration_is_known_in_its_order() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "wirewatch:control/postgresql/migrations")
    revisions = [found.revision for found in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == KNOWN


async def test_a_user_who_may_make_no_tables_is_told_so(postgresql: PostgresqlServer, url: str) -> None:
    name = url.rsplit("/", 1)[1]
    postgresql.execute("DROP ROLE IF EXISTS guest")
    postgresql.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    with pytest.raises(UserError, match="this user may not make tables there"):
        await opened_at(postgresql.url_of(name, user="guest", password="guest"))
    postgresql.execute("DROP ROLE guest")


async def test_what_the_user_can_mend_is_said_at_the_start_without_the_password(
    postgresql: PostgresqlServer,
) -> None:
    wrong = postgresql.url_of("postgres", password="wr0ng-secret")
    good = postgresql.url
    for address, words in (
        (wrong, "the user or the password is wrong"),
        (postgresql.url_of("nowhere"), "there is no such database"),
        (good.replace("127.0.0.1", "no-such-host.invalid"), "there is no such host"),
        (f"{good}?sslmode=require", "the server speaks no TLS"),
        (f"{good}?sslmode=sometimes", "there is no such sslmode"),
    ):
        with pytest.raises(UserError, match=words) as told:
            await opened_at(address)
        assert "wr0ng-secret" not in str(told.value)
        assert PASSWORD not in str(told.value)
        assert "postgresql://wirewatch@" in str(told.value)


async def test_a_server_that_is_not_up_may_pass() -> None:
    with pytest.raises(PassingFault, match="Connection refused"):
        await opened_at("postgresql://wirewatch:hush@127.0.0.1:1/wirewatch")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://u:a@b:c/d@host/db", "the address cannot be read: write postgresql://"),
        ("postgresql://u:hush/hush@host/db", "the address cannot be read"),
        ("postgresql://u:hush:hush/hush@host/db", "the address cannot be read"),
        ("postgresql://u:hush?hush=hush@host/db", "the address cannot be read"),
        ("postgresql://u:hush@host/db?sslmod=require", "no parameter 'sslmod'"),
        ("postgresql://u:hush@host:5432", "names no database"),
        ("postgresql://u:env:NO_SUCH@host/db", "the variable NO_SUCH, which is not set"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_in_words_without_its_password(address: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        PostgresqlControlStore(address, environ={})
    assert "hush" not in str(told.value)
    assert "a@b" not in str(told.value)


async def test_the_password_may_come_from_a_variable_of_ours_or_of_libpqs(
    postgresql: PostgresqlServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = url.rsplit("/", 1)[1]
    store = PostgresqlControlStore(postgresql.url_of(name, password="env:OURS"), environ={"OURS": PASSWORD})
    await store.open()
    await store.close()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    await (await opened_at(f"postgresql://wirewatch@127.0.0.1:{postgresql.port}/{name}")).close()


async def test_text_with_a_nul_is_kept_without_it(store: PostgresqlControlStore) -> None:
    await fill(store, 1)
    await store.set_disabled("ops", "410\x00 Gone")
    assert [channel.disabled for channel in await store.channels()] == ["410\ufffd Gone"]


async def test_commits_are_durable_even_where_the_database_was_set_otherwise(
    postgresql: PostgresqlServer, url: str
) -> None:
    name = url.rsplit("/", 1)[1]
    postgresql.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    store = await opened_at(url)
    assert store._session is not None

    async def shown(connection: psycopg.AsyncConnection[tuple[str]]) -> str:
        row = await (await connection.execute("SHOW synchronous_commit")).fetchone()
        assert row is not None
        return row[0]

    assert await store._session.run(shown) == "on"
    await store.close()


def test_a_command_uses_the_store_that_the_setting_names(url: str, tmp_path: Path) -> None:
    (tmp_path / "wirewatch.toml").write_text(f'control = "{url}"\n')
    command = [str(Path(sys.executable).with_name("wirewatch")), "channels"]
    for words in (["add", "ops", "https://a.example/hook"], ["list"]):
        ended = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    assert "ops" in ended.stdout
    assert not list(tmp_path.rglob("control.db"))
