"""Which addresses may be called: our own table, because Python 3.11's ``is_global`` is wrong for several of these.

Pure: no socket, no resolver. An IPv6 address that carries an IPv4 address is judged by what it carries too.
"""

from __future__ import annotations

import socket
import unicodedata
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_BLOCKED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), words)
    for network, words in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_BLOCKED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), words)
    for network, words in (
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "a local translation prefix"),
        ("100::/64", "discarded"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one, for every scheme that has one."""
    number = int(address)
    if address in _MAPPED or address in _TRANSLATED or address in _COMPATIBLE:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        return IPv4Address(~number & 0xFFFFFFFF)
    return None


def _allowed(address: Address, allow: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in allow)


def why_blocked(address: Address, allow: Sequence[Network] = ()) -> str | None:
    """Why that address may not be called, in a word or two; None where it may.

    ``allow`` is the only way through: a network that holds the address, or the IPv4 address it carries.
    """
    if _allowed(address, allow):
        return None
    if isinstance(address, IPv4Address):
        return next((words for network, words in _BLOCKED_V4 if address in network), None)
    carried = _carried(address)
    if carried is not None:
        if _allowed(carried, allow):
            return None
        if address in _MAPPED or address in _TRANSLATED:
            # the same host under another spelling (DNS64 gives these for public hosts): judged as that host
            return why_blocked(carried, allow)
    for network, words in _BLOCKED_V6:
        if address in network:
            return words
    return None if address in _GLOBAL_UNICAST else "not a public address"


def is_loopback(host: str) -> bool:
    """Whether that host, a name or an address, is reachable from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def literal_address(host: str) -> Address | None:
    """The address that a host spells, None where it is a name.

    ``ValueError`` for spellings that only some libraries read as an address (``2130706433``, ``0x7f.1``,
    ``127.1``): no source needs them, and whoever writes them wants to get past a guard.
    """
    text = unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip("[]").rstrip(".")
    plain = text.partition("%")[0]
    try:
        return ip_address(plain)
    except ValueError:
        pass
    try:
        socket.inet_aton(plain)  # parses text only; reads what C libraries read
    except (OSError, ValueError):
        return None
    raise ValueError(f"{host!r} is a number in place of a host; write the address in full, such as 192.0.2.1")
