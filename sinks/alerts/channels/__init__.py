"""Where alerts are delivered: one interface, and what is behind each kind of channel."""

from sinks.alerts.channels.interface import ChannelGone, DeliveryChannel, PerhapsReceived
from sinks.alerts.channels.opened import OpenedChannels
from sinks.alerts.channels.terminal import TerminalChannel
from sinks.alerts.channels.webhook import WebhookChannel

__all__ = [
    "ChannelGone",
    "DeliveryChannel",
    "OpenedChannels",
    "PerhapsReceived",
    "TerminalChannel",
    "WebhookChannel",
]
