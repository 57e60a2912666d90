"""State: bounded, read back as written, refused when newer, untouched where nothing changed."""

from __future__ import annotations

import random

import msgspec
import pytest

from processors.diff import FeedState, decode_state, encode_state
from processors.diff import state as states
from processors.diff.memory import Archive, Known, Window, archived
from tests.diff.watching import Watch, an_entry
from wirewatch.errors import BrokenStorage

A, B = an_entry("a", minute=1), an_entry("b", minute=2)


def test_a_state_is_read_back_as_it_was_written(watch: Watch) -> None:
    watch.poll(A, B)
    again = decode_state(encode_state(watch.remembered))
    assert again.head == watch.remembered.head
    assert again.window == watch.remembered.window
    assert again.body == watch.remembered.body != b""


def test_a_newer_state_is_refused_in_words(watch: Watch) -> None:
    watch.poll(A)
    assert watch.state is not None
    newer = watch.state[:4] + bytes([states.VERSION + 1]) + watch.state[5:]
    with pytest.raises(BrokenStorage, match="upgrade"):
        decode_state(newer)


@pytest.mark.parametrize("cut", [1, 6, 40, -3])
def test_a_damaged_state_is_refused(watch: Watch, cut: int) -> None:
    watch.poll(A)
    assert watch.state is not None
    with pytest.raises(BrokenStorage):
        decode_state(watch.state[:cut])


def test_an_earlier_state_is_brought_forward(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.poll(A)
    assert watch.state is not None
    old = watch.state[:4] + b"\0" + watch.state[5:]
    monkeypatch.setitem(states.MIGRATIONS, 0, lambda sections: sections)
    assert decode_state(old).head == watch.remembered.head


def test_a_repeat_reads_and_writes_only_the_head(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.poll(A, B)

    def refuse(_data: bytes) -> bytes:
        raise AssertionError("a section was decompressed")

    monkeypatch.setattr(states, "_unpack", refuse)
    monkeypatch.setattr(states, "_pack", refuse)
    assert watch.confirm() == []


def _known(n: int, body: str) -> Known:
    entry = an_entry(f"k{n}", body=body, minute=n)
    return Known(f"en_{n}", f"k{n}", None, f"h{n}", n, n, 1, f"ev_{n}", 0, f"c{n}", entry)


def test_H8_state_stays_under_its_limit_whatever_a_source_sends() -> None:
    noise = random.Random(7)
    bodies = ["".join(noise.choices("abcdefghijklmnopqrstuvwxyz ", k=12_000)) for _ in range(1_200)]
    left = tuple(_known(n, body) for n, body in enumerate(bodies))
    state = FeedState().with_memory(
        window=Window(left[:600]), archive=Archive(left[600:]), body=noise.randbytes(5 << 20)
    )
    packed = encode_state(state)
    assert len(packed) <= states.MAX_BYTES
    again = decode_state(packed)
    assert again.body == b""
    assert [k.entry_id for k in again.window.present] == [k.entry_id for k in left[:600]]


def test_texts_of_the_departed_are_kept_for_500_entries_and_500_bodies() -> None:
    archive = Archive()
    for n in range(1_200):
        archive = archived(archive, [_known(n, "text")], set(), bodies=n)
    kept = [k.entry is not None for k in archive.left]
    assert len(kept) == 1_200
    assert all(kept[-500:])
    assert not any(kept[:600])


def test_ids_outlive_texts(watch: Watch) -> None:
    watch.poll(A)
    watch.poll(B, A)
    watch.poll(an_entry("c", minute=3), B)
    state = watch.remembered
    (known,) = state.archive.left
    forgotten = Archive((msgspec.structs.replace(known, entry=None),))
    watch.state = encode_state(state.with_memory(archive=forgotten))
    assert watch.poll(an_entry("c", minute=3), B, A) == []
    watch.state = encode_state(state.with_memory(archive=forgotten))
    assert watch.poll(an_entry("c", minute=3), B, an_entry("a", "Other", minute=1), salt="x") == ["updated"]
