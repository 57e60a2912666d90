"""What every kind of channel offers to the deliverer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wirewatch.errors import PassingFault, WirewatchError

if TYPE_CHECKING:
    from wirewatch.control import Delivery


class ChannelGone(WirewatchError):  # noqa: N818 - named for what it is
    """The receiver wants nothing more, ever (410): the channel is to be disabled, with this message as the reason."""


class PerhapsReceived(PassingFault):
    """A fault after which the receiver may have the delivery all the same: no answer, or a connection that broke."""


class DeliveryChannel(Protocol):
    """A way to a receiver."""

    async def deliver(self, delivery: Delivery) -> None:
        """Hand over one delivery; returning means that the receiver has it.

        Waits at most as long as the channel's deadline. Safe for several deliveries at once. Raises
        `PassingFault` where a later try may succeed (`PerhapsReceived` where this one may have), `BadInput`
        where the receiver refused this delivery, `ChannelGone` where it refuses all. A cancelled call may
        or may not have been received.
        """
        ...
