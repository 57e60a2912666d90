"""Who answers at the address, and what is said of one that is no Kafka we can work with."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from wirewatch.brokers.connect import connect
from wirewatch.errors import UserError
from wirewatch.settings import Settings
from wirewatch.settings.declared import Kafka

API_VERSIONS, SASL_HANDSHAKE = 18, 17
OF_2_2 = {1: 10, 11: 4, 32: 2}
OF_TODAY = {1: 18, 11: 9, 32: 4}
Answer = Callable[[int], bytes | None]


def kafka(newest: Mapping[int, int], mechanisms: tuple[str, ...] = ()) -> Answer:
    """A listener's answers: which requests it knows at most, and which ways of signing in it offers."""

    def answer(kind: int) -> bytes | None:
        if kind == API_VERSIONS:
            rows = b"".join(struct.pack(">hhh", key, 0, last) for key, last in newest.items())
            return struct.pack(">hi", 0, len(newest)) + rows
        assert kind == SASL_HANDSHAKE
        names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in mechanisms)
        return struct.pack(">hi", 33, len(mechanisms)) + names  # 33: not the mechanism that was asked for

    return answer


async def said_of(answer: Answer, settings: Kafka, data_dir: Path) -> str:
    """What `connect` says of a listener that answers so; None hangs up, and bytes without a head are sent bare."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(4):
            request = await reader.readexactly(struct.unpack(">i", head)[0])
            kind, _, number = struct.unpack_from(">hhi", request)
            body = answer(kind)
            if body is None:
                break
            bare = body.startswith(b"HTTP")
            writer.write(body if bare else struct.pack(">ii", len(body) + 4, number) + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        broker = Settings(broker=f"kafka://127.0.0.1:{port}", kafka=settings)
        with pytest.raises(UserError) as caught:
            await connect(broker, data_dir=data_dir, mode="runner")
    assert f"127.0.0.1:{port}" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (kafka(OF_2_2), "is too old a Kafka: wirewatch needs 2.3 or newer"),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak Kafka; is the address in broker right?"),
        (lambda _: None, "hung up on us: it speaks TLS ([kafka] tls = true), or it is no Kafka"),
    ],
    ids=["older", "a web server", "hangs up"],
)
async def test_what_is_no_kafka_to_work_with_is_refused_at_once_in_words(
    tmp_path: Path, answer: Answer, words: str
) -> None:
    assert words in await said_of(answer, Kafka(), tmp_path)


async def test_a_way_of_signing_in_that_is_not_offered_is_named_with_those_that_are(tmp_path: Path) -> None:
    asked = Kafka(username="app", password="x" * 8, mechanism="SCRAM-SHA-512")
    said = await said_of(kafka(OF_TODAY, ("SCRAM-SHA-256", "PLAIN")), asked, tmp_path)
    assert "does not offer SCRAM-SHA-512: set [kafka] mechanism to one of SCRAM-SHA-256, PLAIN" in said
