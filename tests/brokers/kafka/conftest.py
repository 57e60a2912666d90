"""Clusters of their own for tests that need other listeners, and a broker on the shared one."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.servers.kafka import STEADY, KafkaServer, Listener
from tests.servers.maven import ServerMissing, program, skip_or_fail
from wirewatch.brokers.kafka import Address, KafkaBroker

PASSWORD = "hunter2-never-shown"
SCRAM = {
    "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
    "scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'user_app="{PASSWORD}";',
}


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """The server's key with its certificate, and the certificate alone, for 127.0.0.1."""
    key, certificate, both = folder / "key.pem", folder / "ca.pem", folder / "server.pem"
    command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=wirewatch test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both, certificate


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A cluster with a listener of each kind; ``app`` may do everything, ``guest`` nothing. Its folder holds
    ca.pem. Unlike the shared one it makes topics of its own accord."""
    folder = tmp_path_factory.mktemp("secure-kafka")
    try:
        both, _ = make_certificate(folder)
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(both)}
        server = KafkaServer(
            folder,
            listeners=[
                Listener("SSL", tls),
                Listener("SASL_PLAINTEXT", SCRAM),
                Listener("SASL_SSL", {**SCRAM, **tls}),
            ],
            scram={"app": PASSWORD, "guest": PASSWORD},
            settings={
                **STEADY,
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS;User:app",
                "auto.create.topics.enable": "true",
            },
        )
    except ServerMissing as missing:
        skip_or_fail(missing)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def prefix() -> str:
    """What stands before every name, so that a test has its own on a shared cluster."""
    return f"{uuid.uuid4().hex[:8]}."


@pytest.fixture
async def broker(kafka: KafkaServer, prefix: str) -> AsyncIterator[KafkaBroker]:
    """A broker on the shared cluster, with no topics yet."""
    opened = KafkaBroker(Address((kafka.bootstrap,), session_ms=6_000), prefix=prefix)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A server for this test alone, to be killed and stopped."""
    try:
        server = KafkaServer(tmp_path / "kafka")
    except ServerMissing as missing:
        skip_or_fail(missing)
    server.start()
    try:
        yield server
    finally:
        server.kill()
