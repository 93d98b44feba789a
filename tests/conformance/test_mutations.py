"""Every command, bent in every place: words missing, one too many, and each word replaced by something hostile.

What is left of the data is asked after each attempt: an error must have changed nothing, on both servers alike.
"""

from collections.abc import Iterator

import pytest

from tests.conformance.pipelines import compare_pipelines
from tests.servers import Server
from tests.wire import words

# In every call s is a string, h a hash, and m missing.
CALLS = [
    "GET s",
    "SET s v",
    "SET s v EX 100000 NX",
    "SET s v PX 100000000 XX GET",
    "SET s v PXAT 4102444800000",
    "SET s v KEEPTTL",
    "SETNX m v",
    "SETEX s 100000 v",
    "PSETEX s 100000000 v",
    "GETSET s v",
    "GETDEL s",
    "GETEX s",
    "GETEX s EX 100000",
    "GETEX s EXAT 4102444800",
    "MGET s m",
    "MSET s 1 m 2",
    "MSETNX m 1 n 2",
    "APPEND s v",
    "STRLEN s",
    "INCR s",
    "DECR s",
    "INCRBY s 1",
    "DECRBY s 1",
    "INCRBYFLOAT s 1.5",
    "GETRANGE s 0 -1",
    "SETRANGE s 1 v",
    "SUBSTR s 0 1",
    "LCS s m IDX MINMATCHLEN 1 WITHMATCHLEN",
    "DEL s m",
    "UNLINK s h",
    "EXISTS s s",
    "TOUCH s h",
    "TYPE h",
    "EXPIRE s 100000 NX",
    "PEXPIRE s 100000000 LT",
    "EXPIREAT s 4102444800 GT",
    "PEXPIREAT s 4102444800000 XX",
    "TTL s",
    "PTTL s",
    "EXPIRETIME s",
    "PEXPIRETIME s",
    "PERSIST s",
    "RENAME s m",
    "RENAMENX s m",
    "COPY s m DB 1 REPLACE",
    "MOVE s 1",
    "KEYS *",
    "DBSIZE",
    "OBJECT ENCODING s",
    "OBJECT REFCOUNT h",
    "HSET h f 2 g 3",
    "HSETNX h g 1",
    "HMSET h f 2",
    "HGET h f",
    "HMGET h f g",
    "HGETALL h",
    "HDEL h f",
    "HEXISTS h f",
    "HINCRBY h f 1",
    "HINCRBYFLOAT h f 1.5",
    "HKEYS h",
    "HVALS h",
    "HLEN h",
    "HSTRLEN h f",
    "HRANDFIELD h 1 WITHVALUES",
    "HSCAN h 0 MATCH * COUNT 10",
    "PING x",
    "ECHO x",
    "SELECT 1",
    "SWAPDB 0 1",
    "MULTI",
    "DISCARD",
    "UNWATCH",
    "COMMAND GETKEYS SET s v",
    "COMMAND GETKEYSANDFLAGS MSET s 1 m 2",
    "COMMAND LIST FILTERBY PATTERN hg*",
    "CLIENT GETNAME",
    "CLIENT SETNAME me",
    "CLIENT NO-EVICT on",
    "CONFIG GET maxmemory",
    "LATENCY HISTORY command",
    "MEMORY USAGE s SAMPLES 5",
    "PUBLISH c m",
    "SPUBLISH c m",
    "PUBSUB NUMSUB c",
    "PUBSUB NUMPAT",
    "SLOWLOG LEN",
]
# No small positive number: as milliseconds to live it would let the clock decide what the next line sees.
HOSTILE = [
    b"",
    b"0",
    b"-1",
    b"2000000000",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"1.5",
    b"abc",
    b" 1",
    b"h",
    b"m",
    b"\xff\r\n",
    b"x" * 60,  # not embstr, but still in a listpack, whose order is defined
]
SET_UP = [words(line) for line in ("SELECT 0", "FLUSHALL", "SET s 10", "HSET h f 1")]
LOOK = [words(line) for line in ("GET s", "HGETALL h", "TTL s", "KEYS *")]


def mutations(call: list[bytes]) -> Iterator[list[bytes]]:
    yield call
    yield [call[0].swapcase(), *call[1:]]
    yield [*call, b"x"]
    for length in range(1, len(call)):
        yield call[:length]
    for place in range(1, len(call)):
        for word in (*HOSTILE, call[place].swapcase()):
            yield [*call[:place], word, *call[place + 1 :]]


@pytest.mark.redis
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("call", CALLS)
def test_a_bent_command_is_answered_as_by_redis(
    call: str, protocol: int, redis_server: Server, respcache_server: Server
) -> None:
    program = [
        command
        for mutation in mutations(words(call))
        for command in (
            *SET_UP,
            mutation,
            *([[b"DISCARD"]] if mutation[0].upper() == b"MULTI" else []),
            *LOOK,
        )
    ]
    complaint = compare_pipelines(redis_server, respcache_server, program, protocol)
    if complaint:
        pytest.fail(complaint, pytrace=False)
