"""What is due next, with a clock of the test's own."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.schedule import Schedule


def _schedule(concurrency: int = 10, per_host: float = 1.0) -> Schedule:
    return Schedule(concurrency=concurrency, per_host=per_host)


def test_feeds_come_when_they_are_due_and_not_before() -> None:
    s = _schedule()
    s.put("a", host="a", due=5.0, doubtful=False)
    s.put("b", host="b", due=3.0, doubtful=False)
    assert s.take(2.9) == []
    assert s.wait(2.5) == 0.5
    assert s.take(3.0) == ["b"]
    assert s.take(5.0) == ["a"]
    assert s.wait(5.0) is None


def test_one_host_is_asked_one_at_a_time_with_a_pause_after_the_end() -> None:
    s = _schedule()
    for name in "abc":
        s.put(name, host="same", due=0.0, doubtful=False)
    assert s.take(0.0) == ["a"]
    assert s.take(10.0) == []
    s.done("a", 10.0)
    assert s.take(10.5) == []
    assert s.wait(10.5) == 0.5
    assert s.take(11.0) == ["b"]
    s.done("b", 11.0)
    assert s.take(12.0) == ["c"]


def test_the_pause_holds_for_a_feed_that_is_put_later() -> None:
    s = _schedule()
    s.put("a", host="same", due=0.0, doubtful=False)
    s.take(0.0)
    s.done("a", 0.1)
    s.put("b", host="same", due=0.2, doubtful=False)
    assert s.take(0.2) == []
    assert s.take(1.1) == ["b"]


def test_f15_a_host_that_hangs_delays_no_other() -> None:
    s = _schedule()
    s.put("hung", host="slow", due=0.0, doubtful=False)
    s.put("behind", host="slow", due=0.0, doubtful=False)
    s.put("well", host="fast", due=1.0, doubtful=False)
    assert s.take(0.0) == ["hung"]
    assert s.take(1.0) == ["well"]


def test_f20_two_thousand_hung_feeds_leave_half_of_the_places_to_sound_ones() -> None:
    s = _schedule(concurrency=64)
    for n in range(2000):
        s.put(f"hung-{n}", host=f"h{n}", due=0.0, doubtful=True)
    assert len(s.take(0.0)) == 32
    s.put("sound", host="sound", due=1.0, doubtful=False)
    assert s.take(1.0) == ["sound"]
    assert s.running == 33


def test_no_more_run_than_the_bound_and_the_next_starts_when_one_ends() -> None:
    s = _schedule(concurrency=2, per_host=0)
    for n in range(4):
        s.put(f"f{n}", host=f"h{n}", due=0.0, doubtful=False)
    first = s.take(0.0)
    assert len(first) == 2
    assert s.wait(0.0) is None
    s.done(first[0], 0.5)
    assert s.wait(0.5) == 0.0
    assert len(s.take(0.5)) == 1


def test_a_new_due_time_replaces_the_old_one() -> None:
    s = _schedule()
    s.put("a", host="a", due=100.0, doubtful=False)
    s.put("a", host="a", due=1.0, doubtful=False)
    assert s.take(1.0) == ["a"]
    s.done("a", 1.0)
    assert s.take(200.0) == []


def test_a_feed_put_while_it_runs_is_told_at_its_end() -> None:
    s = _schedule()
    s.put("a", host="a", due=0.0, doubtful=False)
    s.take(0.0)
    s.put("a", host="a", due=3.0, doubtful=False)
    assert s.take(5.0) == []
    assert s.done("a", 5.0) == 3.0


def test_a_removed_feed_does_not_come_even_if_it_already_waits_for_its_host() -> None:
    s = _schedule()
    for name in "abc":
        s.put(name, host="same", due=0.0, doubtful=False)
    s.take(0.0)
    s.remove("b")
    s.remove("a")
    s.remove("never-there")
    assert s.done("a", 0.0) is None
    assert s.take(1.0) == ["c"]
    assert "a" not in s
    assert len(s) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_put_removed_and_done_each_feed_runs_once_and_none_starves(seed: int) -> None:
    rng = random.Random(seed)
    s = Schedule(concurrency=rng.randint(1, 5), per_host=rng.choice([0, 0.5]))
    alive: set[str] = set()
    running: dict[str, str] = {}
    now = 0.0
    for _ in range(300):
        now += rng.random()
        name = f"f{rng.randint(0, 20)}"
        choice = rng.random()
        if choice < 0.5:
            if name not in alive and name not in running:
                s.put(name, host=f"h{hash(name) % 4}", due=now + rng.random() * 3, doubtful=rng.random() < 0.4)
                alive.add(name)
        elif choice < 0.6 and name in alive and name not in running:
            s.remove(name)
            alive.discard(name)
        elif running:
            ended = rng.choice(sorted(running))
            del running[ended]
            s.done(ended, now)
        for taken in s.take(now):
            assert taken in alive
            host = f"h{hash(taken) % 4}"
            assert host not in running.values()
            running[taken] = host
            alive.discard(taken)
    for _ in range(200):
        now += 5
        for ended in list(running):
            del running[ended]
            s.done(ended, now)
        for taken in s.take(now):
            running[taken] = f"h{hash(taken) % 4}"
            alive.discard(taken)
    assert alive == set()
    assert s._hosts == {} or not running
