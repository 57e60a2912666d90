"""From the setting ``search = "opensearch://..."`` and ``[opensearch]`` to where and how OpenSearch is spoken to."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.settings.declared import Opensearch

_SCHEME: Final = "opensearch://"
_FROM_ENVIRONMENT: Final = "env:"
_SERVER: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


class Address(Struct, frozen=True):
    """Where the cluster is, how it is spoken to, and what our indices are called there."""

    servers: tuple[str, ...]
    tls: bool = False
    ca_file: str = ""
    username: str = ""
    password: str = ""
    prefix: str = "wirewatch"
    shards: int = 1
    replicas: int = 0

    @property
    def shown(self) -> str:
        """For people: no user, no password."""
        return _SCHEME + ",".join(self.servers)

    def __repr__(self) -> str:
        """Without the password: an address may end up in a traceback."""
        return f"Address({self.shown!r}, prefix={self.prefix!r})"

    def certificates(self) -> ssl.SSLContext:
        """What the servers' certificates are checked against. Raises `UserError` in words."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if isinstance(error, FileNotFoundError) else "it holds no certificates in PEM form"
            raise UserError(f"[opensearch] ca_file: {self.ca_file} cannot be used: {why}") from error


def is_opensearch(setting: str) -> bool:
    """Whether that setting names OpenSearch."""
    return setting.strip().startswith(_SCHEME)


def read_address(
    setting: str, settings: Opensearch, *, folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> Address:
    """The cluster that ``opensearch://host:port,host:port`` and ``[opensearch]`` name. Raises `UserError` in words."""
    servers = tuple(part.strip() for part in setting.strip().removeprefix(_SCHEME).rstrip("/").split(","))
    for server in servers:
        if "@" in server:
            raise UserError("search: the URL holds a user; write it as [opensearch] username and password = env:NAME")
        if not _SERVER.fullmatch(server) or int(server.rpartition(":")[2]) > 65535:
            raise UserError(f"search: {server!r} is no host:port; write opensearch://host:9200,host:9200")
    password = _read_secret(settings.password, os.environ if environ is None else environ)
    if password and not settings.username:
        raise UserError("[opensearch] password is set and username is not: name the user, or take the password out")
    if settings.username and not password:
        raise UserError(f"[opensearch] username is {settings.username!r} and there is no password: set it to env:NAME")
    if settings.username and not settings.tls:
        raise UserError("[opensearch] username is set and tls is not: the password would go in the clear; set tls")
    if settings.ca_file and not settings.tls:
        raise UserError("[opensearch] ca_file is set and tls is not: set tls = true")
    if not _PREFIX.fullmatch(settings.prefix):
        raise UserError(
            f"[opensearch] prefix: {settings.prefix!r}: lower-case letters, digits, - and _, such as desk-2"
        )
    if not 1 <= settings.shards <= 1024 or not 0 <= settings.replicas <= 64:
        raise UserError("[opensearch] shards is 1 to 1024, replicas 0 to 64")
    return Address(
        servers,
        tls=settings.tls,
        ca_file=str((folder or Path()) / settings.ca_file) if settings.ca_file else "",
        username=settings.username,
        password=password,
        prefix=settings.prefix,
        shards=settings.shards,
        replicas=settings.replicas,
    )


def _read_secret(text: str, environ: Mapping[str, str]) -> str:
    if not text.startswith(_FROM_ENVIRONMENT):
        return text
    name = text.removeprefix(_FROM_ENVIRONMENT)
    if not environ.get(name):
        raise UserError(f"[opensearch] password is {text}, and the variable {name} is not set here")
    return environ[name]
