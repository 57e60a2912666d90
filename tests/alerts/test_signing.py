"""Signatures, held to the example that the Standard Webhooks specification's own libraries are tested with."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from sinks.alerts.channels.signing import new_secret, parse_secrets, sign, signature_headers
from tests.alerts.kit import SECRET
from wirewatch.errors import UserError

ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_known_vector() -> None:
    assert sign(parse_secrets(SECRET)[0], ID, TIME, BODY) == SIGNED


def test_the_prefix_may_be_left_out() -> None:
    assert parse_secrets(SECRET.removeprefix("whsec_")) == parse_secrets(SECRET)


def test_while_secrets_are_changed_there_is_a_signature_for_each() -> None:
    other = "whsec_" + base64.b64encode(b"another key, 24 bytes ok").decode()
    headers = signature_headers(parse_secrets(f"{other} {SECRET}"), ID, TIME, BODY)
    first, second = headers["webhook-signature"].split(" ")
    assert second == SIGNED
    digest = hmac.new(b"another key, 24 bytes ok", f"{ID}.{TIME}.".encode() + BODY, hashlib.sha256).digest()
    assert first == "v1," + base64.b64encode(digest).decode()
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (ID, str(TIME))


@pytest.mark.parametrize("bad", ["whsec_", "whsec_c2hvcnQ=", "not base64 at all!", "whsec_" + "A" * 400])
def test_a_secret_that_is_none_is_refused_without_being_repeated(bad: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_secrets(bad)
    assert "whsec_ and base64" in str(refusal.value)
    assert bad.removeprefix("whsec_") == "" or bad not in str(refusal.value)


def test_a_new_secret_is_fresh_and_can_be_used() -> None:
    assert new_secret() != new_secret()
    assert len(parse_secrets(new_secret())[0]) == 32
