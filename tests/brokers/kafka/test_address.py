from __future__ import annotations

from pathlib import Path

import pytest

from wirewatch.brokers.kafka import read_address
from wirewatch.errors import UserError
from wirewatch.settings.declared import Kafka


def test_every_server_of_the_url_is_tried() -> None:
    address = read_address("kafka://one:9092, [::1]:9093/", Kafka())
    assert address.servers == ("one:9092", "[::1]:9093")
    assert address.options()["security_protocol"] == "PLAINTEXT"


def test_a_password_comes_from_the_environment_and_is_never_shown() -> None:
    kafka = Kafka(username="app", password="env:SECRET")
    address = read_address("kafka://one:9092", kafka, environ={"SECRET": "hunter2"})
    assert address.password == "hunter2"
    assert address.options()["security_protocol"] == "SASL_PLAINTEXT"
    assert "hunter2" not in f"{address!r} {address}"


@pytest.mark.parametrize(
    ("url", "kafka", "words"),
    [
        ("kafka://", Kafka(), "no host:port"),
        ("kafka://host", Kafka(), "no host:port"),
        ("kafka://host:99999", Kafka(), "no host:port"),
        ("kafka://app:hunter2@host:9092", Kafka(), "holds a user"),
        ("kafka://host:9092", Kafka(password="hunter2"), "username is not"),
        ("kafka://host:9092", Kafka(username="app"), "no password"),
        ("kafka://host:9092", Kafka(username="app", password="env:NOT_SET"), "NOT_SET is not set"),
        ("kafka://host:9092", Kafka(username="app", password="hunter2", mechanism="PLAIN"), "in the clear"),
        ("kafka://host:9092", Kafka(ca_file="ca.pem"), "tls is not"),
        ("kafka://host:9092", Kafka(session_timeout="1s"), "between 6s and 30m"),
    ],
)
def test_what_the_settings_leave_open_is_refused_in_words(url: str, kafka: Kafka, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_address(url, kafka, environ={})
    assert "hunter2" not in str(caught.value)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pem cannot be used: No such file"):
        read_address("kafka://host:9092", Kafka(tls=True, ca_file=str(tmp_path / "none.pem"))).options()
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(UserError, match="no certificates in PEM form"):
        read_address("kafka://host:9092", Kafka(tls=True, ca_file=str(tmp_path / "bad.pem"))).options()
