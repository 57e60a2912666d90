from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from tests.brokers.kafka.conftest import PASSWORD
from tests.brokers.kafka.test_faults import poll_for_ever
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.connect import connect
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kafka import KafkaBroker, read_address
from wirewatch.errors import BrokenStorage, UserError
from wirewatch.settings import Settings
from wirewatch.settings.declared import Kafka
from wirewatch.topics import Topic

pytestmark = pytest.mark.servers
LOG = Topic("test.log.v1", "feed_id", "anything", 3_600_000, 100_000, 2)

# as Kafka numbers them
_TOPIC: Final = 2
_GROUP: Final = 3
_PREFIXED: Final = 4
_ALL: Final = 2
_ALLOW: Final = 3


def settings_for(server: KafkaServer, protocol: str, kafka: Kafka) -> Settings:
    return Settings(broker=f"kafka://{server.addresses[protocol]}", kafka=kafka)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
@pytest.mark.parametrize("tls", [False, True])
async def test_records_go_through_a_listener_that_wants_a_user(
    secure: KafkaServer, prefix: str, tls: bool, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mechanism == "PLAIN" and not tls:
        pytest.skip("refused: see test_what_the_settings_leave_open_is_refused_in_words")
    monkeypatch.setenv("BROKER_PASSWORD", PASSWORD)
    ca_file = str(secure.folder / "ca.pem") if tls else ""
    kafka = Kafka(tls=tls, ca_file=ca_file, username="app", password="env:BROKER_PASSWORD", mechanism=mechanism)
    protocol = "SASL_SSL" if tls else "SASL_PLAINTEXT"
    reader = await connect(settings_for(secure, protocol, kafka), data_dir=Path(), mode="reader")
    await reader.close()
    broker = KafkaBroker(read_address(f"kafka://{secure.addresses[protocol]}", kafka), prefix=prefix)
    await round_trip(broker)


async def test_records_go_through_a_listener_that_speaks_tls(secure: KafkaServer, prefix: str) -> None:
    kafka = Kafka(tls=True, ca_file=str(secure.folder / "ca.pem"))
    broker = KafkaBroker(read_address(f"kafka://{secure.addresses['SSL']}", kafka), prefix=prefix)
    await round_trip(broker)


async def round_trip(broker: KafkaBroker) -> None:
    await broker.open()
    try:
        await broker.create_topics([LOG])
        published = await broker.publish([NewRecord(LOG.name, "k", b"v", {"ce_id": "1"})])
        assert await broker.read(LOG.name, published[0].partition, 0) == published
        consumer = await broker.consumer("g", [LOG.name])
        assert await consumer.poll(wait=10) == published
        await consumer.commit(published)
    finally:
        await broker.close()


REFUSED = [
    ("PLAINTEXT", Kafka(tls=True), "speaks no TLS: set .kafka. tls = false"),
    ("SASL_PLAINTEXT", Kafka(tls=True), "speaks no TLS"),
    ("SSL", Kafka(), "TLS"),
    ("SASL_SSL", Kafka(username="app", password="x"), "TLS"),
    ("SSL", Kafka(tls=True), "cannot be trusted: .*ca_file"),
    ("SASL_PLAINTEXT", Kafka(), "wants a user .it offers .*SCRAM-SHA-512.*: set .kafka. username"),
    ("PLAINTEXT", Kafka(username="app", password=PASSWORD), "asks for no user: leave .kafka. username empty"),
    ("SASL_PLAINTEXT", Kafka(username="app", password=PASSWORD + "x"), "does not accept the user 'app'"),
    ("SASL_PLAINTEXT", Kafka(username="nobody", password=PASSWORD), "does not accept the user 'nobody'"),
]


@pytest.mark.parametrize(("protocol", "kafka", "words"), REFUSED)
async def test_a_listener_that_does_not_fit_the_settings_is_told_in_words(
    secure: KafkaServer, protocol: str, kafka: Kafka, words: str
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        await connect(settings_for(secure, protocol, kafka), data_dir=Path(), mode="reader")
    assert PASSWORD not in str(caught.value)
    assert secure.addresses[protocol] in str(caught.value)


async def test_a_user_without_rights_is_told_what_was_refused(secure: KafkaServer, prefix: str) -> None:
    kafka = Kafka(username="guest", password=PASSWORD)
    broker = KafkaBroker(read_address(f"kafka://{secure.addresses['SASL_PLAINTEXT']}", kafka), prefix=prefix)
    await broker.open()
    try:
        with pytest.raises(UserError, match=r"test\.log\.v1 cannot be created.*(?i:authoriz)"):
            await broker.create_topics([LOG])
    finally:
        await broker.close()


async def allow(admin: KafkaBroker, prefix: str, user: str, *, allowed: bool) -> None:
    """Give a user all rights on topics and groups with that prefix, or take them away."""
    make = CreateAclsRequest if allowed else DeleteAclsRequest
    for resource in (_TOPIC, _GROUP):
        request = make(resource, prefix, _PREFIXED, f"User:{user}", "*", _ALL, _ALLOW)
        await admin.link.to_controller(request)


async def test_rights_that_are_taken_away_at_work_end_it_and_set_nothing_aside(
    secure: KafkaServer, prefix: str
) -> None:
    admin = KafkaBroker(read_address(f"kafka://{secure.bootstrap}", Kafka()), prefix=prefix)
    guest = Kafka(username="guest", password=PASSWORD, session_timeout="6s")
    broker = KafkaBroker(read_address(f"kafka://{secure.addresses['SASL_PLAINTEXT']}", guest), prefix=prefix)
    await admin.open()
    try:
        await admin.create_topics([LOG])
        await allow(admin, prefix, "guest", allowed=True)
        await broker.open()
        records = await broker.publish([NewRecord(LOG.name, "k", b"v", {})])
        place = records[0].partition
        consumer = await broker.consumer("g", [LOG.name])
        assert await consumer.poll(wait=10) == records
        await allow(admin, prefix, "guest", allowed=False)
        with pytest.raises(BrokenStorage, match="does not allow it"):
            await broker.publish([NewRecord(LOG.name, "k", b"w", {})])
        with pytest.raises(BrokenStorage, match="does not allow it"):
            await broker.read(LOG.name, place, 0)
        with pytest.raises(BrokenStorage, match="does not allow it"):
            await consumer.commit(records)
        with pytest.raises(BrokenStorage, match="does not allow it"):
            await poll_for_ever(consumer)
        assert await admin.committed("g", LOG.name, place) is None
    finally:
        await broker.close()
        await admin.close()
