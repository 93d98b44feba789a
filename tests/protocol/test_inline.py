import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.protocol.inline import split_inline
from tests.rows import every_row
from tests.servers import Server
from tests.wire import parse

# Few bytes, so that quotes meet backslashes and escapes; and all that are blank to C or to Python.
BYTES = st.sampled_from([bytes([byte]) for byte in b"a'\"\\xX4fnrtb \t\v\f\r\x1c\x85\xa0\xff"])
LINES = st.lists(BYTES, max_size=30).map(b"".join)

UNBALANCED = b"-ERR Protocol error: unbalanced quotes in request\r\n"


@every_row(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\v\f\r", []),
        (b"PING", [b"PING"]),
        (b"  GET\t key \r", [b"GET", b"key"]),
        (b"SET k 'a b'", [b"SET", b"k", b"a b"]),
        (b"''  \"\"", [b"", b""]),
        (b"ab\"cd\" e'f'", [b"abcd", b"ef"]),
        (b"\"a\"\v'b'\fc", [b"a", b"b", b"c"]),
        (rb'"\n\r\t\b\a\\\"\q\x41\xfF\x4"', [b'\n\r\t\b\a\\"qA\xffx4']),
        (rb"'\n\x41\\ \' \"'", [rb"\n\x41\\ ' " + b'\\"']),
        (rb"a\n\x41", [rb"a\n\x41"]),
        (b"a\vb \fc\v d", [b"a\vb", b"c\v", b"d"]),
        (b"a\rb", [b"a", b"b"]),
        (b"\xa0a\x85b\x1cc", [b"\xa0a\x85b\x1cc"]),
    ],
)
def test_a_line_has_these_words(line: bytes, words: list[bytes]) -> None:
    assert split_inline(line) == words


@every_row(
    "line",
    [
        b'"',
        b"'",
        b'a "b',
        b"a 'b",
        b'"a"b',
        b"'a'b",
        b"\"a\"'b'",
        b'a"',
        b'"a\\"',
        b"'a\\'",
        b'"a\\',
        b'ok ok "a"b',
    ],
)
def test_a_quote_must_close_where_a_word_ends(line: bytes) -> None:
    assert split_inline(line) is None


@given(st.lists(st.binary(max_size=10), max_size=6))
def test_every_word_can_be_written_in_double_quotes(words: list[bytes]) -> None:
    quoted = [b'"' + b"".join(b"\\x%02x" % byte for byte in word) + b'"' for word in words]
    assert split_inline(b" ".join(quoted)) == words


@given(st.lists(st.binary(max_size=10).map(lambda word: word.replace(b"\\", b"/")), max_size=6))
def test_every_word_without_a_backslash_can_be_written_in_single_quotes(words: list[bytes]) -> None:
    quoted = [b"'" + word.replace(b"'", b"\\'") + b"'" for word in words]
    assert split_inline(b"\t".join(quoted)) == words


@pytest.mark.redis
@given(line=LINES)
@example(line=b"a\vb")
@example(line=b"a\v")
@example(line=b"'a\\\\'")
@example(line=b'"\\')
def test_words_are_split_as_redis_splits_them(redis_server: Server, line: bytes) -> None:
    with redis_server.client() as client:
        client.send(b"EVAL 'return ARGV' 0 " + line + b"\n")
        reply = client.read_reply()
    assert split_inline(line) == (None if reply == UNBALANCED else parse(reply).plain())
