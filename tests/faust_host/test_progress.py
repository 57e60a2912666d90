"""What may be committed never passes a record that is not done, whatever happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processors.faust_host.progress import Progress

HERE, THERE = ("topic", 0), ("topic", 1)


def test_the_first_commit_waits_for_the_first_record() -> None:
    progress = Progress()
    for offset in (0, 1, 2):
        assert progress.take(HERE, offset)
    progress.finish(HERE, 1)
    progress.finish(HERE, 2)
    assert progress.reached() == {}
    progress.finish(HERE, 0)
    assert progress.reached() == {HERE: 3}


def test_partitions_do_not_wait_for_each_other() -> None:
    progress = Progress()
    progress.take(HERE, 7)
    progress.take(THERE, 3)
    progress.finish(THERE, 3)
    assert progress.reached() == {THERE: 4}


def test_behind_a_record_that_was_left_nothing_is_taken_until_it_is_read_again() -> None:
    progress = Progress()
    progress.take(HERE, 4)
    progress.leave(HERE, 4)
    assert not progress.take(HERE, 5)
    progress.finish(HERE, 5)
    assert progress.reached() == {}
    assert progress.take(HERE, 4)
    assert progress.take(HERE, 5)


def test_what_is_no_longer_ours_is_not_committed_when_it_finishes_late() -> None:
    progress = Progress()
    progress.take(HERE, 4)
    progress.drop([HERE])
    progress.finish(HERE, 4)
    assert progress.reached() == {}


def test_reading_again_from_an_earlier_place_does_not_go_back_behind_what_was_reached() -> None:
    progress = Progress()
    for offset in (3, 4):
        progress.take(HERE, offset)
        progress.finish(HERE, offset)
    assert progress.take(HERE, 3)
    progress.finish(HERE, 3)
    assert progress.reached() == {HERE: 5}


steps = st.lists(st.tuples(st.sampled_from(["take", "finish", "leave", "again"]), st.integers(0, 30)), max_size=200)


@given(steps)
def test_everything_below_what_is_reached_was_finished(script: list[tuple[str, int]]) -> None:
    progress, following = Progress(), 0
    done: set[int] = set()
    open_: list[int] = []
    for what, which in script:
        if what == "take":
            if progress.take(HERE, following):
                open_.append(following)
            following += 1
        elif what == "again":
            following = progress.reached().get(HERE, 0)
            open_ = [one for one in open_ if one < following]
        elif open_:
            offset = open_[which % len(open_)]
            if what == "finish":
                progress.finish(HERE, offset)
                done.add(offset)
            else:
                progress.leave(HERE, offset)
        reached = progress.reached().get(HERE, 0)
        assert set(range(reached)) <= done
