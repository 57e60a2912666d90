"""The stage: records in, records out; another parser or definition re-bases in silence."""

from __future__ import annotations

import orjson
import pytest

from processors import diff_handler
from processors.diff import decode_state
from processors.diff_handler import DiffHandler
from wirewatch import metrics, topics
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent, JsonPaths, ParseDefinition, SnapshotInfo, decode, encode
from wirewatch.hosting import Step
from wirewatch.identity import body_hash, snapshot_id

PATHS = JsonPaths(id="id", headline="title", body="text")
DEFINITION = ParseDefinition("https://valley.example/list", kind="json", listing="full", json=PATHS)


class Stage:
    """A handler with the state a host would keep."""

    def __init__(self) -> None:
        self.handler = DiffHandler()
        self.state: bytes | None = None
        self.number = 0

    def give(
        self, items: object, definition: ParseDefinition = DEFINITION, headers: dict[str, str] | None = None
    ) -> Step:
        body = items if isinstance(items, bytes) else orjson.dumps(items)
        self.number += 1
        info = SnapshotInfo(
            kind="body",
            feed_id="valley",
            owner=1,
            number=self.number,
            snapshot_id=snapshot_id("valley", 1, self.number),
            fetched_at=f"2022-01-07T12:{self.number:02d}:00.000Z",
            definition=definition,
            body_hash=body_hash(body),
        )
        ww = {"ww_info": encode(info).decode(), **(headers or {})}
        step = self.handler.handle(Record(topics.SNAPSHOTS.name, 0, self.number, "valley", body, ww, 0), self.state)
        self.state = step.state if step.state is not None else self.state
        return step


def events(step: Step) -> list[EntryEvent]:
    return [decode(o.value or b"", EntryEvent) for o in step.outputs if o.topic == topics.ENTRY_EVENTS.name]


ONE = {"id": 1, "title": "River rises", "text": "It rained.", "lede": "Rain"}
TWO = {"id": 2, "title": "Road closed", "text": "Below the mill.", "lede": "Road"}


def test_events_carry_the_envelope_of_their_type() -> None:
    stage = Stage()
    step = stage.give([ONE])
    (output,) = step.outputs
    (event,) = events(step)
    assert output.key == "valley"
    assert output.headers["ce_type"] == "wirewatch.entry.baseline.v1"
    assert output.headers["ce_id"] == event.id
    assert output.headers["ce_source"] == "wirewatch/diff/valley"
    assert output.headers["ce_time"] == event.time
    assert (event.snapshot, event.native_id) == ("1", "1")


def test_a_bad_body_is_a_verdict_and_no_dead_letter() -> None:
    stage = Stage()
    stage.give([ONE, TWO])
    step = stage.give(b'[{"id": 1, "title": "Riv')
    assert [e.op for e in events(step)] == ["source-error"]
    assert [o.topic for o in step.outputs] == [topics.ENTRY_EVENTS.name, topics.FETCH_REQUESTS.name]
    assert [e.op for e in events(stage.give([ONE, TWO]))] == ["source-recovered"]


def test_F19_a_record_without_its_header_is_bad_input() -> None:
    with pytest.raises(BadInput, match="ww_info"):
        DiffHandler().handle(Record(topics.SNAPSHOTS.name, 0, 1, "valley", b"[]", {}, 0), None)


def test_a_skipped_record_leaves_the_state_alone_and_is_counted() -> None:
    stage = Stage()
    stage.give([ONE])
    stage.number -= 1
    before = metrics.SNAPSHOTS_SKIPPED.labels("number")._value.get()
    assert stage.give([ONE, TWO]) == Step([])
    assert metrics.SNAPSHOTS_SKIPPED.labels("number")._value.get() == before + 1


def test_the_same_record_and_state_give_the_same_step() -> None:
    one, other = Stage(), Stage()
    for stage in (one, other):
        stage.give([ONE])
    assert one.give([TWO, ONE]) == other.give([TWO, ONE])


def test_another_definition_re_bases_in_silence() -> None:
    stage = Stage()
    stage.give([ONE, TWO])
    other = ParseDefinition(
        DEFINITION.url, kind="json", listing="full", json=JsonPaths(id="id", headline="title", body="lede")
    )
    assert events(stage.give([ONE, TWO], other)) == []
    edited = {**ONE, "lede": "Heavy rain"}
    (event,) = events(stage.give([edited, TWO], other))
    assert (event.op, event.changes[0].before, event.revision) == ("updated", "Rain", 2)


def test_a_change_of_source_with_a_change_of_definition_is_still_told() -> None:
    stage = Stage()
    stage.give([ONE, TWO])
    other = ParseDefinition(
        DEFINITION.url, kind="json", listing="full", json=JsonPaths(id="id", headline="title", body="lede")
    )
    three = {"id": 3, "title": "Mill safe", "text": "", "lede": ""}
    assert [e.op for e in events(stage.give([three, ONE, TWO], other))] == ["created"]


def test_an_upgraded_parser_brings_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.give([ONE, TWO])
    monkeypatch.setattr(diff_handler, "PARSER_VERSION", "next")
    assert events(stage.give([ONE, TWO])) == []
    assert stage.state is not None
    assert decode_state(stage.state).head.parser == "next"
    assert [e.op for e in events(stage.give([ONE, {**TWO, "title": "Road open"}]))] == ["updated"]


def test_what_a_new_definition_shows_first_is_baseline() -> None:
    stage = Stage()
    stage.give(
        {"news": [ONE], "more": [TWO]},
        ParseDefinition(DEFINITION.url, kind="json", json=JsonPaths("news", "id", "", "title")),
    )
    both = ParseDefinition(DEFINITION.url, kind="json", json=JsonPaths("[news, more][]", "id", "", "title"))
    step = stage.give({"news": [ONE], "more": [TWO]}, both)
    assert [(e.op, e.native_id) for e in events(step)] == [("baseline", "2")]


def test_a_retried_dead_letter_only_adds() -> None:
    stage = Stage()
    stage.give([ONE])
    stage.give([TWO])
    step = stage.give([{**ONE, "title": "Changed"}, {"id": 9, "title": "Missed"}], headers={"ww_retried_from": "x"})
    assert [(e.op, e.native_id) for e in events(step)] == [("backfilled", "9")]
