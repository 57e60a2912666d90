"""What the settings of all servers share: ``scheme://host:port,host:port``, a user, TLS. No password is ever said."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.settings.environment import variable_named

_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


class ServerSettings(Struct, frozen=True):
    """Where its words point to: ``key`` is the setting that holds the URL, ``table`` the one of TLS and user."""

    key: str
    table: str
    scheme: str
    port: int

    def named_by(self, setting: str) -> bool:
        """Whether that setting names such a server."""
        return setting.strip().startswith(self.scheme)

    def servers(self, setting: str) -> tuple[str, ...]:
        """Every ``host:port`` of the URL. Raises `UserError` in words."""
        servers = tuple(part.strip() for part in setting.strip().removeprefix(self.scheme).rstrip("/").split(","))
        for server in servers:
            if "@" in server:
                raise UserError(
                    f"{self.key}: the URL holds a user; write it as [{self.table}] username and password = env:NAME"
                )
            if not _SERVER.fullmatch(server) or int(server.rpartition(":")[2]) > 65535:
                example = f"{self.scheme}host:{self.port},host:{self.port}"
                raise UserError(f"{self.key}: {server!r} is no host:port; write {example}")
        return servers

    def password(self, username: str, password: str, environ: Mapping[str, str] | None = None) -> str:
        """The password itself, also where the setting says ``env:NAME``. `UserError` where it fits no user."""
        read = self._read_secret(password, os.environ if environ is None else environ)
        if read and not username:
            raise UserError(
                f"[{self.table}] password is set and username is not: name the user, or take the password out"
            )
        if username and not read:
            raise UserError(f"[{self.table}] username is {username!r} and there is no password: set it to env:NAME")
        return read

    def require_tls_for(self, ca_file: str, *, tls: bool) -> None:
        """`UserError` where there are certificates and no TLS to need them."""
        if ca_file and not tls:
            raise UserError(f"[{self.table}] ca_file is set and tls is not: set tls = true")

    def certificates(self, ca_file: str) -> ssl.SSLContext:
        """What the servers' certificates are checked against: that file's, or the system's. Raises `UserError`."""
        try:
            return ssl.create_default_context(cafile=ca_file or None)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if isinstance(error, FileNotFoundError) else "it holds no certificates in PEM form"
            raise UserError(f"[{self.table}] ca_file: {ca_file} cannot be used: {why}") from error

    def _read_secret(self, text: str, environ: Mapping[str, str]) -> str:
        name = variable_named(text)
        if name is None:
            return text
        if not environ.get(name):
            raise UserError(f"[{self.table}] password is {text}, and the variable {name} is not set here")
        return environ[name]
