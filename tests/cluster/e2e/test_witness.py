"""The witness accepts what a server may answer, and nothing else: a judge that cannot say no would prove nothing."""

import pytest

from tests.cluster.e2e.witness import Witness
from tests.servers import Server


def test_a_single_server_gives_no_cause_for_complaint(respcache_server: Server) -> None:
    witness = Witness("honest", 1)
    with respcache_server.client() as client:
        client.call("FLUSHALL")
        for _ in range(10):
            commands = witness.batch(300)
            witness.check(commands, client.pipeline(commands))
    assert not witness.complaints
    assert not witness.errors
    assert witness.replies == 3000


def test_an_emptied_server_is_a_miss_and_no_complaint(respcache_server: Server) -> None:
    witness = Witness("emptied", 2)
    with respcache_server.client() as client:
        for _ in range(5):
            client.call("FLUSHALL")
            commands = witness.batch(300)
            witness.check(commands, client.pipeline(commands))
    assert not witness.complaints
    assert witness.misses


SET_TWICE = [([b"SET", b"k", b"k=1"], b"+OK\r\n"), ([b"SET", b"k", b"k=2"], b"+OK\r\n")]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ([b"GET", b"k"], b"$3\r\nk=1\r\n"),
        ([b"GET", b"k"], b"$3\r\nother=2\r\n"),
        ([b"GET", b"other"], b"$3\r\nk=2\r\n"),
        ([b"GET", b"k"], b":1\r\n"),
        ([b"MGET", b"k", b"other"], b"*2\r\n$-1\r\n$3\r\nk=2\r\n"),
        ([b"MGET", b"k", b"other"], b"*1\r\n$3\r\nk=2\r\n"),
        ([b"SETNX", b"other", b"other=3"], b":0\r\n"),
        ([b"EXISTS", b"k", b"other"], b":2\r\n"),
        ([b"DEL", b"other"], b":1\r\n"),
        ([b"INCR", b"n"], b":2\r\n"),
        ([b"ECHO", b"echo=3"], b"$6\r\necho=2\r\n"),
        ([b"GETSET", b"k"], b"$3\r\nk=2\r\n"),
        ([b"SET", b"k", b"k=3"], b":1\r\n"),
    ],
)
def test_a_wrong_reply_is_a_complaint(command: list[bytes], reply: bytes) -> None:
    witness = Witness("strict", 3)
    script = [*SET_TWICE, (command, reply.replace(b"$3\r\nother", b"$7\r\nother"))]
    witness.check([argv for argv, _ in script], [raw for _, raw in script])
    assert len(witness.complaints) == 1


def test_after_an_error_the_command_may_have_been_done_or_not() -> None:
    for value in (b"$3\r\nk=2\r\n", b"$3\r\nk=3\r\n", b"$-1\r\n"):
        witness = Witness("unsure", 4)
        script = [*SET_TWICE, ([b"SET", b"k", b"k=3"], b"-ERR timeout\r\n"), ([b"GET", b"k"], value)]
        witness.check([argv for argv, _ in script], [raw for _, raw in script])
        assert not witness.complaints
        assert witness.errors == {"ERR timeout": 1}


def test_a_deleted_key_must_not_come_back() -> None:
    witness = Witness("strict", 5)
    script = [*SET_TWICE, ([b"DEL", b"k"], b":1\r\n"), ([b"GET", b"k"], b"$3\r\nk=2\r\n")]
    witness.check([argv for argv, _ in script], [raw for _, raw in script])
    assert len(witness.complaints) == 1
