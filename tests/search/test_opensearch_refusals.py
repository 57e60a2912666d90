"""What is wrong with the OpenSearch of the settings is told in words: what, where and what to do, no password in it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import xxhash
from aiohttp import web

from sinks.search.opensearch.address import Address, read_address
from sinks.search.opensearch.generations import refresh
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.layout import LAYOUT_VERSION, Generation, alias_of, templates
from sinks.search.opensearch.sink import OpenSearchSink
from tests.brokers.kafka.conftest import make_certificate
from tests.search.front import Front
from tests.search.test_contract import NOW, found
from tests.servers.opensearch import OpenSearchServer
from tests.servers.processes import free_ports
from wirewatch.errors import PassingFault, UserError, WirewatchError
from wirewatch.settings.declared import Opensearch

pytestmark = pytest.mark.servers
PASSWORD = "hunter2-never-shown"


async def why(address: Address, *, kind: type[WirewatchError] = UserError) -> str:
    """What both the sink and the reader say, which is the same."""
    sink, index = OpenSearchSink(address), OpenSearchIndex(address)
    try:
        with pytest.raises(kind) as by_sink:
            await sink.start()
        with pytest.raises(kind) as by_index:
            await index.search("storm", now_ms=NOW)
        assert str(by_index.value) == str(by_sink.value)
        assert await index.ready() == str(by_index.value)
        assert PASSWORD not in str(by_sink.value) + repr(address)
        return str(by_sink.value)
    finally:
        await sink.close()
        await index.close()


@pytest.fixture
async def secured(opensearch: OpenSearchServer, tmp_path: Path) -> AsyncIterator[Front]:
    both, _ = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    front = Front(f"http://127.0.0.1:{opensearch.port}", tls=context, users={"desk": PASSWORD})
    await front.start()
    yield front
    await front.close()


@pytest.fixture
def secure(secured: Front, address: Address, tmp_path: Path) -> Address:
    return msgspec.structs.replace(
        address,
        servers=(f"127.0.0.1:{secured.port}",),
        tls=True,
        ca_file=str(tmp_path / "ca.pem"),
        username="desk",
        password=PASSWORD,
    )


async def test_it_is_written_and_read_over_tls_with_a_password(secure: Address, log: Any) -> None:
    sink, index = OpenSearchSink(secure), OpenSearchIndex(secure)
    await sink.start()
    log.add("Storm")
    await sink.write(log.records)
    await refresh(sink._client, Generation(secure.prefix, 1))
    assert await found(index, "storm") == ["ev_1"]
    assert await index.ready() is None
    await sink.close()
    await index.close()


async def test_a_wrong_password_an_untrusted_certificate_and_the_wrong_port_are_told(
    secure: Address, address: Address
) -> None:
    wrong = msgspec.structs.replace(secure, password=PASSWORD + "x")
    assert "does not let us in: check [opensearch] username and password" in await why(wrong)
    assert "cannot be trusted" in await why(msgspec.structs.replace(secure, ca_file=""))
    assert "set [opensearch] ca_file" in await why(msgspec.structs.replace(secure, ca_file=""))
    plain = msgspec.structs.replace(secure, tls=False, ca_file="", username="", password="")
    assert "if it speaks TLS, set [opensearch] tls = true" in await why(plain, kind=PassingFault)
    to_plain = msgspec.structs.replace(secure, servers=address.servers)
    assert "does not speak TLS" in await why(to_plain)


async def test_an_address_where_nothing_listens_may_pass(address: Address) -> None:
    nowhere = msgspec.structs.replace(address, servers=(f"127.0.0.1:{free_ports(1)[0]}",))
    assert "cannot be reached" in await why(nowhere, kind=PassingFault)


async def test_one_of_several_servers_is_enough(address: Address, log: Any) -> None:
    (closed,) = free_ports(1)
    there = msgspec.structs.replace(address, servers=(f"127.0.0.1:{closed}", *address.servers))
    sink = OpenSearchSink(there)
    await sink.start()
    log.add("Storm")
    for _turn in range(4):
        await sink.write(log.records)
    assert await sink.position(log.records[0].topic, 3) == 1
    await sink.close()


async def test_an_old_opensearch_and_another_server_are_refused(opensearch: OpenSearchServer, address: Address) -> None:
    front = Front(f"http://127.0.0.1:{opensearch.port}")
    await front.start()
    there = msgspec.structs.replace(address, servers=(f"127.0.0.1:{front.port}",))
    front.version = "1.3.20"
    assert "runs OpenSearch 1.3.20: upgrade it to 2.11 or newer" in await why(there)
    await front.close()


async def test_a_server_that_is_no_opensearch_is_told(address: Address) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.json_response({"hello": "world"})

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    assert "is no OpenSearch" in await why(msgspec.structs.replace(address, servers=(f"127.0.0.1:{port}",)))
    await runner.cleanup()


async def test_an_index_that_someone_else_made_is_left_alone(opensearch: OpenSearchServer, address: Address) -> None:
    opensearch.ask("PUT", f"/{alias_of(address)}", {"mappings": {"properties": {"title": {"type": "text"}}}})
    said = await why(address)
    assert "which wirewatch did not make: name another [opensearch] prefix" in said
    assert address.servers[0] in said


async def test_our_index_with_another_mapping_is_refused_with_what_differs(
    opensearch: OpenSearchServer, address: Address
) -> None:
    sink = OpenSearchSink(address)
    await sink.start()
    await sink.close()
    opensearch.ask("PUT", f"/{alias_of(address)}/_mapping", {"properties": {"colour": {"type": "keyword"}}})
    assert "has another mapping than wirewatch gave it" in await why(address)
    assert "differs in colour" in await why(address)


async def test_no_index_yet_is_told_to_readers(opensearch: OpenSearchServer, address: Address) -> None:
    index = OpenSearchIndex(address)
    with pytest.raises(UserError, match=r"there is no search index .* yet: start wirewatch run"):
        await index.search("storm", now_ms=NOW)
    await index.close()


@pytest.mark.parametrize(
    ("setting", "group", "said"),
    [
        ("opensearch://desk:hunter2-never-shown@h:9200", Opensearch(), "the URL holds a user"),
        ("opensearch://h", Opensearch(), "is no host:port"),
        ("opensearch://h:9200,h:99999", Opensearch(), "'h:99999' is no host:port"),
        ("opensearch://h:9200", Opensearch(username="desk", tls=True), "there is no password"),
        ("opensearch://h:9200", Opensearch(password=PASSWORD, tls=True), "username is not"),
        ("opensearch://h:9200", Opensearch(username="desk", password=PASSWORD), "in the clear"),
        ("opensearch://h:9200", Opensearch(username="desk", password="env:NONE", tls=True), "variable NONE is not set"),
        ("opensearch://h:9200", Opensearch(ca_file="x.pem"), "ca_file is set and tls is not"),
        ("opensearch://h:9200", Opensearch(prefix="Wire Watch"), "lower-case letters"),
        ("opensearch://h:9200", Opensearch(shards=0), "shards is 1 to 1024"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(setting: str, group: Opensearch, said: str) -> None:
    with pytest.raises(UserError) as refused:
        read_address(setting, group, environ={})
    assert said in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_another_mapping_is_another_version_of_the_layout() -> None:
    made = templates(Address(("h:1",)))
    mappings = {name: template["template"]["mappings"]["properties"] for name, template in made.items()}
    analysis = made["wirewatch-entries-v1"]["template"]["settings"]["index"]["analysis"]
    fingerprint = xxhash.xxh3_64_hexdigest(msgspec.json.encode([mappings, analysis], order="deterministic"))
    assert (LAYOUT_VERSION, fingerprint) == (1, "6ec37ac964a9fff7")


def test_a_file_of_certificates_that_is_none_is_named(tmp_path: Path) -> None:
    address = read_address("opensearch://h:1, h2:2", Opensearch(tls=True, ca_file=str(tmp_path / "ca.pem")))
    assert address.servers == ("h:1", "h2:2")
    with pytest.raises(UserError, match=r"ca_file: .*ca\.pem cannot be used: No such file"):
        address.certificates()
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UserError, match="no certificates in PEM form"):
        address.certificates()
