"""From the setting ``search = "opensearch://..."`` and ``[opensearch]`` to where and how OpenSearch is spoken to."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.settings.declared import Opensearch
from wirewatch.settings.servers import ServerSettings

_OPENSEARCH: Final = ServerSettings("search", "opensearch", "opensearch://", 9200)
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
        return _OPENSEARCH.scheme + ",".join(self.servers)

    def __repr__(self) -> str:
        """Without the password: an address may end up in a traceback."""
        return f"Address({self.shown!r}, prefix={self.prefix!r})"

    def certificates(self) -> ssl.SSLContext:
        """What the servers' certificates are checked against. Raises `UserError` in words."""
        return _OPENSEARCH.certificates(self.ca_file)


def is_opensearch(setting: str) -> bool:
    """Whether that setting names OpenSearch."""
    return _OPENSEARCH.named_by(setting)


def read_address(setting: str, settings: Opensearch, *, environ: Mapping[str, str] | None = None) -> Address:
    """The cluster that ``opensearch://host:port,host:port`` and ``[opensearch]`` name. Raises `UserError` in words."""
    servers = _OPENSEARCH.servers(setting)
    password = _OPENSEARCH.password(settings.username, settings.password, environ)
    if settings.username and not settings.tls:
        raise UserError("[opensearch] username is set and tls is not: the password would go in the clear; set tls")
    _OPENSEARCH.require_tls_for(settings.ca_file, tls=settings.tls)
    if not _PREFIX.fullmatch(settings.prefix):
        raise UserError(
            f"[opensearch] prefix: {settings.prefix!r}: lower-case letters, digits, - and _, such as desk-2"
        )
    if not 1 <= settings.shards <= 1024 or not 0 <= settings.replicas <= 64:
        raise UserError("[opensearch] shards is 1 to 1024, replicas 0 to 64")
    return Address(
        servers,
        tls=settings.tls,
        ca_file=settings.ca_file,
        username=settings.username,
        password=password,
        prefix=settings.prefix,
        shards=settings.shards,
        replicas=settings.replicas,
    )
