from __future__ import annotations

import pytest

from wirewatch.brokers.kafka.copies import Partition, what_is_behind, why_no_records

WHOLE = Partition(0, leader=1, copies=(1, 2, 3), in_step=(1, 2, 3))


@pytest.mark.parametrize(
    ("partitions", "silent", "words"),
    [
        ([], {}, "it has no partitions yet"),
        ([WHOLE, Partition(1, -1, (1, 2, 3), (3,))], {}, "partition 1 has no leader"),
        ([Partition(4, 1, (1, 2, 3), (1,))], {}, "partition 4 has 1 of the 2 copies in step that it needs"),
        ([WHOLE], {1: "a:1"}, "partition 0 is led by a:1, which does not answer"),
        (
            [WHOLE],
            {2: "b:1", 3: "c:1"},
            "partition 0 has 1 of the 2 copies that it needs: no answer from b:1 nor c:1",
        ),
    ],
)
def test_what_keeps_a_topic_from_taking_records_is_said(
    partitions: list[Partition], silent: dict[int, str], words: str
) -> None:
    assert why_no_records(partitions, 2, silent) == words


def test_a_topic_takes_records_while_enough_of_its_copies_answer() -> None:
    assert why_no_records([WHOLE], 2, {}) is None
    assert why_no_records([WHOLE], 2, {3: "c:1"}) is None
    assert why_no_records([Partition(0, 1, (1, 2, 3), (1, 2))], 2, {3: "c:1"}) is None


def test_which_brokers_lack_is_said_and_whether_they_are_away_or_behind() -> None:
    lacking = {"t": [WHOLE, Partition(1, 1, (1, 2, 3), (1,))]}
    assert what_is_behind({"t": [WHOLE]}, {1, 2, 3}) is None
    assert what_is_behind(lacking, {1, 2}) == (
        "1 of 2 partitions have not all their copies in step; the brokers that lack: 2 (behind), 3 (away)"
    )
