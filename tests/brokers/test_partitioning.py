from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.brokers.partitioning import murmur2, partition_for


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        # the vectors of Kafka's own UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(text: bytes, signed: int) -> None:
    assert murmur2(text) == signed % (1 << 32)


@given(st.text(), st.integers(1, 200))
def test_a_key_always_falls_into_the_same_existing_partition(key: str, partitions: int) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert 0 <= partition_for(key, partitions) < partitions
    assert partition_for(key, partitions) == partition_for(key, partitions)
    assert partition_for(key, 1) == 0


def test_many_keys_spread_over_all_partitions() -> None:
    assert {partition_for(f"feed-{number}", 24) for number in range(1000)} == set(range(24))
