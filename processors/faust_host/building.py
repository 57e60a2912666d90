"""The Faust app of a stage: every setting that one of our guards rests on is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import faust
from faust.app.base import BootStrategy
from faust.auth import SASLCredentials, SSLCredentials
from faust.tables.table import Table
from msgspec import Struct

from wirewatch.brokers.partitioning import partition_for
from wirewatch.errors import UserError
from wirewatch.topics import STATE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from faust.auth import Credentials
    from faust.types import EventT

    from wirewatch.brokers.kafka.address import Address

MEMORY: Final = "memory://"
_COMMIT_SECONDS: Final = 0.5
"""What a killed worker does again is at most what it did in so long."""
_REQUEST_BYTES: Final = 25 << 20
"""The largest record we send is a dead letter of 24 MiB."""
_FETCH_BYTES: Final = 1 << 20
"""What is read ahead of one partition; a single record that is larger comes alone."""
_QUEUED_RECORDS: Final = 64
_POLLED_RECORDS: Final = 64
_NEVER_SECONDS: Final = 86_400.0
_HEARTBEAT_SECONDS: Final = 1.0
"""How soon a worker learns that the group divides its partitions anew."""


class Plan(Struct, frozen=True):
    """What an app is built from. ``partitions`` is what each topic has on the cluster.

    ``prefix`` stands before every name on the cluster, and nowhere else (see `wirewatch.brokers.kafka.KafkaBroker`).
    """

    stage: str
    address: Address
    folder: Path
    inputs: tuple[str, ...]
    partitions: Mapping[str, int]
    worker_name: str | None
    store: str = MEMORY
    prefix: str = ""

    @property
    def app_id(self) -> str:
        """The app's id, which is its consumer group's too."""
        return f"{self.prefix}wirewatch.{self.stage}"

    def wire_name(self, topic: str) -> str:
        """A topic's name on the cluster."""
        return self.prefix + topic

    def our_name(self, topic: str) -> str:
        """A topic's name without the prefix."""
        return topic.removeprefix(self.prefix)


def broker_urls(address: Address) -> list[str]:
    """The cluster's servers as the addresses that pick our transport."""
    return [f"wirewatch://{server}" for server in address.servers]


def credentials_of(address: Address) -> Credentials | None:
    """What Faust is told of TLS and SASL; None where the cluster is spoken to in the open."""
    options = address.options()
    context = options.get("ssl_context")
    if address.username:
        return SASLCredentials(
            username=address.username, password=address.password, mechanism=address.mechanism, ssl_context=context
        )
    return None if context is None else SSLCredentials(context)


class StateTable(Table[bytes, bytes]):
    """A table that recovers each key from the partition it belongs to, and from no other.

    Keys are one dict over all partitions. Where topics have grown, a key's old partition tells last that it is
    forgotten there; applied after the value in the new partition, that would be the end of it.
    """

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """See Faust's table."""
        count = self.changelog_topic.partitions or 1
        super().apply_changelog_batch(
            [
                event
                for event in batch
                if partition_for((event.message.key or b"").decode(), count) == event.message.partition
            ]
        )


class _WithoutWeb(BootStrategy):
    """Faust's command turns its web server on, open to all addresses, whatever the app says."""

    enable_web = False


class StageApp(faust.App):
    """Faust's app, which needs no folder where the table is in memory: the file system may be read-only."""

    BootStrategy = _WithoutWeb

    def _create_directories(self) -> None:
        if self.conf.store.scheme != "memory":
            self.conf.datadir.mkdir(mode=0o700, parents=True, exist_ok=True)
            super()._create_directories()


def build_app(plan: Plan) -> faust.App:
    """An app without agents. Nothing is connected yet."""
    address = plan.address
    session = address.session_ms / 1000
    return StageApp(
        plan.app_id,
        broker=broker_urls(address),
        broker_credentials=credentials_of(address),
        broker_session_timeout=session,
        broker_heartbeat_interval=min(_HEARTBEAT_SECONDS, session / 3),
        # what was asked before a broker stood still may never be answered, and holds the stage up for so long
        broker_request_timeout=session + 10,
        broker_commit_interval=_COMMIT_SECONDS,
        broker_max_poll_records=_POLLED_RECORDS,
        # a stage that waits for a fault to pass asks for no records meanwhile, and is no less alive
        broker_max_poll_interval=_NEVER_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=plan.worker_name,
        consumer_max_fetch_size=_FETCH_BYTES,
        producer_acks=-1,
        producer_compression_type="zstd",
        producer_linger=0,
        producer_max_request_size=_REQUEST_BYTES,
        stream_buffer_maxsize=_QUEUED_RECORDS,
        stream_wait_empty=True,
        stream_publish_on_commit=False,
        # exactly-once leaves markers that a table's recovery waits behind for ever
        processing_guarantee="at_least_once",
        store=plan.store,
        datadir=plan.folder,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=plan.partitions[plan.inputs[0]],
        autodiscover=False,
        web_enabled=False,
        Table=StateTable,
        worker_redirect_stdouts=False,
    )


def input_topic(app: faust.App, plan: Plan) -> Any:
    """The stage's inputs as one channel of raw bytes."""
    return app.topic(
        *map(plan.wire_name, plan.inputs),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        allow_empty=True,
    )


def state_table(app: faust.App, plan: Plan) -> Any:
    """The table of the stage's state, its changelog on the topic that has a name of our own."""
    name = STATE_TOPICS[plan.stage].name
    if plan.partitions[name] != plan.partitions[plan.inputs[0]]:
        raise UserError(
            f"{name} has {plan.partitions[name]} partitions, {plan.inputs[0]} has {plan.partitions[plan.inputs[0]]}: "
            "a feed's state would be looked for in the wrong place; create both anew with equal partitions"
        )
    changelog = app.topic(
        plan.wire_name(name),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=plan.partitions[name],
        compacting=True,
        deleting=False,
        acks=False,
        internal=True,
        allow_empty=True,
    )
    # a small buffer: states are large, and what is buffered counts in memory
    return app.Table(plan.stage, key_type=bytes, value_type=bytes, changelog_topic=changelog, recovery_buffer_size=100)
