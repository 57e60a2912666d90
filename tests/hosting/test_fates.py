from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.errors import BadInput, BrokenStorage, PassingFault
from wirewatch.hosting.fates import decide_backoff, decide_failure, is_rejected


def test_each_kind_of_error_has_its_own_fate() -> None:
    bad = decide_failure(BadInput("no", reason="odd"))
    passing = decide_failure(PassingFault("later", retry_after=7))
    bug = decide_failure(ValueError("ours"))
    assert (bad.kind, bad.reason, is_rejected(bad, 1)) == ("bad-input", "odd", True)
    assert (passing.kind, passing.retry_after, is_rejected(passing, 1_000)) == ("passing", 7, False)
    assert [is_rejected(bug, tries) for tries in (1, 2, 3)] == [False, False, True]
    with pytest.raises(BrokenStorage):
        decide_failure(BrokenStorage("gone"))


@given(st.integers(1, 10_000), st.one_of(st.none(), st.floats(-1e12, 1e12)))
def test_a_retry_is_never_a_hot_loop_and_never_far_away(failures: int, retry_after: float | None) -> None:
    """H59-60"""
    assert 0.01 <= decide_backoff(failures, retry_after) <= 30
