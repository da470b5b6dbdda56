"""Decompression never gives more than its limit, and says so; damaged data is refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.dataplane.tasks.decompress import decompress
from tenantry.dataplane.tasks.http_client import BadResponseError, ResponseTooLargeError


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from([31, 15]))
def test_what_was_compressed_comes_back_however_it_was_cut(data: bytes, size: int, window_bits: int) -> None:
    compressed = zlib.compress(data, wbits=window_bits)
    assert decompress(split(compressed, size), "gzip", limit=2000) == data


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_what_is_not_compressed_is_passed_on(encoding: str) -> None:
    assert decompress([b"a", b"b"], encoding, limit=1) == b"ab"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
def test_a_body_of_nothing_is_nothing(encoding: str) -> None:
    assert decompress([], encoding, limit=10) == b""


def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    data = gzip.compress(b"x" * 1000)
    assert len(decompress([data], "gzip", limit=1000)) == 1000
    with pytest.raises(ResponseTooLargeError, match="over 999 bytes"):
        decompress([data], "gzip", limit=999)


def test_what_follows_the_end_is_refused_and_not_dropped() -> None:
    data = gzip.compress(b"first,") + gzip.compress(b"second")
    for size in (1, 7, 30, 1000):
        with pytest.raises(BadResponseError, match="goes on after its end"):
            decompress(split(data, size), "gzip", limit=100)


def test_a_bomb_is_cut_off_and_not_expanded() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            decompress([bomb], "gzip", limit=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("damaged", [b"not compressed", gzip.compress(b"hello", mtime=0)[:-9] + b"\0" * 9])
def test_damaged_data_is_refused(damaged: bytes) -> None:
    with pytest.raises(BadResponseError, match="damaged"):
        decompress([damaged], "gzip", limit=100)


def test_data_that_ends_too_early_is_refused() -> None:
    with pytest.raises(BadResponseError, match="cut short"):
        decompress([gzip.compress(b"hello")[:-1]], "gzip", limit=100)


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(BadResponseError, match=r"'br' was not asked for"):
        decompress([b"..."], "br", limit=100)
