"""Encodings undone in bounded memory (H21-23, H27)."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.decoding import BodyDecoder
from wirewatch.errors import BadInput

CAP = 15 << 20


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
}


def _decode(encoding: str, data: bytes, *, cap: int = CAP, step: int = 1 << 14) -> bytes:
    decoder = BodyDecoder(encoding, cap=cap)
    for at in range(0, len(data), step):
        decoder.feed(data[at : at + step])
    return decoder.finish()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(PACK)), st.binary(max_size=3000), st.integers(1, 500), st.integers(1, 60))
def test_what_was_packed_comes_out_however_it_is_cut(encoding: str, data: bytes, step: int, times: int) -> None:
    assert _decode(encoding, PACK[encoding](data * times), step=step) == data * times


def test_bare_deflate_is_told_from_the_standard_s() -> None:
    assert _decode("deflate", _raw_deflate(b"news" * 1000), step=1) == b"news" * 1000


def test_two_encodings_are_undone_in_turn_and_three_are_refused() -> None:
    assert _decode("gzip, br", brotli.compress(gzip.compress(b"x" * 9999))) == b"x" * 9999
    with pytest.raises(BadInput) as raised:
        BodyDecoder("gzip, gzip, gzip", cap=CAP)
    assert raised.value.reason == "bad-encoding"


def test_gzip_members_are_one_body_and_what_follows_them_is_ignored() -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0\0junk"
    for step in (1, 7, 1000):
        assert _decode("gzip", data, step=step) == b"one two"


def _bomb(encoding: str) -> bytes:
    """At least 1 GiB unpacked, out of a few bytes to a MiB."""
    if encoding == "gzip":
        return gzip.compress(bytes(1 << 20), 9) * 1024
    if encoding == "gzip, gzip":
        return gzip.compress(gzip.compress(bytes(1 << 20), 9) * 1024, 9)
    if encoding == "br":
        packer = brotli.Compressor(quality=5, lgwin=24)
        return b"".join([*(packer.process(bytes(1 << 22)) for _ in range(256)), packer.finish()])
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join([*(packer.compress(bytes(1 << 22)) for _ in range(256)), packer.flush()])


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br", "zstd"])
def test_h21_23_a_bomb_stops_at_the_cap_with_memory_bounded(encoding: str) -> None:
    bomb = _bomb(encoding)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput) as raised:
            _decode(encoding, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.reason == "too-large"
    assert peak < 3 * CAP, f"{peak >> 20} MiB at the peak"


def test_h23_a_storm_of_empty_members_is_refused() -> None:
    with pytest.raises(BadInput) as raised:
        _decode("gzip", gzip.compress(b"") * 100_000)
    assert raised.value.reason == "bad-encoding"


def test_a_body_over_the_cap_is_refused_before_it_is_decoded_too() -> None:
    with pytest.raises(BadInput) as raised:
        _decode("", bytes(1001), cap=1000)
    assert raised.value.reason == "too-large"
    assert _decode("", bytes(1000), cap=1000) == bytes(1000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("cut", [1, 10, 200])
def test_h27_a_compressed_body_cut_short_is_truncated(encoding: str, cut: int) -> None:
    packed = PACK[encoding](bytes(range(256)) * 40 + b"end")
    with pytest.raises(BadInput) as raised:
        _decode(encoding, packed[:-cut])
    assert raised.value.reason == "truncated"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_bytes_of_another_encoding_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(BadInput) as raised:
        _decode(encoding, b"<rss>this is no compressed body at all</rss>" * 10)
    assert raised.value.reason in {"bad-encoding", "truncated"}


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(BadInput) as raised:
        BodyDecoder("compress", cap=CAP)
    assert raised.value.reason == "bad-encoding"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]), st.binary(max_size=400))
def test_no_bytes_raise_anything_but_bad_input(encoding: str, data: bytes) -> None:
    try:
        _decode(encoding, data, step=50)
    except BadInput:
        return
