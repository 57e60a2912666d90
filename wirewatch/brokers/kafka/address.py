"""From the settings ``broker`` and ``[kafka]`` to what the client is told. The password is never in a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.settings.declared import Kafka
from wirewatch.settings.servers import ServerSettings
from wirewatch.times import parse_duration_ms

REQUEST_MS: Final = 20_000
"""A request that is not answered in so long has failed."""
_KAFKA: Final = ServerSettings("broker", "kafka", "kafka://", 9092)


class Address(Struct, frozen=True):
    """A cluster as the settings name it. ``servers`` are ``host:port``; without ``username`` there is no SASL."""

    servers: tuple[str, ...]
    tls: bool = False
    ca_file: str = ""
    username: str = ""
    password: str = ""
    mechanism: str = "SCRAM-SHA-512"
    session_ms: int = 30_000

    def __repr__(self) -> str:
        """Without the password: an address may end up in a traceback."""
        return f"Address({self.shown})"

    @property
    def shown(self) -> str:
        """For people."""
        return ",".join(self.servers)

    def options(self) -> dict[str, Any]:
        """What every client of aiokafka is made with. Raises `UserError` where the certificates cannot be read."""
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        out: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": protocol,
            "request_timeout_ms": REQUEST_MS,
            "metadata_max_age_ms": 60_000,
            "retry_backoff_ms": 100,
        }
        if self.tls:
            out["ssl_context"] = _KAFKA.certificates(self.ca_file)
        if self.username:
            out |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return out


def is_kafka(url: str) -> bool:
    """Whether that setting names a Kafka cluster."""
    return _KAFKA.named_by(url)


def read_address(url: str, settings: Kafka, *, environ: Mapping[str, str] | None = None) -> Address:
    """The cluster that ``kafka://host:port,host:port`` and ``[kafka]`` name. Raises `UserError` in words."""
    servers = _KAFKA.servers(url)
    password = _KAFKA.password(settings.username, settings.password, environ)
    if settings.username and settings.mechanism == "PLAIN" and not settings.tls:
        raise UserError("[kafka] mechanism PLAIN would send the password in the clear: set tls = true, or use SCRAM")
    _KAFKA.require_tls_for(settings.ca_file, tls=settings.tls)
    session_ms = parse_duration_ms(settings.session_timeout)
    if not 6_000 <= session_ms <= 1_800_000:
        raise UserError(f"[kafka] session_timeout: {settings.session_timeout} is not between 6s and 30m")
    return Address(servers, settings.tls, settings.ca_file, settings.username, password, settings.mechanism, session_ms)
