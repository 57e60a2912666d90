"""The Kafka broker: see `opening` for how a cluster is connected to, `broker` for what it does."""

from wirewatch.brokers.kafka.address import Address, is_kafka, read_address
from wirewatch.brokers.kafka.broker import KafkaBroker
from wirewatch.brokers.kafka.growing import grow_topics
from wirewatch.brokers.kafka.opening import ALL_TOPICS, open_cluster
from wirewatch.brokers.kafka.topics import Layout

__all__ = ["ALL_TOPICS", "Address", "KafkaBroker", "Layout", "grow_topics", "is_kafka", "open_cluster", "read_address"]
