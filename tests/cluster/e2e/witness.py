"""A client that knows what it wrote, and so can tell a wrong reply while keys change their owners.

A command that failed may or may not have been done, and where there are no copies a key may be lost; so there can be several
right replies, and misses are counted. There are many more wrong ones: another key's value, an older value than the last, a deleted key that is back,
a reply to the command before. Every value holds its key and a number that never comes twice, so each of these shows.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from tests.wire import Node as Value
from tests.wire import parse

Command = list[bytes]
KEYS: Final = 64
"""Keys of one witness: enough for every partition's neighbourhood of a small cluster, few enough to be met again soon."""

COUNTERS: Final = 16


class Witness:
    """One client's keys, which nobody else touches, and what may be found under them."""

    def __init__(self, name: str, seed: int) -> None:
        self._chance = random.Random(seed)
        self._name = name.encode()
        self._number = 0
        # What a key may hold besides nothing; more than one number after a command whose outcome is open.
        self._possible: dict[bytes, set[int]] = {}
        self._counters: dict[bytes, set[int]] = {}
        self.complaints: list[str] = []
        self.errors: Counter[str] = Counter()
        self.misses = 0
        self.replies = 0

    def batch(self, count: int) -> list[Command]:
        """Return commands for one pipeline."""
        return [self._command() for _ in range(count)]

    def check(self, commands: Sequence[Command], replies: Sequence[bytes]) -> None:
        """Compare each reply with what may be; what may not be is a complaint."""
        for place, (argv, raw) in enumerate(zip(commands, replies, strict=True)):
            reply = parse(raw)
            self.replies += 1
            complaint = self._JUDGES[argv[0]](self, argv, reply)
            if complaint:
                self.complaints.append(f"{self._name.decode()} {place}: {argv} -> {raw[:100]!r}: {complaint}")

    def _command(self) -> Command:
        kind = self._chance.choices(list(self._MAKERS), weights=[12, 10, 4, 3, 3, 4, 3, 2, 4, 2, 2, 2])[0]
        return self._MAKERS[kind](self)

    def _key(self) -> bytes:
        return b"%b:%d" % (self._name, self._chance.randrange(KEYS))

    def _value(self, key: bytes) -> bytes:
        self._number += 1
        return b"%b=%d" % (key, self._number)

    def _keys(self) -> list[bytes]:
        return [self._key() for _ in range(self._chance.randrange(1, 10))]

    def _mset(self) -> Command:
        keys = dict.fromkeys(self._keys())
        return [b"MSET", *(word for key in keys for word in (key, self._value(key)))]

    def _set(self) -> Command:
        key = self._key()
        return [b"SET", key, self._value(key)]

    def _setnx(self) -> Command:
        key = self._key()
        return [b"SETNX", key, self._value(key)]

    def _echo(self) -> Command:
        return [b"ECHO", self._value(b"echo")]

    def _incr(self) -> Command:
        return [b"INCR", b"%b:counter:%d" % (self._name, self._chance.randrange(COUNTERS))]

    def _judge_get(self, argv: Command, reply: Value) -> str:
        return self._failed(reply) or self._found(argv[1], reply)

    def _judge_getdel(self, argv: Command, reply: Value) -> str:
        if reply.is_error:
            return self._failed(reply)
        complaint = self._found(argv[1], reply)
        self._possible[argv[1]] = set()
        return complaint

    def _judge_mget(self, argv: Command, reply: Value) -> str:
        if reply.is_error:
            return self._failed(reply)
        if reply.kind != "*" or len(reply.children) != len(argv) - 1:
            return "not an array of as many values"
        found = [self._found(key, child) for key, child in zip(argv[1:], reply.children, strict=True)]
        return "; ".join(filter(None, found))

    def _judge_set(self, argv: Command, reply: Value) -> str:
        pairs = list(zip(argv[1::2], argv[2::2], strict=True))
        for key, value in pairs:
            number = int(value.rpartition(b"=")[2])
            self._possible[key] = {number} | (self._possible.get(key, set()) if reply.is_error else set())
        return self._failed(reply) if reply.is_error else _unless(reply == Value("+", b"OK"), "not OK")

    def _judge_setnx(self, argv: Command, reply: Value) -> str:
        key, number = argv[1], int(argv[2].rpartition(b"=")[2])
        before = self._possible.get(key, set())
        if reply.is_error:
            self._possible[key] = before | {number}
            return self._failed(reply)
        if reply == Value(":", b"1"):
            self._possible[key] = {number}
            return ""
        return _unless(reply == Value(":", b"0") and bool(before), "refused for a key that cannot exist")

    def _judge_delete(self, argv: Command, reply: Value) -> str:
        if reply.is_error:
            return self._failed(reply)
        complaint = self._counted(argv[1:], reply)
        self._possible.update((key, set()) for key in argv[1:])
        return complaint

    def _judge_exists(self, argv: Command, reply: Value) -> str:
        if reply.is_error:
            return self._failed(reply)
        most = sum(bool(self._possible.get(key)) for key in argv[1:])
        return _unless(reply.kind == ":" and 0 <= int(reply.text) <= most, f"more than {most}")

    def _judge_expire(self, argv: Command, reply: Value) -> str:
        return self._failed(reply) if reply.is_error else self._counted(argv[1:2], reply)

    def _judge_echo(self, argv: Command, reply: Value) -> str:
        return _unless(reply == Value("$", argv[1]), "another command's reply")

    def _judge_wrong(self, argv: Command, reply: Value) -> str:
        expected = b"ERR wrong number of arguments for 'getset' command"
        return _unless(reply == Value("-", expected), "another command's reply")

    def _judge_incr(self, argv: Command, reply: Value) -> str:
        before = self._counters.get(argv[1], set())
        successors = {number + 1 for number in before} | {1}
        if reply.is_error:
            self._counters[argv[1]] = before | successors
            return self._failed(reply)
        if reply.kind != ":":
            return "not a number"
        self._counters[argv[1]] = {int(reply.text)}
        self.misses += reply.text == b"1" and bool(before)
        return _unless(int(reply.text) in successors, f"none of {sorted(successors)}")

    def _failed(self, reply: Value) -> str:
        """Count an error; whether errors are right is for the test to say."""
        if reply.is_error:
            self.errors[reply.text.decode()[:80]] += 1
        return ""

    def _found(self, key: bytes, reply: Value) -> str:
        possible = self._possible.get(key, set())
        if reply.is_error:
            return ""
        if reply.is_null:
            self.misses += bool(possible)
            return ""
        owner, _, number = reply.text.rpartition(b"=")
        if reply.kind != "$" or owner != key:
            return f"not a value of {key!r}"
        if int(number) not in possible:
            return f"none of {sorted(possible)}"
        self._possible[key] = {int(number)}
        return ""

    def _counted(self, keys: Sequence[bytes], reply: Value) -> str:
        most = sum(bool(self._possible.get(key)) for key in set(keys))
        return _unless(reply.kind == ":" and 0 <= int(reply.text) <= most, f"more than {most}")

    _MAKERS: Final[dict[str, Callable[["Witness"], Command]]] = {
        "GET": lambda self: [b"GET", self._key()],
        "SET": _set,
        "MGET": lambda self: [b"MGET", *self._keys()],
        "MSET": _mset,
        "DEL": lambda self: [b"DEL", *self._keys()[:3]],
        "INCR": _incr,
        "SETNX": _setnx,
        "EXISTS": lambda self: [b"EXISTS", *self._keys()],
        "ECHO": _echo,
        "wrong": lambda self: [b"GETSET", self._key()],
        "GETDEL": lambda self: [b"GETDEL", self._key()],
        "EXPIRE": lambda self: [b"EXPIRE", self._key(), b"100"],
    }
    _JUDGES: Final[dict[bytes, Callable[["Witness", Command, Value], str]]] = {
        b"GET": _judge_get,
        b"SET": _judge_set,
        b"MGET": _judge_mget,
        b"MSET": _judge_set,
        b"DEL": _judge_delete,
        b"INCR": _judge_incr,
        b"SETNX": _judge_setnx,
        b"EXISTS": _judge_exists,
        b"EXPIRE": _judge_expire,
        b"ECHO": _judge_echo,
        b"GETSET": _judge_wrong,
        b"GETDEL": _judge_getdel,
    }


def _unless(is_right: bool, complaint: str) -> str:
    return "" if is_right else complaint
