"""What people do with searches, channels and alerts, and what a start does with the file's."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from sinks.alerts import commands
from sinks.alerts.channels import OpenedChannels
from tests.alerts.kit import LOOPBACK, SECRET, START_MS, FakeClock, Receiver, event, subscription
from tests.alerts.test_deliver import new, put
from wirewatch import identity
from wirewatch.brokers.embedded import EmbeddedBroker, open_writer
from wirewatch.control import AlertState, Channel, Outcome, SqliteControlStore
from wirewatch.errors import UserError
from wirewatch.events import Feed, Subscription, decode
from wirewatch.net.guard import Guard
from wirewatch.reconcile import decide_channels, decide_feeds, decide_subscriptions
from wirewatch.settings.declared import ChannelSetting, SearchDeclared

FILE = "wirewatch.toml"
OPS = Channel("ops", "webhook", "https://a.example/hook", SECRET)


async def add(broker: EmbeddedBroker, store: SqliteControlStore, query: str = "dam", **changes: object) -> Subscription:
    values = {"name": "Dams", "query": query, "to": ["ops"], "file": FILE, "now_ms": START_MS, **changes}
    return await commands.add_search(broker, store, **values)  # type: ignore[arg-type]  # the keys are the function's


async def reconcile(
    broker: EmbeddedBroker, store: SqliteControlStore, *, now_ms: int = START_MS, **given: list[object]
) -> None:
    values = {"searches": [], "channels": [], **given}
    await commands.reconcile_file(broker, store, file=FILE, now_ms=now_ms, **values)  # type: ignore[arg-type]  # as above


async def test_a_search_is_saved_changed_found_and_removed(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    await store.put_channels([OPS])
    first = await add(broker, store)
    assert (first.id, first.revision, first.origin) == (identity.subscription_id("Dams"), 1, "command")
    edited = await add(broker, store, "dam OR weir", now_ms=START_MS + 5)
    assert (edited.revision, edited.created) == (2, first.created)
    moved = await add(broker, store, "dam OR weir", to=[])
    assert (moved.revision, moved.channels) == (2, [])
    assert await commands.list_searches(broker) == [moved]
    assert await commands.find_search(broker, "Dams") == await commands.find_search(broker, moved.id) == moved
    await commands.remove_search(broker, "Dams", file=FILE, now_ms=START_MS)
    assert await commands.list_searches(broker) == []


async def test_a_search_is_saved_beside_a_runner(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    await store.put_channels([OPS])
    writer = open_writer(broker.folder)
    await add(writer, store)
    await writer.close()
    assert [search.name for search in await commands.list_searches(broker)] == ["Dams"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"query": '"dam'}, "search 'Dams': query, character"),
        ({"query": "dam since:2h"}, "search 'Dams'"),
        ({"to": ["pager"]}, "no channel 'pager'; there are: ops, terminal"),
        ({"name": " "}, "needs a name"),
    ],
)
async def test_a_search_that_cannot_be_is_refused_in_words(
    broker: EmbeddedBroker, store: SqliteControlStore, changes: dict[str, object], words: str
) -> None:
    await store.put_channels([OPS])
    with pytest.raises(UserError, match=words):
        await add(broker, store, **changes)  # type: ignore[arg-type]  # as above
    assert await commands.list_searches(broker) == []


async def test_what_stands_in_the_file_is_changed_there(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    await reconcile(
        broker, store, searches=[SearchDeclared("Dams", "dam", ["ops"])], channels=[ChannelSetting("ops", "terminal")]
    )
    with pytest.raises(UserError, match=r"'Dams' stands in wirewatch\.toml"):
        await add(broker, store, "weir")
    with pytest.raises(UserError, match=r"'Dams' stands in wirewatch\.toml"):
        await commands.remove_search(broker, "Dams", file=FILE, now_ms=START_MS)
    with pytest.raises(UserError, match=r"'ops' stands in wirewatch\.toml"):
        await commands.remove_channel(broker, store, "ops", file=FILE)
    with pytest.raises(UserError, match="no saved search 'Weirs'; there are: 'Dams'"):
        await commands.find_search(broker, "Weirs")


async def test_a_start_reconciles_only_what_is_the_files(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    await store.put_channels([OPS])
    await add(broker, store, name="By hand")
    declared = [SearchDeclared("A", "dam", ["desk"]), SearchDeclared("B", "weir", [])]
    channels = [ChannelSetting("desk", "webhook", "env:DESK_URL", "env:DESK_SECRET")]
    await reconcile(broker, store, searches=declared, channels=channels)
    before = {search.name: search for search in await commands.list_searches(broker)}
    assert {name: search.origin for name, search in before.items()} == {"By hand": "command", "A": "file", "B": "file"}
    await reconcile(broker, store, now_ms=START_MS + 9, searches=[SearchDeclared("A", "dam flood")], channels=[])
    after = {search.name: search for search in await commands.list_searches(broker)}
    assert after.keys() == {"By hand", "A"}
    assert (after["A"].revision, after["A"].created) == (2, before["A"].created)
    assert [channel.id for channel in await store.channels()] == ["ops"]


async def test_secrets_never_stand_on_a_topic(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    channels = [ChannelSetting("ops", "webhook", "https://a.example/?token=hush", SECRET)]
    await reconcile(broker, store, searches=[SearchDeclared("A", "dam", ["ops"])], channels=channels)
    latest = await broker.latest("wirewatch.subscriptions.v1")
    values = b"".join(record.value or b"" for record in latest.values())
    assert b"ops" in values
    assert b"hush" not in values
    assert b"whsec" not in values


async def test_a_mistake_in_the_file_changes_nothing(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    good = ChannelSetting("ops", "terminal")
    for searches, channels, words in (
        ([SearchDeclared("A", '"dam', [])], [good], "search 'A'"),
        ([SearchDeclared("A", "dam", ["desk"])], [good], "no channel 'desk'"),
        ([], [good, ChannelSetting("Desk!", "terminal")], "an id has lower-case letters"),
        ([], [good, ChannelSetting("desk", "webhook")], "needs a url"),
        ([], [good, ChannelSetting("desk", "webhook", "ftp://a.example/")], "only http"),
        ([], [good, ChannelSetting("desk", "webhook", "https://a.example/", "short")], "whsec_ and base64"),
        ([], [ChannelSetting("terminal", "webhook", "https://a.example/")], "built-in"),
    ):
        with pytest.raises(UserError, match=words):
            await reconcile(broker, store, searches=searches, channels=channels)
    assert await store.channels() == []
    assert await commands.list_searches(broker) == []


def test_a_webhook_without_a_secret_gets_one_and_keeps_it() -> None:
    declared = [ChannelSetting("ops", "webhook", "https://a.example/")]
    first = decide_channels(declared, {}, new_secrets={"ops": "whsec_1"}, now_ms=START_MS)
    [channel] = first.put
    assert (channel.secret, channel.origin) == ("whsec_1", "file")
    again = decide_channels(declared, {"ops": channel}, new_secrets={"ops": "whsec_2"}, now_ms=START_MS + 1)
    assert (again.put, again.remove) == ([], [])


def test_a_disabled_channel_stays_so_until_its_definition_changes() -> None:
    gone = Channel("ops", "webhook", "https://a.example/", "whsec_1", "file", "answered 410", "2026")
    declared = ChannelSetting("ops", "webhook", "https://a.example/")
    assert decide_channels([declared], {"ops": gone}, new_secrets={"ops": ""}, now_ms=0).put == []
    moved = ChannelSetting("ops", "webhook", "https://b.example/")
    [put_] = decide_channels([moved], {"ops": gone}, new_secrets={"ops": ""}, now_ms=0).put
    assert (put_.disabled, put_.secret, put_.created) == (None, "whsec_1", "2026")


def test_the_files_feeds_are_published_if_changed_and_removed_if_gone() -> None:
    existing = {
        "a": Feed("a", "https://a.example/", origin="file"),
        "b": Feed("b", "https://b.example/", origin="file"),
        "c": Feed("c", "https://c.example/", origin="command"),
        "d": Feed("d", "https://d.example/", origin="command"),
    }
    wanted = [
        Feed("a", "https://a.example/", origin="file"),
        Feed("b", "https://b.example/new", origin="file"),
        Feed("d", "https://d.example/", origin="file"),
    ]
    records = decide_feeds(wanted, existing, now_ms=START_MS)
    assert [(record.key, record.value is None) for record in records] == [("b", False), ("d", False)]
    assert decode(records[0].value or b"", Feed).url == "https://b.example/new"
    records = decide_feeds([], existing, now_ms=START_MS)
    assert [(record.key, record.value) for record in records] == [("a", None), ("b", None)]
    assert records[0].headers["ce_type"] == "wirewatch.feed.v1"


def test_nothing_is_published_where_nothing_changed() -> None:
    [record] = decide_subscriptions([SearchDeclared("A", "dam", [])], {}, now_ms=START_MS)
    search = decode(record.value or b"", Subscription)
    assert decide_subscriptions([SearchDeclared("A", "dam", [])], {search.id: search}, now_ms=START_MS + 1) == []


async def test_a_channel_is_added_with_a_fresh_secret_listed_and_removed(
    broker: EmbeddedBroker, store: SqliteControlStore
) -> None:
    made = await commands.add_channel(
        store,
        channel_id="ops",
        kind="webhook",
        url="https://a.example/",
        secret="",
        guard=Guard(),
        file=FILE,
        now_ms=START_MS,
    )
    assert made.secret.startswith("whsec_")
    assert await store.channels() == [made]
    await add(broker, store)
    with pytest.raises(UserError, match="used by the saved searches 'Dams'"):
        await commands.remove_channel(broker, store, "ops", file=FILE)
    await commands.remove_search(broker, "Dams", file=FILE, now_ms=START_MS)
    await commands.remove_channel(broker, store, "ops", file=FILE)
    assert await store.channels() == []
    with pytest.raises(UserError, match="no channel 'ops'; there are: none yet"):
        await commands.remove_channel(broker, store, "ops", file=FILE)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://[::1]/x", "http://2130706433/", "file:///etc/passwd"])
async def test_h18_an_address_that_may_not_be_called_is_refused_when_added(store: SqliteControlStore, url: str) -> None:
    with pytest.raises(UserError, match="channel 'ops'"):
        await commands.add_channel(
            store, channel_id="ops", kind="webhook", url=url, secret="", guard=Guard(), file=FILE, now_ms=START_MS
        )


async def test_a_test_alert_arrives_and_a_disabled_channel_is_used_again(
    store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    await store.put_channels([Channel("ops", "webhook", receiver.url, SECRET, disabled="410")])
    opened = OpenedChannels(LOOPBACK, clock=clock, timeout_s=0.5, environ={})
    receiver.answer = lambda call: web.Response(status=500 if call == 1 else 200)
    with pytest.raises(UserError, match="did not arrive: the receiver answered 500"):
        await commands.test_channel(store, opened, "ops", now_ms=START_MS)
    assert [channel.disabled for channel in await store.channels()] == ["410"]
    await commands.test_channel(store, opened, "ops", now_ms=START_MS)
    assert [channel.disabled for channel in await store.channels()] == [None]
    assert json.loads(receiver.calls[-1][1])["test"] is True
    await opened.close()


def test_explain_names_what_held_and_what_failed() -> None:
    why = commands.explain(subscription("dam storm"), event())
    assert not why.matches
    assert [clause.clause for clause in why.matched] == ["dam"]
    assert [clause.clause for clause in why.unmatched] == ["storm"]


async def test_alerts_are_listed_shown_and_sent_again(store: SqliteControlStore) -> None:
    await store.put_channels([OPS])
    state = AlertState("su_1", "en_1", "al_1", 1, "open", None, 1, START_MS, b"{}")
    await store.commit_match("match", [state], {}, {})
    await put(store, new("al_1"))
    await store.claim(holder="a", now_ms=START_MS, lease_ms=1_000, room={"ops": 1})
    await store.record_outcomes("a", [Outcome("de_al_1_1_ops", "delivered", START_MS)])
    assert await commands.list_alerts(store, since_ms=START_MS) == [state]
    assert await commands.list_alerts(store, since_ms=START_MS + 1) == []
    story = await commands.show_alert(store, "al_1")
    assert (story.state, [row.status for row in story.deliveries]) == (state, ["delivered"])
    with pytest.raises(UserError, match="no alert 'al_2'"):
        await commands.show_alert(store, "al_2")
    assert await commands.resend_alerts(store, since_ms=0, now_ms=START_MS, dead_only=True) == 0
    assert await commands.resend_alerts(store, since_ms=START_MS, now_ms=START_MS) == 1
    assert [row.status for row in (await commands.show_alert(store, "al_1")).deliveries] == ["pending"]
    with pytest.raises(UserError, match="no channel 'desk'"):
        await commands.resend_alerts(store, since_ms=0, now_ms=START_MS, channel_id="desk")
