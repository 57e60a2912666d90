"""What may be committed never passes a record that is not done, and none is taken out of turn, whatever happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processors.faust_host.progress import LOST_SECONDS, Progress

HERE, THERE = ("topic", 0), ("topic", 1)


def reading(*offsets: int, place: tuple[str, int] = HERE) -> Progress:
    """These were read since reading began."""
    progress = Progress()
    progress.begin(place, 1)
    progress.fetch(place, offsets)
    return progress


def test_the_first_commit_waits_for_the_first_record() -> None:
    progress = reading(0, 1, 2)
    for offset in (0, 1, 2):
        assert progress.take(HERE, offset)
    progress.finish(HERE, 1)
    progress.finish(HERE, 2)
    assert progress.reached() == {}
    progress.finish(HERE, 0)
    assert progress.reached() == {HERE: 3}


def test_partitions_do_not_wait_for_each_other() -> None:
    progress = reading(7)
    progress.begin(THERE, 2)
    progress.fetch(THERE, [3])
    progress.take(HERE, 7)
    progress.take(THERE, 3)
    progress.finish(THERE, 3)
    assert progress.reached() == {THERE: 4}


def test_behind_a_record_that_was_left_nothing_is_taken_until_it_is_read_again() -> None:
    progress = reading(4, 5)
    progress.take(HERE, 4)
    progress.leave(HERE)
    assert not progress.take(HERE, 5)
    assert progress.broken() == {HERE}
    progress.finish(HERE, 5)
    assert progress.reached() == {}
    progress.begin(HERE, 2)
    progress.fetch(HERE, [4, 5])
    assert progress.take(HERE, 4)
    assert progress.take(HERE, 5)


def test_behind_a_record_that_was_read_and_never_came_nothing_is_taken() -> None:
    progress = reading(0, 1, 2, 20)
    assert progress.take(HERE, 0)
    assert not progress.take(HERE, 20)
    assert progress.broken() == {HERE}
    assert not progress.take(HERE, 1)


def test_a_record_that_is_in_no_queue_for_a_while_and_not_taken_is_lost() -> None:
    progress = reading(4, 5)
    progress.break_off_lost([HERE], 100.0)
    for now in (101.0, 101.0 + LOST_SECONDS):
        progress.break_off_lost([], now)
    assert not progress.broken()
    progress.break_off_lost([], 101.1 + LOST_SECONDS)
    assert progress.broken() == {HERE}


def test_each_record_has_the_whole_while_to_come() -> None:
    progress = reading(4, 5)
    progress.break_off_lost([], 100.0)
    progress.take(HERE, 4)
    progress.break_off_lost([], 101.0)
    progress.break_off_lost([], 100.5 + LOST_SECONDS)
    assert not progress.broken()


def test_a_record_of_an_older_reading_is_not_taken_and_harms_nothing() -> None:
    progress = reading(19, 20)
    progress.begin(HERE, 2)
    progress.fetch(HERE, [0, 1])
    assert not progress.take(HERE, 20)
    assert progress.take(HERE, 0)
    assert progress.take(HERE, 1)


def test_the_same_reading_told_twice_begins_once() -> None:
    progress = reading(4, 5)
    progress.begin(HERE, 1)
    assert progress.take(HERE, 4)


def test_offsets_that_the_log_does_not_have_are_no_gap() -> None:
    progress = reading(100, 105)
    assert progress.take(HERE, 100)
    assert progress.take(HERE, 105)


def test_what_is_no_longer_ours_is_neither_taken_nor_committed_when_it_finishes_late() -> None:
    progress = reading(4, 5)
    progress.take(HERE, 4)
    progress.drop([HERE])
    progress.finish(HERE, 4)
    assert not progress.take(HERE, 5)
    assert progress.reached() == {}


def test_reading_again_from_an_earlier_place_does_not_go_back_behind_what_was_reached() -> None:
    progress = reading(3, 4)
    for offset in (3, 4):
        progress.take(HERE, offset)
        progress.finish(HERE, offset)
    progress.begin(HERE, 2)
    progress.fetch(HERE, [3])
    assert progress.take(HERE, 3)
    progress.finish(HERE, 3)
    assert progress.reached() == {HERE: 5}


moves = st.sampled_from(["read", "come", "throw", "finish", "leave", "again", "stale"])
steps = st.lists(st.tuples(moves, st.integers(0, 30)), max_size=300)


@given(steps)
def test_records_are_done_in_turn_and_everything_below_what_is_reached_was_finished(
    script: list[tuple[str, int]],
) -> None:
    progress, seek, following = Progress(), 1, 0
    progress.begin(HERE, seek)
    queue: list[int] = []
    old: list[int] = []
    taken: list[int] = []
    done: set[int] = set()
    for what, which in script:
        if what == "read":
            progress.fetch(HERE, [following])
            queue.append(following)
            following += 1
        elif what == "throw":
            del queue[which % (len(queue) + 1) :]
        elif what == "again":
            seek, following = seek + 1, progress.reached().get(HERE, 0)
            progress.begin(HERE, seek)
            old += queue
            queue, taken = [], [one for one in taken if one < following]
        elif what == "leave":
            progress.leave(HERE)
        elif what == "finish" and taken:
            offset = taken[which % len(taken)]
            progress.finish(HERE, offset)
            done.add(offset)
        elif (what == "come" and queue) or (what == "stale" and old):
            offset = queue.pop(0) if what == "come" else old.pop(which % len(old))
            if progress.take(HERE, offset):
                assert offset == (taken[-1] + 1 if taken else progress.reached().get(HERE, 0))
                taken.append(offset)
        assert set(range(progress.reached().get(HERE, 0))) <= done
