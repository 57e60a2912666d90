"""Talking to OpenSearch: one call, its answer, and every error in words with the fate that it deserves."""

from __future__ import annotations

import logging
import ssl
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
from msgspec import Struct
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError
from opensearchpy.serializer import Serializer

from sinks.search.opensearch.address import Address
from wirewatch.errors import PassingFault, UserError, WirewatchError

T = TypeVar("T")
OLDEST: Final = (2, 11)
"""The oldest version that is spoken to; docs/search.md says which were tried."""
INDEX_MISSING: Final = "index_not_found_exception"
BUSY: Final = frozenset({429, 502, 503, 504})
"""Says that the same thing may work later."""
_CLOSED_OR_BLOCKED: Final = frozenset({"index_closed_exception", "cluster_block_exception"})

# it warns of every answer that is not a success; what matters of them is told by who asked
logging.getLogger("opensearch").setLevel(logging.CRITICAL)


class Refusal(WirewatchError):  # noqa: N818 - named for what it is, not for its base class
    """OpenSearch understood the call and says no. ``kind`` is its name for the reason; for the caller to decide."""

    def __init__(self, status: int, kind: str, reason: str, shown: str) -> None:
        super().__init__(f"{shown} refused: {kind}: {reason} (status {status})")
        self.status = status
        self.kind = kind
        self.reason = reason


def fate_of(refusal: Refusal) -> WirewatchError:
    """What to raise for a refusal: where all is refused, no record and no question is to blame, and it may pass."""
    if refusal.kind in _CLOSED_OR_BLOCKED or refusal.status >= 500:
        return PassingFault(f"{refusal}; if this lasts, open the index, or take the block away")
    return refusal


class TooBusy(PassingFault):
    """OpenSearch is there and has too much to do: the same thing may work in a moment."""


class _Cause(Struct):
    type: str = ""
    reason: str | None = None


class _Error(Struct):
    error: Any = None

    def cause(self) -> _Cause:
        """The innermost cause that says something: the outer ones only say that a shard failed."""
        found = _Cause("", str(self.error) if isinstance(self.error, str) else "")
        at = self.error
        while isinstance(at, dict):
            found = _Cause(str(at.get("type", "")), str(at.get("reason", "")))
            roots = at.get("root_cause")
            if isinstance(roots, list) and roots and isinstance(roots[0], dict) and roots[0].get("type"):
                found = _Cause(str(roots[0]["type"]), str(roots[0].get("reason", "")))
            at = at.get("caused_by")
        return found


class _AsItCame(Serializer):
    """Leaves JSON alone both ways: what it means is read where its shape is known."""

    mimetype = "application/json"

    def loads(self, s: str) -> str:
        return s

    def dumps(self, data: Any) -> Any:
        return data


class Client:
    """A pool of connections to one cluster. Safe from many tasks; opened by the first call; `close` at the end.

    ``checked`` remembers that `check_version` has been satisfied.
    """

    def __init__(self, address: Address, *, seconds: float = 30.0) -> None:
        self.address = address
        self.checked = False
        self._seconds = seconds
        self._client: AsyncOpenSearch | None = None

    async def ask(
        self, method: str, path: str, body: bytes | None = None, *, within: float | None = None, into: type[T]
    ) -> T:
        """One call, its answer read as ``into``.

        Raises `PassingFault` where it cannot be reached, takes too long or is too busy; `UserError` where it does
        not let us in or is no OpenSearch; `Refusal` where it says no to this call.
        """
        path, _, query = path.partition("?")
        params = dict(part.split("=", 1) for part in query.split("&")) if query else {}
        try:
            text = await self._opened().transport.perform_request(
                method, path, params=params, body=body, timeout=within or self._seconds, headers=_headers(path)
            )
        except OpenSearchException as error:
            raise self._in_words(error) from None  # its text may be long and holds what we sent
        try:
            return msgspec.json.decode(text or "null", type=into)
        except (msgspec.MsgspecError, TypeError):
            raise UserError(f"search: {self.address.shown} is no OpenSearch: its answer to {path} is none") from None

    async def check_version(self) -> None:
        """Refuse what is no OpenSearch or too old, in words. Asks once."""
        if self.checked:
            return
        told = await self.ask("GET", "/", into=_About)
        shown = self.address.shown
        if told.version.distribution != "opensearch":
            raise UserError(f"search: {shown} is no OpenSearch (version {told.version.number or 'not told'})")
        version = tuple(int(part) for part in told.version.number.split(".")[:2] if part.isdecimal())
        if version < OLDEST:
            raise UserError(
                f"search: {shown} runs OpenSearch {told.version.number}: upgrade it to "
                f"{'.'.join(map(str, OLDEST))} or newer"
            )
        self.checked = True

    async def close(self) -> None:
        """Give the connections back; safe to call twice."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def _opened(self) -> AsyncOpenSearch:
        if self._client is None:
            address = self.address
            how: dict[str, Any] = {"use_ssl": address.tls}
            if address.tls:
                how["ssl_context"] = address.certificates()
            if address.username:
                how["http_auth"] = (address.username, address.password)
            self._client = AsyncOpenSearch(
                hosts=[_host(server) for server in address.servers],
                serializer=_AsItCame(),
                max_retries=max(1, len(address.servers) - 1),
                retry_on_status=(),
                http_compress=False,
                trust_env=False,
                **how,
            )
        return self._client

    def _in_words(self, error: OpenSearchException) -> WirewatchError:
        shown = self.address.shown
        if isinstance(error, ConnectionTimeout):
            return PassingFault(f"{shown} did not answer in time")
        if not isinstance(error, TransportError):
            return PassingFault(f"{shown} gave an answer that cannot be read ({type(error).__name__})")
        if not isinstance(error.status_code, int):
            return _unreached(self.address, error.info)
        status, cause = error.status_code, _read_error(error.info)
        if status == 401 or (status == 403 and cause.type == "security_exception"):
            return UserError(
                f"search: {shown} does not let us in: check [opensearch] username and password"
                if status == 401
                else f"search: the user of [opensearch] may not do this on {shown}: {cause.reason}"
            )
        if status in BUSY:
            return TooBusy(f"{shown} is too busy (status {status}): {cause.reason or cause.type}")
        return Refusal(status, cause.type, cause.reason or "", shown)


class _Version(Struct):
    number: str = ""
    distribution: str = ""


class _About(Struct):
    version: _Version


def _unreached(address: Address, why: Any) -> WirewatchError:
    shown = address.shown
    if isinstance(why, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return UserError(
            f"search: {shown} shows a certificate that cannot be trusted ({_first_line(why)}): "
            "set [opensearch] ca_file to what signed it, and use the name that it is made out to"
        )
    if isinstance(why, (aiohttp.ClientSSLError, ssl.SSLError)):
        return UserError(f"search: {shown} does not speak TLS: set [opensearch] tls = false, or name its TLS port")
    if isinstance(why, (aiohttp.ServerDisconnectedError, aiohttp.ClientResponseError)) and not address.tls:
        return PassingFault(f"{shown} broke off; if it speaks TLS, set [opensearch] tls = true")
    return PassingFault(f"{shown} cannot be reached ({_first_line(why)})")


def _read_error(info: Any) -> _Cause:
    if isinstance(info, str):
        try:
            return msgspec.json.decode(info, type=_Error).cause()
        except msgspec.MsgspecError:
            return _Cause("", info[:200])
    return _Error(info.get("error")).cause() if isinstance(info, dict) else _Cause()


def _first_line(why: Any) -> str:
    if isinstance(why, aiohttp.ClientConnectorError) and not isinstance(why, aiohttp.ClientSSLError):
        why = why.os_error  # the rest of it tells where, as we do
    return (str(why).splitlines() or [type(why).__name__])[0][:200]


def _host(server: str) -> dict[str, Any]:
    host, _, port = server.rpartition(":")
    return {"host": host.strip("[]"), "port": int(port)}


def _headers(path: str) -> dict[str, str]:
    return {"content-type": "application/x-ndjson" if path.endswith("_bulk") else "application/json"}
