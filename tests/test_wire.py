"""The tests' own eyes: what reads the wire must read it right."""

import pytest

from tests.wire import Node, ReplySplitter, encode_command, parse, words

REPLIES = [
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":-12\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"$4\r\na\r\nb\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
    b"_\r\n",
    b"#t\r\n",
    b",1.5\r\n",
    b"(3492890328409238509324850943850943825024385\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"!5\r\nERR x\r\n",
    b"%2\r\n+a\r\n*0\r\n+b\r\n%1\r\n+c\r\n:1\r\n",
    b"~2\r\n:1\r\n:2\r\n",
    b">2\r\n+message\r\n$1\r\nx\r\n",
    b"|1\r\n+ttl\r\n:3\r\n*1\r\n:1\r\n",
]


@pytest.mark.parametrize("piece_size", [1, 3, 1000])
def test_a_stream_is_cut_into_the_replies_that_made_it(piece_size: int) -> None:
    stream, splitter, found = b"".join(REPLIES), ReplySplitter(), []
    for start in range(0, len(stream), piece_size):
        splitter.feed(stream[start : start + piece_size])
        found += list(iter(splitter.next_reply, None))
    assert found == REPLIES
    assert splitter.leftover() == b""


def test_what_is_no_resp_is_refused() -> None:
    splitter = ReplySplitter()
    splitter.feed(b"HTTP/1.1 400\r\n")
    with pytest.raises(ValueError, match="HTTP"):
        splitter.next_reply()


def test_a_null_is_not_the_text_that_announces_it() -> None:
    assert parse(b"$-1\r\n") != parse(b"$2\r\n-1\r\n")


def test_a_map_is_parsed_into_keys_and_values() -> None:
    node = parse(b"%1\r\n+c\r\n*2\r\n:1\r\n$-1\r\n")
    assert node.pairs() == [
        (Node("+", b"c"), Node("*", b"2", (Node(":", b"1"), Node("$", b"-1", is_null=True))))
    ]
    assert node.plain() == [b"c", [1, None]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SET k v", [b"SET", b"k", b"v"]),
        ("  SET\tk  v ", [b"SET", b"k", b"v"]),
        (r'SET "a \"b\" \x00\n" v', [b"SET", b'a "b" \x00\n', b"v"]),
        (r"SET 'it\'s \n' ''", [b"SET", b"it's \\n", b""]),
        ('SET a"b c', [b"SET", b'a"b', b"c"]),
    ],
)
def test_a_line_is_split_as_redis_cli_would(line: str, expected: list[bytes]) -> None:
    assert words(line) == expected


@pytest.mark.parametrize("line", ['GET "a', "GET 'a", 'GET "a"b'])
def test_unbalanced_quotes_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="unbalanced"):
        words(line)


def test_a_command_is_sent_as_an_array_of_its_words() -> None:
    assert encode_command([b"GET", b""]) == b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"
