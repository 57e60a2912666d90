"""Spoilt documents and spoilt state: entries or a named refusal, in bounded time, and nothing else."""

from __future__ import annotations

import os
import time

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.diff import FeedState, Seen, decode_state, encode_state
from processors.diff_handler import Page, decide_snapshot
from processors.enrich import EnrichContext, enrich
from processors.parse import PARSER_VERSION, ParsedEntry, parse
from tests.fuzz.mutated import DEFINITIONS, EDITS, JSON, LIVE_BLOG, RSS, TICKER, URL, seeds, spoil
from wirewatch.errors import BadInput, BrokenStorage
from wirewatch.events import Op, ParseDefinition, encode
from wirewatch.identity import body_hash, snapshot_id

SECONDS = 2.0
"""Of processor time that one example may take: samples are small, so more means that something is not linear."""
EXAMPLES = int(os.environ.get("WIREWATCH_FUZZ_EXAMPLES", "600"))
ALLOWED = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CUTS = st.one_of(st.just(1.0), st.floats(0, 1))
OPS = set(msgspec.inspect.type_info(Op).values)  # type: ignore[attr-defined]  # a literal's values


@ALLOWED
@given(body=st.sampled_from(seeds()), definition=st.sampled_from(DEFINITIONS), edits=EDITS, cut=CUTS)
def test_a_spoilt_body_gives_entries_or_a_named_refusal(
    body: bytes, definition: ParseDefinition, edits: list[tuple[float, int, bytes, int]], cut: float
) -> None:
    spoilt = spoil(body, edits, cut)
    began = time.process_time()
    refused: BadInput | None
    try:
        feed = parse(spoilt, definition, fetched_at_ms=1_641_587_464_000)
    except BadInput as error:
        refused = error
    else:
        assert all(isinstance(entry, ParsedEntry) for entry in feed.entries)
        msgspec.json.encode(feed).decode("utf-8")
        refused = None
    assert time.process_time() - began < SECONDS
    if refused is not None:
        assert refused.reason != "bad-input", "a refusal without a name"
        assert str(refused)


@pytest.mark.parametrize(
    "body",
    [
        LIVE_BLOG.replace(b"2022-01-07T20", b"2022-01-07\\ud800"),
        LIVE_BLOG.replace(b'"headline":"T"', b'"@id":"a\\ud800","headline":"T"'),
        b'{"blocks":[{"id":"b\\ud800","title":"t","elements":[{"html":"<p>x</p>"}]}]}',
    ],
)
def test_h37_half_a_character_in_a_live_pages_data_can_be_written_down(body: bytes) -> None:
    feed = parse(body, ParseDefinition(URL), fetched_at_ms=0)
    assert len(feed.entries) == 1
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(feed))


def seen(number: int, body: bytes, definition: ParseDefinition) -> Seen:
    return Seen(
        feed_id="valley", owner=0, number=number, snapshot_id=snapshot_id("valley", 0, number),
        fetched_at_ms=1_641_587_464_000 + number * 60_000, definition=definition, name=str(number), kind="body",
        body_hash=body_hash(body), base=None, parser=PARSER_VERSION, body=body,
    )  # fmt: skip


@ALLOWED
@given(
    body=st.sampled_from([RSS, JSON, LIVE_BLOG, TICKER]),
    definition=st.sampled_from(DEFINITIONS),
    spoilt=st.lists(st.tuples(EDITS, CUTS), min_size=1, max_size=4),
)
def test_spoilt_polls_give_events_in_sequence_that_can_be_written_and_enriched(
    body: bytes, definition: ParseDefinition, spoilt: list[tuple[list[tuple[float, int, bytes, int]], float]]
) -> None:
    state: FeedState | None = None
    numbers = []
    began = time.process_time()
    for number, poll in enumerate([body, *(spoil(body, edits, cut) for edits, cut in spoilt), body], 1):
        diffed = decide_snapshot(state, seen(number, poll, definition), Page(URL))
        state = decode_state(encode_state(diffed.state))
        for event in diffed.events:
            assert event.op in OPS
            numbers.append(event.seq)
            encode(enrich(event, EnrichContext()))
    assert numbers == list(range(1, len(numbers) + 1))
    assert time.process_time() - began < 6 * SECONDS


@pytest.fixture(scope="module")
def stored() -> bytes:
    state: FeedState | None = None
    for number, body in enumerate([RSS, RSS.replace(b"rises", b"falls")], 1):
        state = decide_snapshot(state, seen(number, body, DEFINITIONS[0]), Page(URL)).state
    assert state is not None
    return encode_state(state)


@ALLOWED
@given(edits=EDITS, cut=CUTS)
def test_spoilt_state_is_state_or_broken_storage(
    stored: bytes, edits: list[tuple[float, int, bytes, int]], cut: float
) -> None:
    try:
        state = decode_state(spoil(stored, edits, cut))
        decide_snapshot(state, seen(9, RSS.replace(b"open", b"shut"), DEFINITIONS[0]), Page(URL))
    except BrokenStorage as error:
        refused = error
    else:
        return
    assert str(refused)
