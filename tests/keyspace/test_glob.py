import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respcache.keyspace import glob
from respcache.keyspace.glob import compile_glob, is_literal
from tests.rows import every_row
from tests.servers import Server
from tests.wire import encode_command, parse

# Few letters, so that patterns and texts meet; and every byte that a pattern or a regular expression could trip over.
LETTERS = st.sampled_from([bytes([byte]) for byte in rb"abc*?[]^-\!&~|" + b"\n\x00\x80\xff"])
PATTERNS = st.lists(LETTERS, max_size=12).map(b"".join)
TEXTS = st.lists(LETTERS, max_size=8).map(b"".join)


def matches(pattern: bytes, text: bytes) -> bool:
    return bool(compile_glob(pattern)(text))


@every_row(
    ("pattern", "text", "expected"),
    [
        (b"", b"", True),
        (b"", b"a", False),
        (b"*", b"", False),
        (b"**", b"", False),
        (b"a*", b"a", True),
        (b"*a", b"", False),
        (b"h?llo", b"hallo", True),
        (b"h?llo", b"hllo", False),
        (b"h[ae]llo", b"hello", True),
        (b"h[^e]llo", b"hello", False),
        (b"h[a-c]llo", b"hbllo", True),
        (b"h[c-a]llo", b"hbllo", True),
        (rb"h\*llo", b"h*llo", True),
        (rb"h\*llo", b"hallo", False),
        (b"h\\", b"h\\", True),
        (b"a[b", b"ab", True),
        (b"a[]b", b"ab", False),
        (b"a[^]b", b"axb", True),
        (rb"[\]]", b"]", True),
        (b"?", b"\n", True),
        (b"a", b"a\n", False),
        (b"a*b*c", b"aXbXbXc", True),
        (b"a**c", b"ac", True),
    ],
)
def test_a_pattern_means_what_it_means_to_redis(pattern: bytes, text: bytes, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_a_range_across_the_sign_is_read_as_signed_bytes() -> None:
    assert matches(b"[a-\x80]", b"\x00")
    assert not matches(b"[a-\x80]", b"b")


def test_a_pattern_of_many_stars_is_matched_at_once() -> None:
    assert not matches(b"a*" * 400 + b"b", b"a" * 60_000)


@pytest.mark.parametrize(
    "pattern", [b"a" * 5_000_000, b"a?" * 2_000_000, b"[a-z]" * 1_000_000, b"a*" * 1_000_000]
)
def test_an_endless_pattern_costs_no_more_than_the_text_is_worth(pattern: bytes) -> None:
    assert not matches(pattern, b"abc")


def test_endless_patterns_are_not_remembered() -> None:
    glob._compile.cache_clear()
    matches(b"?" * 5000, b"abc")
    assert glob._compile.cache_info().currsize == 0


@given(PATTERNS.filter(len), TEXTS)
@example(b"*\\", b"a\\")
@example(b"[^", b"a")
@example(b"*", b"")
def test_a_long_pattern_is_read_like_a_short_one(pattern: bytes, text: bytes) -> None:
    assert glob._matches_long(pattern, text) == bool(glob._compile(pattern)(text))


@given(PATTERNS.filter(len), TEXTS)
@example(b"a*a", b"a")
@example(b"a**b", b"ab")
@example(b"*a*", b"a")
def test_pieces_among_stars_are_found_as_an_expression_would(pattern: bytes, text: bytes) -> None:
    plain = bytes(byte for byte in pattern if byte not in b"?[\\")
    assert bool(glob._among_stars(*plain.split(b"*"))(text)) == bool(glob._compile_expression(plain)(text))


@given(TEXTS)
def test_a_text_with_its_marks_escaped_matches_only_itself(text: bytes) -> None:
    pattern = re.sub(rb"(?s)(.)", rb"\\\1", text)
    assert matches(pattern, text)
    assert not matches(pattern, text + b"a")


@given(PATTERNS)
def test_a_literal_pattern_matches_itself(pattern: bytes) -> None:
    assert not is_literal(pattern) or matches(pattern, pattern)


@pytest.mark.redis
@settings(max_examples=100)
@given(
    patterns=st.lists(PATTERNS, min_size=20, max_size=20),
    keys=st.lists(TEXTS, min_size=1, max_size=30, unique=True),
)
@example(
    [rb"[a-", b"[a-\x80]", rb"[\]", b"[^]", b"[", b"[^-a]", b"*[*]*"],
    [b"a", b"-", b"]", b"", b"[", b"*", b"\x80"],
)
@example(
    [b"*", b"**", b"", b"?*", b"*?"],
    [b"a", b""],
)
def test_keys_finds_what_redis_finds(redis_server: Server, patterns: list[bytes], keys: list[bytes]) -> None:
    with redis_server.client() as client:
        client.pipeline([[b"FLUSHALL"], *([b"SET", key, b""] for key in keys)])
        client.send(b"".join(encode_command([b"KEYS", pattern]) for pattern in patterns))
        for pattern, reply in zip(patterns, client.read_replies(len(patterns)), strict=True):
            theirs = {node.text for node in parse(reply).children}
            ours = set(keys) if pattern == b"*" else {key for key in keys if matches(pattern, key)}
            assert ours == theirs, pattern
