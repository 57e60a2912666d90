"""The Kafka broker: see `opening` for how a cluster is connected to, `broker` for what it does."""

from wirewatch.brokers.kafka.address import Address, is_kafka, read_address
from wirewatch.brokers.kafka.broker import KafkaBroker
from wirewatch.brokers.kafka.topics import Layout

__all__ = ["Address", "KafkaBroker", "Layout", "is_kafka", "read_address"]
