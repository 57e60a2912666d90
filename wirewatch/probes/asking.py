"""Asking a running process how it is, from the same machine: what a container's health check does."""

from __future__ import annotations

import http.client
from contextlib import closing
from ipaddress import ip_address

from wirewatch.errors import UserError
from wirewatch.settings import Settings
from wirewatch.settings.declared import read_listen

_MOST_BYTES = 4096
_ANYWHERE = {4: "127.0.0.1", 6: "::1"}


def probe_address(settings: Settings) -> tuple[str, int]:
    """Where a process with these settings is asked: its own listener, else the page, which has the same probes."""
    host, port = read_listen(settings.ops.listen or settings.web.listen)
    if port == 0:
        raise UserError("ops.listen: port 0 means a free one, which nobody can ask for: choose one")
    try:
        address = ip_address(host)
    except ValueError:
        return host, port
    return (_ANYWHERE[address.version] if address.is_unspecified else host), port


def ask(settings: Settings, path: str, *, timeout: float) -> tuple[bool, str]:
    """Whether the answer is a good one, and what it says. Blocks up to ``timeout`` seconds; raises `UserError` only."""
    host, port = probe_address(settings)
    with closing(http.client.HTTPConnection(host, port, timeout=timeout)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            words = answer.read(_MOST_BYTES).decode("utf-8", "replace").strip()
        except (OSError, http.client.HTTPException) as error:
            return False, f"{host}:{port} does not answer: {str(error) or type(error).__name__}"
    return answer.status == http.HTTPStatus.OK, words
