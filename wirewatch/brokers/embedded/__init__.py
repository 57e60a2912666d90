"""The embedded broker: see `opening` for how a folder is opened, `broker` for what it does."""

from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.embedded.opening import open_reader, open_runner, open_writer

__all__ = ["EmbeddedBroker", "open_reader", "open_runner", "open_writer"]
