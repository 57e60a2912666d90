"""From the settings ``broker`` and ``[kafka]`` to what the client is told. The password is never in a message."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.settings.declared import Kafka
from wirewatch.times import parse_duration_ms

REQUEST_MS: Final = 20_000
"""A request that is not answered in so long has failed."""
_SCHEME: Final = "kafka://"
_FROM_ENVIRONMENT: Final = "env:"
_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


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
            out["ssl_context"] = self._certificates()
        if self.username:
            out |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return out

    def _certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if isinstance(error, FileNotFoundError) else "it holds no certificates in PEM form"
            raise UserError(f"[kafka] ca_file: {self.ca_file} cannot be used: {why}") from error


def is_kafka(url: str) -> bool:
    """Whether that setting names a Kafka cluster."""
    return url.strip().startswith(_SCHEME)


def read_address(
    url: str, settings: Kafka, *, folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> Address:
    """The cluster that ``kafka://host:port,host:port`` and ``[kafka]`` name. Raises `UserError` in words."""
    servers = tuple(part.strip() for part in url.strip().removeprefix(_SCHEME).rstrip("/").split(","))
    for server in servers:
        if "@" in server:
            raise UserError("broker: the URL holds a user; write it as [kafka] username and password = env:NAME")
        if not _SERVER.fullmatch(server) or int(server.rpartition(":")[2]) > 65535:
            raise UserError(f"broker: {server!r} is no host:port; write kafka://host:9092,host:9092")
    password = _read_secret(settings.password, os.environ if environ is None else environ)
    if password and not settings.username:
        raise UserError("[kafka] password is set and username is not: name the user, or take the password out")
    if settings.username and not password:
        raise UserError(f"[kafka] username is {settings.username!r} and there is no password: set it to env:NAME")
    if settings.username and settings.mechanism == "PLAIN" and not settings.tls:
        raise UserError("[kafka] mechanism PLAIN would send the password in the clear: set tls = true, or use SCRAM")
    if settings.ca_file and not settings.tls:
        raise UserError("[kafka] ca_file is set and tls is not: set tls = true")
    ca_file = str((folder or Path()) / settings.ca_file) if settings.ca_file else ""
    session_ms = parse_duration_ms(settings.session_timeout)
    if not 6_000 <= session_ms <= 1_800_000:
        raise UserError(f"[kafka] session_timeout: {settings.session_timeout} is not between 6s and 30m")
    return Address(servers, settings.tls, ca_file, settings.username, password, settings.mechanism, session_ms)


def _read_secret(text: str, environ: Mapping[str, str]) -> str:
    if not text.startswith(_FROM_ENVIRONMENT):
        return text
    name = text.removeprefix(_FROM_ENVIRONMENT)
    if not environ.get(name):
        raise UserError(f"[kafka] password is {text}, and the variable {name} is not set here")
    return environ[name]
