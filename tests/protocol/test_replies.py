import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.protocol import replies
from respcache.protocol.encoder import encode
from respcache.protocol.replies import OK, PONG, QUEUED, ErrorReply, Pairs, SimpleString
from tests.rows import every_row
from tests.servers import Server

RECORDS = [
    kind
    for kind in vars(replies).values()
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct))
]


@every_row("kind", RECORDS)
def test_replies_are_immutable_records(kind: type) -> None:
    assert "__slots__" in vars(kind)
    config = (
        kind.__struct_config__ if issubclass(kind, msgspec.Struct) else vars(kind)["__dataclass_params__"]
    )
    assert config.frozen


def test_the_common_replies_are_what_redis_says() -> None:
    assert [reply.wire for reply in (OK, QUEUED, PONG)] == [b"+OK\r\n", b"+QUEUED\r\n", b"+PONG\r\n"]


def test_replies_are_compared_by_what_they_say() -> None:
    assert ErrorReply("ERR", "a") == ErrorReply("ERR", "a") != ErrorReply("ERR", "b")
    assert SimpleString("OK") == OK != PONG
    assert Pairs([(b"a", 1)]) != Pairs([(b"a", 2)])


def test_a_line_break_in_a_status_becomes_a_space() -> None:
    assert SimpleString("a\r\nb\n").wire == b"+a  b \r\n"


def test_an_error_keeps_its_line_but_no_break_at_its_ends() -> None:
    assert ErrorReply("ERR", "\r\na\r\nb\n").wire == b"-ERR a  b\r\n"


def test_an_error_code_cannot_break_the_line() -> None:
    assert ErrorReply("A\r\nB", "c").wire == b"-A  B c\r\n"


@given(st.binary())
def test_quoted_bytes_leave_as_they_came(argument: bytes) -> None:
    wire = ErrorReply("ERR", f"no '{argument.decode('utf-8', 'surrogateescape')}' here").wire
    assert wire == b"-ERR no '" + argument.replace(b"\r", b" ").replace(b"\n", b" ") + b"' here\r\n"


@pytest.mark.redis
@pytest.mark.parametrize("argument", ["a\r\nb", "\r\n", "\xe9", "a\n"])
def test_an_argument_in_an_error_is_cleaned_as_by_redis(redis_server: Server, argument: str) -> None:
    with redis_server.client() as client:
        reply = client.call("CLIENT", argument)
    error = ErrorReply("ERR", f"unknown subcommand '{argument}'. Try CLIENT HELP.")
    assert encode(error, 2) == reply
