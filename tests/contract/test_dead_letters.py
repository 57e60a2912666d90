"""Dead letters on any broker: kept, listed, shown, retried, dropped."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from wirewatch.brokers.dead_letters import (
    RETRIED_FROM_HEADER,
    drop_dead_letter,
    list_dead_letters,
    make_dead_letter,
    retry_dead_letter,
    show_dead_letter,
)
from wirewatch.brokers.interface import Broker, NewRecord, Record
from wirewatch.errors import UserError
from wirewatch.events import DeadLetter, decode
from wirewatch.topics import DEAD_LETTERS, SNAPSHOTS, Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]
NOW = 1_641_587_464_120


@pytest.fixture
async def broker(open_broker: OpenBroker) -> AsyncIterator[Broker]:
    opened = await open_broker("log", (SNAPSHOTS, DEAD_LETTERS))
    yield opened
    await opened.close()


async def rejected(
    broker: Broker, value: bytes | None = b"<rss", *, stage: str = "diff", error: str = "cut off"
) -> str:
    source = (await broker.publish([NewRecord(SNAPSHOTS.name, "feed", value, {"ww_info": "{}"})]))[0]
    letter = make_dead_letter(
        source, stage=stage, fate="bad-input", reason="truncated", error=error, traceback=None, now_ms=NOW
    )
    await broker.publish([letter])
    return letter.headers["ww_dead_letter"]


async def test_a_letter_holds_the_record_and_why_it_was_rejected(broker: Broker) -> None:
    id_ = await rejected(broker, b"\xff\x00body")
    (listed,) = await list_dead_letters(broker)
    assert (listed.state, listed.letter.id, listed.letter.value, listed.letter.size) == ("open", id_, None, 6)
    _, letter = await show_dead_letter(broker, id_)
    assert base64.b64decode(letter.value or "") == b"\xff\x00body"
    assert (letter.topic, letter.key, letter.headers) == (SNAPSHOTS.name, "feed", {"ww_info": "{}"})
    assert (letter.reason, letter.error, letter.time) == ("truncated", "cut off", "2022-01-07T20:31:04.120Z")


async def test_a_retried_letter_gives_the_record_again_and_is_marked(broker: Broker) -> None:
    id_ = await rejected(broker)
    again = await retry_dead_letter(broker, id_, now_ms=NOW)
    assert (again.topic, again.key, again.value) == (SNAPSHOTS.name, "feed", b"<rss")
    assert again.headers == {"ww_info": "{}", RETRIED_FROM_HEADER: id_}
    assert await list_dead_letters(broker) == []
    assert [item.state for item in await list_dead_letters(broker, include_done=True)] == ["retried"]
    with pytest.raises(UserError, match="was retried already"):
        await retry_dead_letter(broker, id_, now_ms=NOW)


async def test_a_record_without_a_value_is_retried_without_one(broker: Broker) -> None:
    id_ = await rejected(broker, None)
    assert (await retry_dead_letter(broker, id_, now_ms=NOW)).value is None


async def test_a_dropped_letter_is_gone_from_the_list_and_cannot_be_retried(broker: Broker) -> None:
    first, second = await rejected(broker), await rejected(broker, stage="search")
    await drop_dead_letter(broker, first, now_ms=NOW)
    assert [item.letter.id for item in await list_dead_letters(broker)] == [second]
    assert await list_dead_letters(broker, stage="diff") == []
    with pytest.raises(UserError, match="was dropped already"):
        await retry_dead_letter(broker, first, now_ms=NOW)
    with pytest.raises(UserError, match="no dead letter dl_none"):
        await drop_dead_letter(broker, "dl_none", now_ms=NOW)


async def test_the_largest_record_still_fits_into_a_letter(broker: Broker) -> None:
    body = b"x" * (SNAPSHOTS.max_message_bytes - 1_000)
    id_ = await rejected(broker, body)
    assert (await retry_dead_letter(broker, id_, now_ms=NOW)).value == body


async def test_a_broken_letter_does_not_hide_the_others(broker: Broker) -> None:
    await broker.publish([NewRecord(DEAD_LETTERS.name, "feed", b"not a letter", {})])
    id_ = await rejected(broker)
    await broker.publish(
        [NewRecord(DEAD_LETTERS.name, "feed", None, {"ww_dead_letter": "dl_other", "ww_mark": "dropped"})]
    )
    assert [item.letter.id for item in await list_dead_letters(broker)] == [id_]


def test_secrets_in_an_error_do_not_reach_the_topic() -> None:
    """H58"""
    source = Record("t", 0, 7, "k", b"x", {}, 0)
    letter = make_dead_letter(
        source,
        stage="diff",
        fate="bug",
        reason="bug",
        error="GET https://me:hunter2@example.org/?token=hunter3 \udcff",
        traceback="at https://me:hunter2@example.org/",
        now_ms=NOW,
    )
    assert b"hunter" not in (letter.value or b"")
    assert decode(letter.value or b"", DeadLetter).error.startswith("GET https://[redacted]@example.org/")


def test_the_same_rejected_record_always_gives_the_same_letter_id() -> None:
    def id_of(stage: str, offset: int) -> str:
        source = Record("t", 0, offset, "k", b"x", {}, 0)
        made = make_dead_letter(source, stage=stage, fate="bug", reason="bug", error="", traceback=None, now_ms=offset)
        return made.headers["ce_id"]

    assert id_of("diff", 7) == id_of("diff", 7)
    assert len({id_of("diff", 7), id_of("diff", 8), id_of("search", 7)}) == 3
