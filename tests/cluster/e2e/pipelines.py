"""Makes random pipelines of mixed commands, and compares what a cluster answers with what a single server does.

The replies to a pipeline follow from the pipeline alone: no clocks, no order that a server may choose, nothing that
counts keys while others write. So they have to be the same bytes everywhere. ``python -m tests.cluster.e2e.pipelines --seeds
200`` runs as many as one likes through every node of three; the tests run a few.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.cluster.processes import ClusterNode, running_cluster
from tests.servers import Server, running_respcache

Command = list[bytes]
Maker = Callable[[random.Random], list[Command]]

COMMANDS_PER_PIPELINE: Final = 1000
NAMES: Final = 40
"""Few enough keys that commands meet each other's values, many enough that every node owns some."""

TAGS: Final = 6


def _name(chance: random.Random) -> bytes:
    return b"%d" % chance.randrange(NAMES)


def _text(chance: random.Random) -> bytes:
    return b"s:" + _name(chance)


def _counter(chance: random.Random) -> bytes:
    return b"n:" + _name(chance)


def _hash(chance: random.Random) -> bytes:
    return b"h:" + _name(chance)


def _any(chance: random.Random) -> bytes:
    return chance.choice((_text, _counter, _hash))(chance)


def _several(chance: random.Random, make: Callable[[random.Random], bytes] = _any) -> list[bytes]:
    """Return keys of several owners, the same one twice now and then."""
    return [make(chance) for _ in range(chance.randrange(1, 12))]


def _value(chance: random.Random) -> bytes:
    """Return a value that now and then looks like a reply, is long, or is nothing at all."""
    return chance.choice(
        (
            b"%d" % chance.randrange(10_000),
            b"x" * chance.randrange(300),
            b"$-1\r\n+OK\r\n",
            b"",
            b"\x00\xff\r\n",
        )
    )


def _field_value(chance: random.Random) -> bytes:
    """Return a value that keeps a hash of Redis small, since in a big one fields have no order."""
    return chance.choice(
        (b"%d" % chance.randrange(10_000), b"y" * chance.randrange(40), b"", b"\x00\xff\r\n")
    )


def _mset(chance: random.Random) -> list[Command]:
    return [[b"MSET", *(word for key in _several(chance, _text) for word in (key, _value(chance)))]]


def _hset(chance: random.Random) -> list[Command]:
    fields = [
        word for _ in range(chance.randrange(1, 4)) for word in (b"f" + _name(chance), _field_value(chance))
    ]
    return [[b"HSET", _hash(chance), *fields]]


def _expire(chance: random.Random) -> list[Command]:
    seconds = chance.choice((b"100", b"1000", b"0", b"-1"))
    return [[b"EXPIRE", _any(chance), seconds, *chance.choice(([], [b"NX"], [b"XX"]))]]


def _error(chance: random.Random) -> list[Command]:
    """Return a command that some server must refuse: for its type, its number of words, or its name."""
    choices: list[Command] = [
        [b"GET"],
        [b"SET", _text(chance)],
        [b"SET", _text(chance), b"v", b"EX", b"0"],
        [b"SET", _text(chance), b"v", b"NX", b"XX"],
        [b"MSET", _text(chance), b"v", _text(chance)],
        [b"MGET"],
        [b"DEL"],
        [b"GET", _hash(chance)],
        [b"INCR", _hash(chance)],
        [b"INCR", _text(chance)],
        [b"HGET", _text(chance), b"f1"],
        [b"HSET", _counter(chance), b"f1", b"v"],
        [b"HSET", _hash(chance), b"f1"],
        [b"EXPIRE", _any(chance), b"soon"],
        [b"NOSUCH", _any(chance)],
        [b"APPEND", _hash(chance), b"x"],
    ]
    return [chance.choice(choices)]


def _tagged(chance: random.Random) -> list[Command]:
    """Return a command on several keys that live together."""
    tag = b"{%d}" % chance.randrange(TAGS)
    one, other = tag + b"a", tag + b"b"
    choices: list[Command] = [
        [b"SET", one, _value(chance)],
        [b"COPY", one, other, b"REPLACE"],
        [b"RENAME", one, other],
        [b"RENAMENX", other, one],
        [b"MSETNX", one, b"1", other, b"2"],
        [b"LCS", one, other],
        [b"DEL", one, other],
    ]
    return [chance.choice(choices)]


def _transaction(chance: random.Random) -> list[Command]:
    tag = b"{%d}" % chance.randrange(TAGS)
    counter, fields = tag + b"c", tag + b"h"
    choices: list[Command] = [
        [b"INCR", counter],
        [b"GET", counter],
        [b"SET", counter, _value(chance)],
        [b"HSET", fields, b"f" + _name(chance), _field_value(chance)],
        [b"HGETALL", fields],
        [b"HGET", counter, b"f1"],
        [b"DEL", counter, fields],
        [b"GET"],
    ]
    # The last, a wrong number of words, spoils the whole transaction: seldom.
    body = chance.choices(choices, weights=[4] * 7 + [1], k=chance.randrange(1, 6))
    return [[b"MULTI"], *body, [chance.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD"))]]


def _local(chance: random.Random) -> list[Command]:
    """Return what every node answers itself, between replies that come from elsewhere."""
    return [chance.choice(([b"PING"], [b"ECHO", _value(chance)], [b"SELECT", b"%d" % chance.randrange(4)]))]


MAKERS: Final[list[tuple[int, Maker]]] = [
    (20, lambda chance: [[b"GET", _text(chance)]]),
    (
        20,
        lambda chance: [
            [b"SET", _text(chance), _value(chance), *chance.choice(([], [b"EX", b"100"], [b"NX"]))]
        ],
    ),
    (10, lambda chance: [[b"INCR", _counter(chance)]]),
    (4, lambda chance: [[b"INCRBYFLOAT", _counter(chance), b"0.5"]]),
    (8, lambda chance: [[b"DEL", *_several(chance)]]),
    (8, _expire),
    (8, lambda chance: [[b"MGET", *_several(chance)]]),
    (8, _mset),
    (8, _hset),
    (6, lambda chance: [[b"HGET", _hash(chance), b"f" + _name(chance)]]),
    (3, lambda chance: [[b"HGETALL", _hash(chance)]]),
    (3, lambda chance: [[b"UNLINK", *_several(chance)]]),
    (4, lambda chance: [[b"EXISTS", *_several(chance)]]),
    (3, lambda chance: [[b"TOUCH", *_several(chance)]]),
    (6, lambda chance: [[b"APPEND", _text(chance), _value(chance)]]),
    (3, lambda chance: [[b"GETDEL", _text(chance)]]),
    (3, lambda chance: [[b"GETSET", _text(chance), _value(chance)]]),
    (4, lambda chance: [[b"SETNX", _text(chance), _value(chance)]]),
    (3, lambda chance: [[b"SETRANGE", _text(chance), b"5", b"abc"]]),
    (3, lambda chance: [[b"TYPE", _any(chance)]]),
    (2, lambda chance: [[b"PERSIST", _any(chance)]]),
    (10, _error),
    (8, _tagged),
    (3, _transaction),
    (5, _local),
]


def random_pipeline(seed: int, count: int = COMMANDS_PER_PIPELINE) -> list[Command]:
    """Return at least so many commands; a transaction is never cut."""
    chance = random.Random(seed)
    weights, makers = [weight for weight, _ in MAKERS], [maker for _, maker in MAKERS]
    commands: list[Command] = []
    while len(commands) < count:
        (make,) = chance.choices(makers, weights)
        commands += make(chance)
    return commands


def run_pipeline(server: Server | ClusterNode, commands: Sequence[Command], protocol: int) -> list[bytes]:
    """Empty the server, send all in one go, and return the replies."""
    with server.client(protocol=protocol, timeout_seconds=20.0) as client:
        client.call("FLUSHALL")
        return client.pipeline(list(commands))


def differences(commands: Sequence[Command], expected: Sequence[bytes], got: Sequence[bytes]) -> str:
    """Return what differs as text, or nothing; the first few are enough to see why."""
    different = [
        f"{place}: {b' '.join(argv)[:200]!r}\n   expected {theirs[:200]!r}\n   got      {ours[:200]!r}"
        for place, (argv, theirs, ours) in enumerate(zip(commands, expected, got, strict=True))
        if theirs != ours
    ]
    return (
        "\n".join([f"{len(different)} of {len(commands)} replies differ", *different[:5]])
        if different
        else ""
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    failures = 0
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="respcache-pipelines-")))
        single = stack.enter_context(running_respcache(directory / "single"))
        cluster = stack.enter_context(running_cluster(directory, options.nodes))
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            commands, protocol = random_pipeline(seed), 2 + seed % 2
            expected = run_pipeline(single, commands, protocol)
            for node in cluster:
                found = differences(commands, expected, run_pipeline(node, commands, protocol))
                failures += bool(found)
                if found:
                    print(f"seed {seed}, RESP{protocol}, through {node}: {found}")
    pipelines = options.seeds * options.nodes
    print(f"{pipelines} pipelines of {COMMANDS_PER_PIPELINE} commands or more, {failures} differed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
