"""The first words with a server, to tell in plain words what does not fit, before a client retries in silence.

Two requests that every Kafka answers before anyone has signed in: which requests it knows, and which ways of
signing in. A server that speaks TLS answers a plain request with a TLS alert, and one that does not hangs up.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka
from aiokafka.conn import create_conn

from wirewatch.brokers.kafka.failures import describe
from wirewatch.errors import PassingFault, UserError

if TYPE_CHECKING:
    from wirewatch.brokers.kafka.address import Address

_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1 << 20
_API_VERSIONS: Final = 18
_SASL_HANDSHAKE: Final = 17
_ILLEGAL_SASL_STATE: Final = 34
_TLS_ALERT: Final = b"\x15\x03"
# what we cannot do without: fetches of zstd, members with kept names, settings of topics
_NEEDED: Final = {1: 10, 11: 5, 32: 1}


async def greet(address: Address) -> None:
    """Return when one server of the address speaks with us. `UserError` in words where the settings do not fit,

    `PassingFault` where none answers (it may be starting).
    """
    silent: list[str] = []
    for server in address.servers:
        try:
            async with asyncio.timeout(_SECONDS):
                await _greet_one(address, server)
        except PassingFault as fault:
            silent.append(str(fault))
        except TimeoutError:
            silent.append(f"{server} does not answer within {_SECONDS:g} s")
        else:
            return
    raise PassingFault("; ".join(silent))


async def _greet_one(address: Address, server: str) -> None:
    host, _, port = server.rpartition(":")
    context = address.options().get("ssl_context")
    try:
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except ssl.SSLCertVerificationError as error:
        raise UserError(
            f"{server}: its certificate cannot be trusted: {error.verify_message}; [kafka] ca_file names "
            "the certificates to check it against, and the name in broker must be one that it bears"
        ) from error
    except (ssl.SSLError, ConnectionResetError) as error:
        raise _no_tls(server) if context else PassingFault(f"{server}: {describe(error)}") from error
    except OSError as error:
        raise PassingFault(f"{server} cannot be reached: {error.strerror or describe(error)}") from error
    try:
        await _speak(address, server, reader, writer)
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    await _sign_in(address, server)


async def _speak(address: Address, server: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    versions = await _ask(address, server, reader, writer, struct.pack(">hhi", _API_VERSIONS, 0, 1), b"")
    (count,) = struct.unpack_from(">i", versions, 2)
    newest = {key: last for key, _, last in (struct.unpack_from(">hhh", versions, 6 + 6 * n) for n in range(count))}
    if any(newest.get(key, -1) < needed for key, needed in _NEEDED.items()):
        raise UserError(f"{server} is too old a Kafka: wirewatch needs 2.3 or newer (tried on 4.4)")
    mechanism = (address.mechanism if address.username else "PLAIN").encode()
    body = struct.pack(">h", len(mechanism)) + mechanism
    answer = await _ask(address, server, reader, writer, struct.pack(">hhi", _SASL_HANDSHAKE, 1, 2), body)
    (code,) = struct.unpack_from(">h", answer)
    if code == _ILLEGAL_SASL_STATE:
        if address.username:
            raise UserError(f"{server} asks for no user: leave [kafka] username empty, or name its SASL listener")
        return
    offered = ", ".join(_strings(answer)) or "none"
    if not address.username:
        raise UserError(f"{server} wants a user (it offers {offered}): set [kafka] username and password")
    if code:
        raise UserError(f"{server} does not offer {address.mechanism}: set [kafka] mechanism to one of {offered}")


async def _ask(
    address: Address,
    server: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    head: bytes,
    body: bytes,
) -> bytes:
    """The answer's body. A request's head is its kind, version and number; then comes who asks (nobody)."""
    request = head + struct.pack(">h", -1) + body
    try:
        writer.write(struct.pack(">i", len(request)) + request)
        await writer.drain()
        size_bytes = await reader.readexactly(4)
        (size,) = struct.unpack(">i", size_bytes)
        if size_bytes.startswith(_TLS_ALERT):
            raise UserError(f"{server} speaks TLS: set [kafka] tls = true (and ca_file), or name its plain listener")
        if not 4 <= size <= _MOST_BYTES:
            raise UserError(f"{server} does not speak Kafka; is the address in broker right?")
        return (await reader.readexactly(size))[4:]
    except (asyncio.IncompleteReadError, ssl.SSLError, ConnectionError) as error:
        if address.tls:
            raise _no_tls(server) from error
        raise UserError(
            f"{server} hung up on us: it speaks TLS ([kafka] tls = true), or it is no Kafka; is the port right?"
        ) from error


async def _sign_in(address: Address, server: str) -> None:
    """A connection as the client makes it: the one place where a wrong password is told from a server away."""
    host, _, port = server.rpartition(":")
    options = {key: value for key, value in address.options().items() if key.startswith(("sasl", "sec", "ssl"))}
    try:
        connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=int(_SECONDS * 1000), **options)
    except (kafka.SaslAuthenticationFailed, kafka.AuthenticationFailedError) as error:
        raise UserError(
            f"{server} does not accept the user {address.username!r} with this password ({address.mechanism})"
        ) from error
    except (kafka.KafkaError, OSError, ValueError) as error:
        # a refusal at the very end of SCRAM is a plain hang-up, or a proof that does not add up
        if address.username:
            raise UserError(
                f"{server} does not accept the user {address.username!r} ({address.mechanism}): {describe(error)}"
            ) from error
        raise PassingFault(f"{server}: {describe(error)}") from error
    connection.close()


def _no_tls(server: str) -> UserError:
    return UserError(f"{server} speaks no TLS: set [kafka] tls = false, or name its TLS listener")


def _strings(answer: bytes) -> list[str]:
    (count,) = struct.unpack_from(">i", answer, 2)
    at, out = 6, []
    for _ in range(count):
        (size,) = struct.unpack_from(">h", answer, at)
        out.append(answer[at + 2 : at + 2 + size].decode("utf-8", "replace"))
        at += 2 + size
    return out
