"""Every setting, declared once: the field gives key, type and default, its annotation the help and how it is read.

A key ``[web] listen`` is the variable ``WIREWATCH_WEB_LISTEN`` and the flag ``--web.listen``. Nothing else
names a setting; `docs/settings.md` is written from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from msgspec import Struct, field

from wirewatch.errors import UserError
from wirewatch.times import parse_duration_ms

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Help:
    """What a setting does, for people, and how its text is read (``read``), if not plainly by its type."""

    text: str
    read: Literal["text", "duration", "size", "networks", "listen", "listen-or-none", "path"] = "text"
    secret: bool = False


def read_networks(texts: list[str]) -> list[Network]:
    """``["192.168.0.0/16"]`` to networks; `UserError` names the one that is none."""
    out: list[Network] = []
    for text in texts:
        try:
            out.append(ip_network(text.strip()))
        except ValueError as error:
            raise UserError(f"{text!r} is no network; write one such as 192.168.1.0/24 or ::1/128 ({error})") from error
    return out


_SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def read_size(text: str) -> int:
    """``"15MiB"`` to bytes; `UserError` says what is allowed."""
    for unit, factor in _SIZES.items():
        if text.endswith(unit) and text.removesuffix(unit).strip().isdecimal():
            return int(text.removesuffix(unit)) * factor
    raise UserError(f"{text!r} is no size; write a whole number with KiB, MiB or GiB, such as 15MiB")


def read_listen(text: str) -> tuple[str, int]:
    """``"127.0.0.1:8765"`` or ``"[::1]:8765"`` to host and port; `UserError` says what is allowed."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(f"{text!r} is no address to listen on; write host:port, such as 127.0.0.1:8765")
    return host.strip("[]"), int(port)


class Poll(Struct, frozen=True, forbid_unknown_fields=True):
    """How sources are asked."""

    min_interval: Annotated[str, Help("no feed is asked more often than this", "duration")] = "5s"
    per_host_interval: Annotated[str, Help("pause between two requests to one host", "duration")] = "1s"
    feed_interval: Annotated[str, Help("how often a feed is asked, unless it says so itself", "duration")] = "60s"
    live_interval: Annotated[str, Help("how often a live page is asked while it is active", "duration")] = "15s"
    max_interval: Annotated[str, Help("a quiet or failing feed is asked at least this often", "duration")] = "30m"
    full_body_every: Annotated[str, Help("an unchanged body is published again after this long", "duration")] = "24h"
    connect_timeout: Annotated[str, Help("longest wait for a connection", "duration")] = "10s"
    total_timeout: Annotated[str, Help("longest time for one request, body included", "duration")] = "30s"
    max_body: Annotated[str, Help("largest body after decompression", "size")] = "15MiB"
    max_redirects: Annotated[int, Help("redirects followed for one request")] = 5
    concurrency: Annotated[int, Help("requests in flight at once, over all hosts")] = 64
    check_pages: Annotated[bool, Help("look at an entry's own page when that decides a withdrawal")] = True
    robots: Annotated[bool, Help("heed robots.txt")] = True
    websub: Annotated[bool, Help("let hubs tell of changes, where feeds offer one and web.public_url is set")] = True
    contact: Annotated[str, Help("mail or web address in the User-Agent, so that a source can reach you")] = ""


class Diff(Struct, frozen=True, forbid_unknown_fields=True):
    """How changes are told."""

    state_limit: Annotated[str, Help("largest compressed state of one feed", "size")] = "4MiB"


class Results(Struct, frozen=True, forbid_unknown_fields=True):
    """How search shows what it found."""

    page: Annotated[int, Help("results a page of search shows")] = 50


class Alerts(Struct, frozen=True, forbid_unknown_fields=True):
    """How alerts are delivered."""

    timeout: Annotated[str, Help("longest wait for a webhook's answer", "duration")] = "15s"
    retry_for: Annotated[str, Help("a delivery is tried for this long, then dead-lettered", "duration")] = "24h"
    retry_max: Annotated[str, Help("longest pause between two tries", "duration")] = "10m"
    per_channel: Annotated[int, Help("deliveries in flight to one channel at once")] = 4
    terminal: Annotated[bool, Help("also write every delivered alert to the terminal that runs wirewatch")] = True


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    """The page, the API and the probes."""

    listen: Annotated[str, Help("address of the web page; another than loopback needs a token", "listen")] = (
        "127.0.0.1:8765"
    )
    token: Annotated[str, Help("what callers must present; needed where listen is not loopback", secret=True)] = ""
    public_url: Annotated[
        str, Help("our own page's address as readers reach it, for links in alerts; hubs (WebSub) call it too")
    ] = ""
    push_key: Annotated[
        str, Help("makes hubs' calls unguessable; the same for all processes. Kafka needs it for WebSub", secret=True)
    ] = ""
    stream_clients: Annotated[int, Help("readers of the live stream at once")] = 200


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """What is logged."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Help("the least grave line that is written")] = (
        "info"
    )
    format: Annotated[Literal["auto", "text", "json"], Help("auto: text in a terminal, JSON otherwise")] = "auto"


class Keep(Struct, frozen=True, forbid_unknown_fields=True):
    """How much the embedded log may take, beside what its topics keep by time."""

    snapshots: Annotated[str, Help("raw bodies beyond this much disk go, the oldest first, even sooner", "size")] = (
        "20GiB"
    )
    entries: Annotated[str, Help("entries on the log beyond this much disk go; the index keeps them", "size")] = "20GiB"


class Ops(Struct, frozen=True, forbid_unknown_fields=True):
    """What watches the watcher."""

    listen: Annotated[
        str, Help("address of every role's own /healthz, /readyz and /metrics, without a token", "listen-or-none")
    ] = ""
    canary_every: Annotated[str, Help("how often the canary goes through the pipeline; 0s: never", "duration")] = "60s"
    feed_series: Annotated[int, Help("feeds up to which metrics have a series each")] = 1000


class Kafka(Struct, frozen=True, forbid_unknown_fields=True):
    """How a Kafka cluster is spoken to (``broker = "kafka://..."``)."""

    partitions: Annotated[int, Help("partitions of every topic, fixed when topics are created")] = 24
    replication: Annotated[int, Help("copies of every partition; 3 where the cluster has three brokers")] = 1
    tls: Annotated[bool, Help("speak TLS to the brokers")] = False
    ca_file: Annotated[
        str, Help("certificates that brokers are checked against, if not the system's; relative to the file", "path")
    ] = ""
    username: Annotated[str, Help("user for SASL; none: no SASL")] = ""
    password: Annotated[str, Help("its password, or env:NAME", secret=True)] = ""
    mechanism: Annotated[
        Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"], Help("how the password is proved; PLAIN only with tls")
    ] = "SCRAM-SHA-512"
    session_timeout: Annotated[str, Help("a member silent for so long loses its partitions", "duration")] = "30s"


class Opensearch(Struct, frozen=True, forbid_unknown_fields=True):
    """How OpenSearch is spoken to (``search = "opensearch://..."``)."""

    tls: Annotated[bool, Help("speak TLS to OpenSearch")] = False
    ca_file: Annotated[
        str, Help("certificates that it is checked against, if not the system's; relative to the file", "path")
    ] = ""
    username: Annotated[str, Help("user; none: no authentication")] = ""
    password: Annotated[str, Help("its password, or env:NAME", secret=True)] = ""
    prefix: Annotated[str, Help("what the names of all our indices begin with")] = "wirewatch"
    shards: Annotated[int, Help("shards of a new index")] = 1
    replicas: Annotated[int, Help("copies of each shard; 0 on a single node")] = 0


class ChannelSetting(Struct, frozen=True, forbid_unknown_fields=True):
    """A channel in the file. ``secret`` and ``url`` may be ``env:NAME``."""

    id: str
    kind: Literal["terminal", "webhook"] = "webhook"
    url: str = ""
    secret: str = ""


class SearchDeclared(Struct, frozen=True, forbid_unknown_fields=True):
    """A saved search in the file (``[[searches]]``)."""

    name: str
    query: str
    to: list[str] = []
    enabled: bool = True


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All of wirewatch's settings."""

    broker: Annotated[str, Help("the log: embedded, embedded:///DIR or kafka://host:port,host:port")] = "embedded"
    search: Annotated[str, Help("the index: embedded or opensearch://host:port")] = "embedded"
    control: Annotated[
        str, Help("where channels and deliveries are kept: embedded or postgresql://user@host/database")
    ] = "embedded"
    data_dir: Annotated[str, Help("the folder of everything embedded; relative to the settings file")] = (
        "wirewatch-data"
    )
    allow_networks: Annotated[
        list[str], Help("private ranges that may be fetched or called; none by default", "networks")
    ] = []
    poll: Poll = field(default_factory=Poll)
    diff: Diff = field(default_factory=Diff)
    results: Results = field(default_factory=Results)
    alerts: Alerts = field(default_factory=Alerts)
    web: Web = field(default_factory=Web)
    log: Log = field(default_factory=Log)
    keep: Keep = field(default_factory=Keep)
    ops: Ops = field(default_factory=Ops)
    kafka: Kafka = field(default_factory=Kafka)
    opensearch: Opensearch = field(default_factory=Opensearch)

    def ms(self, duration: str) -> int:
        """A duration setting in milliseconds."""
        return parse_duration_ms(duration)


def check_value(help_: Help, value: Any) -> None:
    """`UserError` where a value of the right type still cannot be read."""
    if help_.read == "duration":
        parse_duration_ms(value)
    elif help_.read == "size":
        read_size(value)
    elif help_.read == "networks":
        read_networks(value)
    elif help_.read == "listen" or (help_.read == "listen-or-none" and value):
        read_listen(value)
