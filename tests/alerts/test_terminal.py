"""Alerts in a terminal: one line each, that nothing in it can steer."""

from __future__ import annotations

import io

import msgspec
import pytest

from sinks.alerts.channels.terminal import TerminalChannel, alert_line, plain_line
from sinks.alerts.sample import sample_alert
from tests.alerts.kit import START_MS
from tests.alerts.test_webhook import DELIVERY
from wirewatch.errors import PassingFault
from wirewatch.events import Alert, AlertFeed, encode


def alert(text: str = "NEW: Dam breaks", **changes: object) -> Alert:
    changed = {"test": False, "text": text, "feed": AlertFeed("velmora", "Velmora", ""), **changes}
    return msgspec.structs.replace(sample_alert("ops", now_ms=START_MS), **changed)


async def test_a_line_begins_with_alert_and_its_type_and_is_written_at_once() -> None:
    out = io.StringIO()
    payload = encode(alert())
    await TerminalChannel(out).deliver(msgspec.structs.replace(DELIVERY, payload=payload))
    assert out.getvalue() == "ALERT opened NEW: Dam breaks | Velmora\n"


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("a\x1b[2Jb", "a [2Jb"),
        ("a\r\nALERT opened fake", "a ALERT opened fake"),
        ("a\x9b31mb", "a 31mb"),
        ("a\u202eb\u2066c", "abc"),
        ("a\u2028b\u0085c", "a b c"),
        ("a\ud800b", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 10_000, "x" * 1_000),
    ],
)
def test_h43_text_cannot_steer_the_terminal(hostile: str, plain: str) -> None:
    assert plain_line(hostile) == plain


def test_a_hostile_text_stays_one_line() -> None:
    line = alert_line(alert("x\nALERT opened y\x1b]0;title\x07", feed=AlertFeed("f", "t\n\x1b[31m", "")))
    assert "\n" not in line
    assert "\x1b" not in line
    assert "\x07" not in line


def test_a_test_alert_says_that_it_is_one() -> None:
    assert alert_line(sample_alert("ops", now_ms=START_MS)).startswith("ALERT opened (test) TEST:")


async def test_text_that_the_terminal_has_no_letters_for_is_written_all_the_same() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    await TerminalChannel(out).deliver(msgspec.structs.replace(DELIVERY, payload=encode(alert("NEW: Überflutung"))))
    assert raw.getvalue() == b"ALERT opened NEW: \\xdcberflutung | Velmora\n"


async def test_a_closed_terminal_is_a_fault_that_may_pass() -> None:
    out = io.StringIO()
    out.close()
    with pytest.raises(PassingFault, match="terminal cannot be written"):
        await TerminalChannel(out).deliver(DELIVERY)
