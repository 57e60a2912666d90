"""From a channel as recorded to one that delivers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from sinks.alerts.channels.interface import DeliveryChannel
from sinks.alerts.channels.signing import parse_secrets
from sinks.alerts.channels.terminal import TerminalChannel
from sinks.alerts.channels.webhook import WebhookChannel
from wirewatch.errors import BadInput, PassingFault, UserError
from wirewatch.net.guard import Guard, guarded_session
from wirewatch.settings.environment import variable_named

if TYPE_CHECKING:
    import aiohttp

    from wirewatch.control import Channel
    from wirewatch.times import Clock


def resolve(value: str, environ: Mapping[str, str]) -> str:
    """The value, or for ``env:NAME`` what the environment holds. Raises `PassingFault` where it holds nothing."""
    name = variable_named(value)
    if name is None:
        return value
    found = environ.get(name, "")
    if not found:
        raise PassingFault(f"the environment variable {name} is not set")
    return found


class OpenedChannels:
    """Channels ready to deliver, made when first needed and again when they were changed.

    Construct it inside the event loop; all webhooks share one guarded session.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        clock: Clock,
        timeout_s: float,
        stream: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._guard = guard
        self._clock = clock
        self._timeout_s = timeout_s
        self._environ = os.environ if environ is None else environ
        self._terminal = TerminalChannel(stream)
        self._session: aiohttp.ClientSession | None = None
        self._opened: dict[str, tuple[Channel, DeliveryChannel]] = {}

    def open(self, channel: Channel) -> DeliveryChannel:
        """The way to this channel's receiver. Raises `PassingFault` or `BadInput` where it cannot be made."""
        if channel.kind == "terminal":
            return self._terminal
        known = self._opened.get(channel.id)
        if known is not None and known[0] == channel:
            return known[1]
        try:
            keys = parse_secrets(resolve(channel.secret, self._environ))
        except UserError as error:
            raise BadInput(str(error), reason="bad-secret") from error
        if self._session is None:
            self._session = guarded_session(self._guard)
        opened = WebhookChannel(
            self._session,
            self._guard,
            resolve(channel.url, self._environ),
            keys,
            timeout_s=self._timeout_s,
            clock=self._clock,
        )
        self._opened[channel.id] = (channel, opened)
        return opened

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        self._opened.clear()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
