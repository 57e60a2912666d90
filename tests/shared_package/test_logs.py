from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.logs import configure_logs, get_logger, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://user:hunter2@example.org/feed", "hunter2"),
        ("GET https://example.org/f?token=hunter2&x=1", "hunter2"),
        ("https://example.org/f?x=1&api_key=hunter2", "hunter2"),
        ("https://example.org/f?access_token=hunter2#a", "hunter2"),
        ("socks://hunter2@example.org", "hunter2"),
    ],
)
def test_h58_secrets_in_urls_are_struck_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "example.org" in redact(text)


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
