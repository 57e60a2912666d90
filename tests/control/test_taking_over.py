"""From the store in a file to the one on a server: everything, once, and never over something else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers.postgresql import PostgresqlServer
from wirewatch.control import AlertState, Channel, ControlStore, Move, NewDelivery, Outcome, SqliteControlStore
from wirewatch.control.postgresql import PostgresqlControlStore
from wirewatch.errors import UserError
from wirewatch.events import ToldBefore

pytestmark = pytest.mark.servers
TOLD = ToldBefore(seq=1, time="2026-01-01T00:00:00.000Z", headline="said")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store with all that there is: channels, states, a delivery of each kind, one of them in flight."""
    store = SqliteControlStore(tmp_path / "control.db")
    await store.open()
    await store.bind_log("log-a")
    await store.put_channels([Channel("ops", "webhook", "https://a.example", "whsec_x"), Channel("b", "terminal")])
    states = [AlertState("su", f"en_{n}", f"al_{n}", n, "open", TOLD, 3, 1_000, b'{"seq":1}') for n in range(5)]
    await store.commit_match("match", states, {"f": {"killed": 12.5}}, {("t", 0): Move(None, 41)})
    new = [NewDelivery(f"de_{n}", f"al_{n}", 1, "ops", b"\x00{}", 1_000 + n) for n in range(5)]
    await store.commit_notify("notify", new, [], {("t", 0): Move(None, 7)})
    await store.claim(holder="here", now_ms=5_000, lease_ms=60_000, room={"ops": 3})
    done = [Outcome("de_0", "delivered", 6_000), Outcome("de_1", "dead", 6_000, error="no\x00 answer", unsure=True)]
    await store.record_outcomes("here", done)
    await store.close()
    return tmp_path / "control.db"


@pytest.fixture
async def there(postgresql: PostgresqlServer) -> AsyncIterator[PostgresqlControlStore]:
    store = PostgresqlControlStore(postgresql.database())
    await store.open()
    yield store
    await store.close()


async def all_of(store: ControlStore) -> list[object]:
    return [
        await store.channels(),
        await store.alert_states(),
        await store.states_of([f"en_{n}" for n in range(5)]),
        await store.figure_maxima(["f"]),
        await store.deliveries_of([f"al_{n}" for n in range(5)]),
        [await store.position(sink, "t", 0) for sink in ("match", "notify")],
        await store.waiting(),
    ]


async def test_everything_is_there_afterwards(path: Path, there: PostgresqlControlStore) -> None:
    counts = await there.take_over(path)
    assert counts == {"channels": 2, "alert_states": 5, "figure_maxima": 1, "outbox": 5, "positions": 2, "about": 1}
    here = SqliteControlStore(path)
    await here.open()
    theirs, ours = await all_of(there), await all_of(here)
    assert str(theirs) == str(ours).replace("\\x00 answer", "\N{REPLACEMENT CHARACTER} answer")
    await here.close()
    await there.bind_log("log-a")
    assert await there.release_leases("here") == 1


async def test_a_second_time_changes_nothing(path: Path, there: PostgresqlControlStore) -> None:
    await there.take_over(path)
    assert await there.take_over(path) == {}
    assert len(await there.channels()) == 2


async def test_a_store_that_followed_its_log_and_went_on_is_left_alone(
    path: Path, there: PostgresqlControlStore
) -> None:
    await there.take_over(path)
    await there.rebind_log("log-a", "log-b", lambda _topic, offset: {0: offset})
    await there.set_disabled("ops", "410")
    assert await there.take_over(path, after="log-b") == {}


async def test_a_store_that_holds_something_else_is_refused(path: Path, there: PostgresqlControlStore) -> None:
    await there.put_channels([Channel("theirs", "terminal")])
    with pytest.raises(UserError, match="holds something else than"):
        await there.take_over(path, after="log-b")
    assert [channel.id for channel in await there.channels()] == ["theirs"]


async def test_a_file_that_went_on_since_an_earlier_try_is_refused(path: Path, there: PostgresqlControlStore) -> None:
    await there.take_over(path)
    here = SqliteControlStore(path)
    await here.open()
    await here.commit_match("match", [], {}, {("t", 0): Move(41, 42)})
    await here.close()
    with pytest.raises(UserError, match="if it is from an earlier try"):
        await there.take_over(path)
