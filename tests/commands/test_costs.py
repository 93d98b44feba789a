"""The dearest calls we know of: none may hold up everybody else for long, as redis-server's would not."""

import random
import time

import pytest

from respcache.commands.hash_scans import MOST_REPEATED_PICKS
from tests.commands.harness import Harness

MOST_CPU_S = 2.0
"""Each takes some tenths of a second, on a slow machine; what it guards against took many seconds, or minutes."""

LONGEST = b"%d" % (2**63 - 1)
BYTES = random.Random(1)
SIMILAR = [bytes(BYTES.choices(b"xy", k=11_000)) for _ in range(2)]

DEAR: dict[str, list[bytes]] = {
    "a long name is looked at byte by byte": [b"CLIENT", b"SETNAME", b"x" * 30_000_000],
    "prefixes are compared with each other": [
        b"CLIENT",
        b"TRACKING",
        b"ON",
        b"BCAST",
        *[word for number in range(20_000) for word in (b"PREFIX", b"%05d" % number)],
    ],
    "patterns are compiled": [b"PSUBSCRIBE", *[b"*a" * 300 + b"%d" % number for number in range(1_000)]],
    "channels are remembered": [b"SUBSCRIBE", *[b"%d" % number for number in range(50_000)]],
    "keys are watched": [b"WATCH", *[b"%d" % number for number in range(50_000)]],
    "commands are described": [b"COMMAND", b"INFO", *[b"get"] * 30_000],
    "commands are explained": [b"COMMAND", b"DOCS"],
    "commands are searched": [b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"*a" * 10_000],
    "settings are searched": [b"CONFIG", b"GET", *[b"a%d*" % number for number in range(1_000)]],
    "histograms are made": [b"LATENCY", b"HISTOGRAM", *[b"get"] * 10_000],
    "clients are described": [b"CLIENT", b"LIST", b"ID", *[b"1"] * 10_000],
    "clients are sought": [b"CLIENT", b"KILL", *[b"ID", b"999"] * 20_000],
    "fields are drawn again and again": [b"HRANDFIELD", b"hash", b"-%d" % MOST_REPEATED_PICKS, b"WITHVALUES"],
    "fields are drawn endlessly": [b"HRANDFIELD", b"hash", b"-" + LONGEST],
    "a hash is walked in one step": [b"HSCAN", b"hash", b"0", b"COUNT", LONGEST],
    "all keys are walked in one step": [b"SCAN", b"0", b"COUNT", LONGEST],
    "keys are matched with many stars": [b"KEYS", b"a*" * 500 + b"b"],
    "keys are matched with a star before much that nearly fits": [b"KEYS", b"*" + b"a" * 500 + b"[b]*"],
    "strings are compared place by place": [b"LCS", b"x", b"y", b"IDX", b"WITHMATCHLEN"],
    "much too long strings are compared": [b"LCS", b"a" * 100_000, b"long", b"LEN"],
    "a gap is filled": [b"SETRANGE", b"gap", b"%d" % (64 << 20), b"end"],
    "a gap beyond all limits is filled": [b"SETRANGE", b"gap", LONGEST, b"end"],
    "a number of many digits is read": [b"INCRBYFLOAT", b"number", b"9" * 5_000],
    "a number with a huge exponent is read": [b"INCRBYFLOAT", b"number", b"1e" + b"9" * 4_000],
    "the largest number is written": [b"INCRBYFLOAT", b"number", b"1.1e4932"],
    "an integer of a million digits is read": [b"INCRBY", b"number", b"9" * 1_000_000],
    "a cursor of a million digits is read": [b"SCAN", b"9" * 1_000_000],
    "a command that is not there is named": [b"x" * 10_000_000, b"y" * 10_000_000],
    "an option that is not there is named": [b"EXPIRE", b"x", b"1", b"y" * 10_000_000],
    "keys live nearly for ever": [b"PEXPIREAT", b"x", LONGEST],
    "all sections are asked for": [b"INFO", *[b"everything"] * 50_000],
}


@pytest.fixture(scope="module")
def filled() -> Harness:
    harness = Harness()
    client = harness.client()
    client(b"SET", b"x", SIMILAR[0])
    client(b"SET", b"y", SIMILAR[1])
    client(b"SET", b"a" * 100_000, b"z" * 500_000)
    client(b"SET", b"long", b"z" * 500_000)
    client(b"HSET", b"hash", *[b"%d" % number for number in range(20_000)])
    for number in range(20_000):
        client(b"SET", b"key:%d" % number, b"")
    return harness


@pytest.mark.parametrize("what", DEAR)
def test_it_takes_no_time_that_others_would_notice(what: str, filled: Harness) -> None:
    client = filled.client()
    words = DEAR[what]
    wire = b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])
    before_s = time.process_time()
    client.session.receive(wire)
    taken_s = time.process_time() - before_s
    client.close()
    assert taken_s < MOST_CPU_S
