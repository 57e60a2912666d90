"""Which addresses may be called (H1-12)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from wirewatch.net.networks import literal_address, why_blocked

PRIVATE = [
    # H1-5
    "127.0.0.1", "127.255.255.254", "::1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3",
    # H6-9
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:808:808::1", "fec0::1",
    # the rest of the table
    "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::7f00:1", "::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "3fff::1", "5f00::1",
    "fc00::1", "fd12::1", "fe80::1", "ff02::1", "4000::1", "64:ff9b::a00:1", "::ffff:0:127.0.0.1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1",
    "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_blocked_with_a_reason(address: str) -> None:
    assert why_blocked(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert why_blocked(ip_address(address)) is None


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"]
)
def test_an_allowed_network_lets_its_addresses_through_however_they_are_carried(address: str) -> None:
    allow = [ip_network("127.0.0.0/8")]
    assert why_blocked(ip_address(address), allow) is None
    assert why_blocked(ip_address("10.0.0.1"), allow)


def test_an_allowed_ipv6_network_lets_only_its_own_through() -> None:
    allow = [ip_network("fd00::/8")]
    assert why_blocked(ip_address("fd12::1"), allow) is None
    assert why_blocked(ip_address("fc12::1"), allow)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "010.0.0.1", "1.2.3"])
def test_h10_11_a_number_in_place_of_a_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="in full"):
        literal_address(host)


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1", "127.0.0.1.", "[::ffff:7f00:1%25eth0]"])
def test_h12_an_address_in_odd_characters_is_the_address(host: str) -> None:
    address = literal_address(host)
    assert address is not None
    assert why_blocked(address) == "loopback"


@pytest.mark.parametrize("host", ["example.org", "1.example", "x", "dead.beef.example"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal_address(host) is None
