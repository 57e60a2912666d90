"""How places in one sequence lie in the partitions that it falls into."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wirewatch.brokers.partitioning import partition_for
from wirewatch.moving.division import Division, offset_in, origin

KEYS = st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=2), max_size=60)


@given(KEYS, st.integers(1, 5), st.integers(0, 80), st.integers(1, 3))
def test_what_was_read_before_a_place_is_read_before_it_in_the_copy_and_nothing_else_is(
    keys: list[str], partitions: int, place: int, step: int
) -> None:
    division = Division(partitions)
    copy: dict[int, list[int]] = {partition: [] for partition in range(partitions)}
    for number, key in enumerate(keys):
        offset = number * step  # what was compacted has left holes
        partition, at = division.add(key, offset)
        assert (partition, at) == (partition_for(key, partitions), len(copy[partition]))
        copy[partition].append(offset)
    there = division.place(place)
    assert there.keys() == copy.keys()
    read = [offset for partition, offsets in copy.items() for offset in offsets[: there[partition]]]
    assert sorted(read) == [number * step for number in range(len(keys)) if number * step < place]
    assert division.counts() == [len(offsets) for offsets in copy.values()]


def test_a_copy_names_its_log_and_its_place_there() -> None:
    assert offset_in("abc", origin("abc", 17)) == 17
    assert offset_in("other", origin("abc", 17)) is None
    assert offset_in("abc", None) is None
    assert offset_in("abc", "abc/later") is None
