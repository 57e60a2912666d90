"""Webhooks against a real server on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from sinks.alerts.channels import ChannelGone, OpenedChannels, PerhapsReceived
from sinks.alerts.channels.retry_after import LONGEST, parse_retry_after
from sinks.alerts.sample import sample_alert
from tests.alerts.kit import LOOPBACK, SECRET, START_MS, FakeClock, Receiver
from wirewatch.control import Channel, Delivery
from wirewatch.errors import BadInput, PassingFault
from wirewatch.events import encode
from wirewatch.net.guard import Guard

PAYLOAD = encode(sample_alert("ops", now_ms=START_MS))
DELIVERY = Delivery(
    "de_1", "al_1", 1, "ops", PAYLOAD, "pending", 1, 0, 0, 0, None,
    unsure=False, in_flight=True, created_ms=0, done_ms=None,
)  # fmt: skip


@pytest.fixture
async def opened(clock: FakeClock) -> AsyncIterator[OpenedChannels]:
    channels = OpenedChannels(LOOPBACK, clock=clock, timeout_s=0.5, environ={"HOOK": "http://127.0.0.1:9/x"})
    yield channels
    await channels.close()


async def send(opened: OpenedChannels, url: str, secret: str = SECRET) -> None:
    await opened.open(Channel("ops", "webhook", url, secret)).deliver(DELIVERY)


async def test_the_body_is_the_alert_and_its_signature_can_be_checked(
    opened: OpenedChannels, receiver: Receiver, clock: FakeClock
) -> None:
    await send(opened, receiver.url)
    [(headers, body)] = receiver.calls
    assert body == PAYLOAD
    assert json.loads(body)["text"].startswith("TEST")
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "de_1"
    assert headers["webhook-timestamp"] == str(clock.now_ms() // 1_000)
    signed = f"de_1.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def answered(status: int, **headers: str) -> Callable[[int], web.StreamResponse]:
    return lambda _: web.Response(status=status, text="no,\x1b[31m thanks", headers=headers)


@pytest.mark.parametrize("status", [500, 502, 503, 408, 409, 425, 429])
async def test_answers_after_which_a_later_try_may_succeed(
    opened: OpenedChannels, receiver: Receiver, status: int
) -> None:
    receiver.answer = answered(status, **{"Retry-After": "7"})
    with pytest.raises(PassingFault, match=f"answered {status}") as fault:
        await send(opened, receiver.url)
    assert fault.value.retry_after == 7
    assert not isinstance(fault.value, PerhapsReceived)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_answers_that_refuse_this_delivery(opened: OpenedChannels, receiver: Receiver, status: int) -> None:
    receiver.answer = answered(status)
    with pytest.raises(BadInput) as refusal:
        await send(opened, receiver.url)
    assert refusal.value.reason == f"http-{status}"
    assert "no, [31m thanks" in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


async def test_410_means_that_the_channel_is_gone(opened: OpenedChannels, receiver: Receiver) -> None:
    receiver.answer = answered(410)
    with pytest.raises(ChannelGone, match="answered 410"):
        await send(opened, receiver.url)


async def test_h15_a_redirect_is_not_followed(opened: OpenedChannels, receiver: Receiver) -> None:
    receiver.answer = answered(307, Location=receiver.url + "/elsewhere")
    with pytest.raises(BadInput, match="redirects are not followed"):
        await send(opened, receiver.url)
    assert len(receiver.calls) == 1


async def test_a_receiver_that_never_answers_is_given_up_at_the_deadline_and_may_have_it(
    opened: OpenedChannels, receiver: Receiver
) -> None:
    receiver.hold = asyncio.Event()
    with pytest.raises(PerhapsReceived, match="did not answer in time"):
        await asyncio.wait_for(send(opened, receiver.url), 5)
    assert len(receiver.calls) == 1


async def test_a_refused_connection_surely_brought_nothing(opened: OpenedChannels) -> None:
    with pytest.raises(PassingFault, match="no connection") as fault:
        await send(opened, "http://127.0.0.1:9/x?token=hush")
    assert not isinstance(fault.value, PerhapsReceived)
    assert "hush" not in str(fault.value)


async def test_a_connection_that_breaks_after_the_call_may_have_brought_it(
    opened: OpenedChannels, clock: FakeClock
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(PerhapsReceived):
            await send(opened, f"http://127.0.0.1:{port}/")


async def test_an_endless_answer_is_not_read(opened: OpenedChannels) -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                await writer.drain()
                sent += 65_536
        except OSError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        await asyncio.wait_for(send(opened, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), 5)
    assert sent < 64 << 20


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]:{port}/",
    ],
)
async def test_h18_a_private_host_is_blocked_and_never_called(clock: FakeClock, receiver: Receiver, url: str) -> None:
    closed = OpenedChannels(Guard(), clock=clock, timeout_s=5, environ={})
    try:
        with pytest.raises(BadInput) as refusal:
            await send(closed, url.format(port=receiver.url.split(":")[2].split("/")[0]))
        assert refusal.value.reason == "blocked"
        assert receiver.calls == []
    finally:
        await closed.close()


async def test_address_and_secret_may_stand_in_the_environment(opened: OpenedChannels) -> None:
    with pytest.raises(PassingFault, match="no connection"):
        await send(opened, "env:HOOK")
    with pytest.raises(PassingFault, match="variable NOWHERE is not set"):
        await send(opened, "env:NOWHERE")
    with pytest.raises(BadInput, match="whsec_ and base64"):
        await send(opened, "env:HOOK", "short")


async def test_a_changed_channel_is_used_as_it_is_now(opened: OpenedChannels, receiver: Receiver) -> None:
    with pytest.raises(PassingFault):
        await send(opened, "http://127.0.0.1:9/")
    await send(opened, receiver.url)
    assert receiver.ids == ["de_1"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("-7", None),
        ("1000000000000", LONGEST),
        ("Thu, 09 Oct 2025 08:54:20 GMT", 60),
        ("Thu, 09 Oct 2025 08:50:20 GMT", 0),
        ("Thu, 09 Oct 9999 08:50:20 GMT", LONGEST),
        ("soon", None),
        ("٧", None),
        ("", None),
        (None, None),
    ],
)
def test_h60_retry_after_is_read_and_clamped(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, 1_760_000_000_000) == seconds
