"""Texts that clients match on. Those that repeat a client's words were asked of redis-server 7.0.15."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.commands.errors import (
    SHOWN_NAME_BYTES,
    CommandError,
    invalid_expire,
    shown_word,
    unknown_command,
    unknown_subcommand,
    wrong_arity,
    wrong_subcommand_syntax,
    wrong_type,
)
from tests.commands.harness import HarnessClient
from tests.wire import RawClient, encode_command

LONG = b"a" * 200
CUT = "a" * 128

STRANGE_CALLS = (
    [LONG, b"x"],
    [b"FOO", LONG, b"y"],
    [b"FOO", b"b" * 120, b"y" * 20, b"z"],
    [b"FOO", b"b" * 126, b"y"],
    [b"fo\0o", b"a\0b", b"c"],
    [b"FOO", b"", b"", b"c"],
    [b"FOO", b"line\r\nbreak"],
    [b"\xff\xfe", b"\xc3\x28"],
    [b"CLIENT", LONG],
    [b"client", b"a\0b", b"more"],
)


def test_an_error_is_an_err_unless_it_says_otherwise() -> None:
    assert (CommandError("no").code, wrong_type().code) == ("ERR", "WRONGTYPE")


def test_the_message_is_what_the_exception_prints() -> None:
    error = CommandError("no such key", "NOKEY")
    assert str(error) == error.message == "no such key"


def test_an_unknown_command_is_named_with_its_arguments() -> None:
    said = unknown_command([b"foo", b"1", b"b c"]).message
    assert said == "unknown command 'foo', with args beginning with: '1' 'b c' "


def test_a_long_name_is_cut() -> None:
    assert unknown_command([LONG]).message == f"unknown command '{CUT}', with args beginning with: "


def test_no_argument_is_shown_once_the_limit_is_reached() -> None:
    shown = unknown_command([b"FOO", b"b" * 120, b"y" * 20, b"z"]).message.partition("with: ")[2]
    assert shown == f"'{'b' * 120}' 'yyyyy' "


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=300))
def test_no_call_makes_a_long_error(argv: list[bytes]) -> None:
    frame = len("unknown command '', with args beginning with: '' ")
    assert len(unknown_command(argv).message) < frame + 2 * SHOWN_NAME_BYTES


def test_an_unknown_subcommand_points_to_the_help() -> None:
    assert unknown_subcommand("client", b"FOO").message == "unknown subcommand 'FOO'. Try CLIENT HELP."
    assert unknown_subcommand("CLIENT", LONG).message == f"unknown subcommand '{CUT}'. Try CLIENT HELP."


def test_an_older_subcommand_doubts_its_name_and_its_words() -> None:
    said = wrong_subcommand_syntax("debug", LONG).message
    assert said == f"unknown subcommand or wrong number of arguments for '{CUT}'. Try DEBUG HELP."


def test_an_error_names_the_command_as_redis_prints_it() -> None:
    assert wrong_arity("client|list").message == "wrong number of arguments for 'client|list' command"
    assert invalid_expire("set").message == "invalid expire time in 'set' command"


def test_a_word_is_shown_up_to_its_first_zero_byte() -> None:
    assert shown_word(b"ab\0cd\0") == "ab"


@given(st.binary().filter(lambda word: 0 not in word))
def test_a_word_that_is_no_text_leaves_as_the_bytes_it_was(word: bytes) -> None:
    assert shown_word(word).encode("utf-8", "surrogateescape") == word


@pytest.mark.redis
@pytest.mark.parametrize("words", STRANGE_CALLS)
def test_a_strange_call_is_answered_as_by_redis(
    client: HarnessClient, real: RawClient, words: list[bytes]
) -> None:
    client.session.receive(encode_command(words))
    assert b"".join(client.session.take_output()) == real.call(*words)
