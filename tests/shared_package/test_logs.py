from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.logs import Sparing, configure_logs, get_logger, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://user:hunter2@example.org/feed", "hunter2"),
        ("GET https://example.org/f?token=hunter2&x=1", "hunter2"),
        ("https://example.org/f?x=1&api_key=hunter2", "hunter2"),
        ("https://example.org/f?access_token=hunter2#a", "hunter2"),
        ("socks://hunter2@example.org", "hunter2"),
        ("1.https://user:hunter2@example.org/feed", "hunter2"),
        ("https://example.org/go?to=https://example.org/?my.token=hunter2", "hunter2"),
        ("https://user:old@hunter2@example.org/feed", "hunter2"),
        ("https://example.org/callback#access_token=hunter2", "hunter2"),
    ],
)
def test_h58_secrets_in_urls_are_struck_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "example.org" in redact(text)


@pytest.mark.parametrize("text", ["a." * 50_000, "?" + "token" * 20_000, "a://x@" * 20_000, "a://" + "x@" * 50_000])
def test_redacting_takes_time_linear_in_the_text(text: str) -> None:
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 1


@given(st.text(alphabet="abz0159-_.~%", min_size=6, max_size=30))
def test_h58_no_password_gets_through_whatever_it_is(password: str) -> None:
    assert f":{password}@" not in redact(f"see https://u:{password}@example.org/ for more")


def test_h58_a_log_line_shows_neither_url_secrets_nor_fields_that_are_secret() -> None:
    out = io.StringIO()
    configure_logs(stream=out, json=True)
    get_logger("poll").warning(
        "failed", url="https://u:hunter2@e.org/", api_key="hunter2", error=ValueError("?token=hunter2")
    )
    try:
        raise ValueError("https://u:hunter2@e.org/")
    except ValueError:
        get_logger("poll").exception("failed again")
    assert "hunter2" not in out.getvalue()
    assert [json.loads(line)["stage"] for line in out.getvalue().splitlines()] == ["poll", "poll"]


@pytest.mark.parametrize("json_lines", [True, False])
def test_h58_secrets_deep_in_a_field_do_not_get_through_either(json_lines: bool) -> None:
    out = io.StringIO()
    configure_logs(stream=out, json=json_lines)
    url = "https://u:hunter2@e.org/?token=hunter2"
    get_logger("poll").warning(
        "asked",
        headers={"Authorization": "hunter2", "Referer": url},
        tried=[url, (url, {"cookie": "hunter2"})],
        body=url.encode(),
        count=3,
    )
    assert "hunter2" not in out.getvalue()
    assert "e.org" in out.getvalue()


@pytest.mark.parametrize("json_lines", [True, False])
def test_what_a_source_put_into_an_error_does_not_steer_the_terminal(json_lines: bool) -> None:
    out = io.StringIO()
    configure_logs(stream=out, json=json_lines)
    try:
        raise ValueError("odd \x1b[2J\x9b31m\rbody")
    except ValueError as error:
        get_logger("diff").exception("failed \x1b[2J", error=error)
    assert "\x1b[2J" not in out.getvalue()
    assert "\x9b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert "ValueError: odd" in out.getvalue()


def test_the_same_line_is_due_again_after_a_while_and_another_at_once() -> None:
    sparing = Sparing(every=30.0)
    said = [sparing.is_due("away", now) for now in (100.0, 101.0, 129.9, 130.0, 131.0)]
    assert said == [True, False, False, True, False]
    assert sparing.is_due("refused", 131.0)
