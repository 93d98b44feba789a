"""Random programs give the same replies on both servers; Hypothesis looks for one that does not, and for its shortest form.

Four keys, two types: collisions are the point. No reply may depend on the millisecond: keys expire far from now or at
once, and no two relative expiries of a program are near each other, so that GT and LT mean the same on both servers.
"""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.pipelines import compare_pipelines, show_command
from tests.servers import Server
from tests.thoroughness import examples
from tests.wire import words

Words = tuple[bytes, ...]
Fragments = st.SearchStrategy[Words]

# Each example costs two round trips and its drawing, ten milliseconds together.
EXAMPLES = examples(250, 5000)
LONGEST_PROGRAM = 30

keys = st.sampled_from([b"a", b"b", b"c", b"d"])
fields = st.sampled_from([b"f", b"g", b""])
integers = st.sampled_from([b"0", b"1", b"-1", b"5", b"007", b"9223372036854775807", b"-9223372036854775808"])
numbers = st.sampled_from([b"1.5", b"-0.25", b"1e3", b"3", b"nan", b"0.1", b"1e-5"])
values = st.one_of(
    integers,
    numbers,
    st.sampled_from([b"", b"x", b"hello world", b"\x00\xff", b"y" * 45]),
    st.binary(max_size=4),
)
offsets = st.sampled_from([b"0", b"1", b"-1", b"-3", b"5", b"100", b"x"])
patterns = st.sampled_from([b"*", b"?", b"[ab]", b"[^a]", b"a*", b"\\a", b"f"])

# Stand for times to live: replaced, once a program is known, by numbers that lie far from each other.
SOONER, LATER, NEVER_MET = b"<sooner>", b"<later>", b"4102444800"
seconds = st.sampled_from([SOONER, LATER, b"0", b"-1", b"x"])
milliseconds = st.sampled_from([SOONER + b"000", LATER + b"000", b"0", b"-5", b"1.5"])
moments = st.sampled_from([NEVER_MET, b"4202444800", b"1", b"0"])
moments_ms = st.sampled_from([NEVER_MET + b"000", b"4202444800123", b"1", b"-1"])


def joined(*parts: Fragments | st.SearchStrategy[bytes] | bytes) -> Fragments:
    """Draw each part and put the words together; bytes stand for themselves."""
    drawn = [st.just(part) if isinstance(part, bytes) else part for part in parts]
    return st.tuples(*drawn).map(lambda found: tuple(word for part in found for word in flat(part)))


def flat(part: bytes | Words) -> Words:
    return (part,) if isinstance(part, bytes) else part


def some(part: Fragments | st.SearchStrategy[bytes], least: int = 0, most: int = 3) -> Fragments:
    drawn: st.SearchStrategy[list[bytes | Words]] = st.lists(part, min_size=least, max_size=most)
    return drawn.map(lambda found: tuple(word for one in found for word in flat(one)))


def one_word(*choices: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from([choice.encode() for choice in choices])


life = st.one_of(
    joined(b"EX", seconds),
    joined(b"PX", milliseconds),
    joined(b"EXAT", moments),
    joined(b"PXAT", moments_ms),
)
set_options = some(st.one_of(life, one_word("NX", "XX", "GET", "KEEPTTL").map(lambda word: (word,))))
conditions = some(one_word("NX", "XX", "GT", "LT"), most=2)
pairs = some(joined(fields, values), least=1)

string_commands = st.one_of(
    joined(b"SET", keys, values, set_options),
    joined(b"GET", keys),
    joined(one_word("SETNX", "GETSET", "APPEND"), keys, values),
    joined(b"SETEX", keys, seconds, values),
    joined(b"PSETEX", keys, milliseconds, values),
    joined(one_word("GETDEL", "STRLEN", "INCR", "DECR"), keys),
    joined(b"GETEX", keys, st.one_of(st.just(()), life, st.just((b"PERSIST",)))),
    joined(one_word("INCRBY", "DECRBY"), keys, integers),
    joined(b"INCRBYFLOAT", keys, numbers),
    joined(one_word("GETRANGE", "SUBSTR"), keys, offsets, offsets),
    joined(b"SETRANGE", keys, offsets, values),
    joined(b"MGET", some(keys, least=1)),
    joined(one_word("MSET", "MSETNX"), some(joined(keys, values), least=1)),
    joined(b"LCS", keys, keys, one_word("LEN", "IDX").map(lambda word: (word,))),
)
hash_commands = st.one_of(
    joined(one_word("HSET", "HMSET"), keys, pairs),
    joined(b"HSETNX", keys, fields, values),
    joined(one_word("HGET", "HEXISTS", "HSTRLEN"), keys, fields),
    joined(one_word("HMGET", "HDEL"), keys, some(fields, least=1)),
    joined(one_word("HGETALL", "HKEYS", "HVALS", "HLEN"), keys),
    joined(b"HINCRBY", keys, fields, integers),
    joined(b"HINCRBYFLOAT", keys, fields, numbers),
    joined(b"HSCAN", keys, b"0", b"MATCH", patterns),
)
key_commands = st.one_of(
    joined(one_word("DEL", "UNLINK", "EXISTS", "TOUCH"), some(keys, least=1)),
    joined(one_word("TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"), keys),
    joined(b"OBJECT", b"ENCODING", keys),
    joined(b"EXPIRE", keys, seconds, conditions),
    joined(b"PEXPIRE", keys, milliseconds, conditions),
    joined(b"EXPIREAT", keys, moments, conditions),
    joined(b"PEXPIREAT", keys, moments_ms, conditions),
    joined(one_word("RENAME", "RENAMENX"), keys, keys),
    joined(
        b"COPY",
        keys,
        keys,
        some(st.one_of(st.just((b"REPLACE",)), joined(b"DB", one_word("0", "1"))), most=2),
    ),
    joined(b"MOVE", keys, one_word("0", "1")),
    joined(b"KEYS", patterns),
    joined(b"SCAN", b"0", b"COUNT", b"100", b"MATCH", patterns),
    joined(b"SELECT", one_word("0", "1")),
)
whole_commands = one_word(
    "DBSIZE", "FLUSHDB", "SWAPDB 0 1", "MULTI", "EXEC", "DISCARD", "UNWATCH", "RESET", "ECHO x"
).map(lambda line: tuple(words(line.decode())))
watches = joined(b"WATCH", some(keys, least=1))
commands = st.one_of(string_commands, hash_commands, key_commands, whole_commands, watches)


def with_lives(program: list[Words]) -> list[list[bytes]]:
    """Put numbers for the stand-ins: every one its own, 1000 s apart; the later in the program the sooner, or the later."""

    def life_of(word: bytes, number: int) -> bytes:
        sooner, later = b"%d" % (1_000_000 - 1000 * number), b"%d" % (2_000_000 + 1000 * number)
        return word.replace(SOONER, sooner).replace(LATER, later)

    # A command may hold several; they only have to differ from those of other commands.
    return [[life_of(word, number) for word in command] for number, command in enumerate(program)]


def without_known_differences(program: list[Words]) -> list[Words]:
    """Do not ask for the encoding of what INCRBYFLOAT may have left an integer: a listed difference."""
    names = {command[0] for command in program}
    return [command for command in program if command[0] != b"OBJECT" or b"INCRBYFLOAT" not in names]


@pytest.mark.redis
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@hypothesis.settings(max_examples=EXAMPLES)
@given(program=st.lists(commands, min_size=1, max_size=LONGEST_PROGRAM))
def test_a_random_program_is_answered_alike(
    program: list[Words], protocol: int, redis_server: Server, respcache_server: Server
) -> None:
    calls = with_lives(without_known_differences(program))
    complaint = compare_pipelines(redis_server, respcache_server, calls, protocol)
    assert not complaint, complaint + "\nin\n" + "\n".join(map(show_command, calls))
