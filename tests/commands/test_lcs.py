import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.servers import Server
from tests.thoroughness import examples
from tests.wire import encode_command

SYNTAX = ErrorReply("ERR", "syntax error")
TEXTS = st.text("abc", max_size=30).map(str.encode)
OPTIONS = [
    [],
    [b"LEN"],
    [b"IDX"],
    [b"IDX", b"WITHMATCHLEN"],
    [b"IDX", b"MINMATCHLEN", b"2"],
    [b"WITHMATCHLEN", b"MINMATCHLEN", b"3", b"IDX"],
]


@pytest.fixture
def pair(client: HarnessClient) -> HarnessClient:
    client("MSET a ohmytext b mynewtext")
    return client


def test_the_subsequence_its_length_and_its_places(pair: HarnessClient) -> None:
    assert pair("LCS a b") == b"mytext"
    assert pair("LCS a b len") == 6
    assert pair("LCS a b IDX") == {b"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], b"len": 6}


def test_short_matches_are_left_out_but_counted(pair: HarnessClient) -> None:
    answer = pair("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN")
    assert answer == {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6}
    assert pair("LCS a b IDX MINMATCHLEN -5") == pair("LCS a b IDX")


def test_a_missing_key_is_an_empty_string(pair: HarnessClient) -> None:
    assert [pair("LCS a none"), pair("LCS none none LEN")] == [b"", 0]
    assert pair("LCS none b IDX") == {b"matches": [], b"len": 0}


def test_a_string_with_itself_is_all_of_it(pair: HarnessClient) -> None:
    pair("APPEND a !")
    assert pair("LCS a a") == b"ohmytext!"


def test_keys_are_looked_at_before_options(client: HarnessClient) -> None:
    client("HSET h f 1")
    assert client("LCS h none FOO") == ErrorReply("ERR", "The specified keys must contain string values")


@pytest.mark.parametrize("options", ["FOO", "MINMATCHLEN", "IDX FOO"])
def test_strange_options_are_refused(pair: HarnessClient, options: str) -> None:
    assert pair(f"LCS a b {options}") == SYNTAX


def test_options_that_do_not_go_together_are_refused(pair: HarnessClient) -> None:
    both = ErrorReply("ERR", "If you want both the length and indexes, please just use IDX.")
    assert pair("LCS a b LEN IDX") == both
    assert pair("LCS a b MINMATCHLEN x LEN IDX") == ErrorReply(
        "ERR", "value is not an integer or out of range"
    )


def test_a_table_that_redis_could_not_keep_is_refused() -> None:
    client = Harness(proto_max_bulk_len="1mb").client()
    client("SET", "a", "x" * 511)
    client("SET", "b", "x" * 511)
    assert client("LCS a b LEN") == 511
    client("APPEND b y")
    too_large = "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    assert client("LCS a b LEN") == ErrorReply("ERR", too_large)


@pytest.mark.redis
@settings(max_examples=examples(80, 500))
@given(first=TEXTS, second=TEXTS)
def test_redis_finds_the_same(redis_server: Server, first: bytes, second: bytes) -> None:
    ours = Harness().client(protocol=2)
    words = [[b"MSET", b"a", first, b"b", second], *([b"LCS", b"a", b"b", *options] for options in OPTIONS)]
    ours.session.receive(b"".join(encode_command(argv) for argv in words))
    with redis_server.client() as theirs:
        assert b"".join(ours.session.take_output()) == b"".join(theirs.pipeline(words))
