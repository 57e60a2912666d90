from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.brokers.kept_state import KeptState, pack_state, unpack_state
from wirewatch.errors import BrokenStorage


@given(st.binary(max_size=5_000), st.integers(0, 2**32 - 1))
def test_a_kept_state_comes_back_as_it_was_and_is_never_a_tombstone(data: bytes, version: int) -> None:
    value = pack_state(KeptState(version, data))
    assert value
    assert unpack_state(value, where="a feed") == KeptState(version, data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda value: value[:5], "5 bytes is no state"),
        (lambda value: b"\x02" + value[1:], "kept in form 2, this wirewatch knows 1"),
        (lambda value: value[:-3], "cannot be decompressed"),
        (lambda value: value[:5] + b"\xff" * 8 + value[13:], "it is damaged"),
    ],
)
def test_a_value_that_is_no_state_is_broken_storage_and_says_whose(spoil: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(BrokenStorage, match=f"the state of feed f: .*{said}"):
        unpack_state(spoil(pack_state(KeptState(1, b"abc" * 1_000))), where="the state of feed f")
