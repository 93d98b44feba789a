"""Random calls: the commonest commands as often as all others together, in every spelling, right and wrong.

The others are made from their declarations, so a new command is tried without a word here. Left out is what says
something else on every server: clocks, random choices, memory; ``NEVER`` names each with its reason.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from respcache.commands import GROUPS
from respcache.commands.arguments import Arg
from respcache.commands.spec import Command
from tests.commands.calls import name_words
from tests.speedups.differential.vocabulary import CHANNEL_PATTERNS, Vocabulary

NEVER: Final = {
    "CLIENT KILL": "would end the harness' own connections; a kind that cannot is among the session's calls",
    "CLIENT PAUSE": "only for a short time, see the session's calls",
    "CLUSTER GETKEYSINSLOT": "an order that nobody promises",
    "CONFIG REWRITE": "writes a file",
    "CONFIG SET": "would outlive the trial; those that are set back are among the session's calls",
    "CONFIG RESETSTAT": "what is compared at the end would be gone",
    "DEBUG": "stops or crashes; the rest is among the session's calls",
    "HRANDFIELD": "chance",
    "KEYS": "an order that nobody promises: only where the reply is marked, see pieces.py",
    "LASTSAVE": "clock",
    "LCS": "takes seconds where two values are long",
    "MEMORY DOCTOR": "memory",
    "MEMORY MALLOC-STATS": "memory",
    "MEMORY STATS": "memory",
    "MEMORY USAGE": "memory",
    "OBJECT FACTS": "memory",
    "OBJECT FREQ": "chance",
    "OBJECT IDLETIME": "clock",
    "RANDOMKEY": "chance",
    "SCAN": "as KEYS",
    "SHUTDOWN": "ends the trial",
    "SLOWLOG LEN": "counts what the harness asks in between",
    "TIME": "clock",
    "LATENCY HISTOGRAM": "clock",
    "LOLWUT": "chance",
    "WAIT": "waits",
    "CLUSTER LEAVE": "ends the trial",
}

DECLARED: Final = [one for group in GROUPS for one in group.commands if one.name not in NEVER]
DATA: Final = [one for one in DECLARED if one.group in {"string", "hash", "generic", "transactions"}]

MOST_REPEATED: Final = 4
MANY_KEYS: Final = 100

Call = list[bytes]


class Calls:
    """Draws calls."""

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        self.chance = words.chance
        self._common: list[Callable[[], Call]] = [
            *[self._get] * 4,
            *[self._set] * 4,
            *[self._hset] * 2,
            *[self._hget] * 2,
            *[self._counter] * 2,
            *[self._keys_only] * 2,
            *[self._expire] * 2,
            *[self._many] * 2,
            self._ping,
        ]

    def any(self) -> Call:
        """Draw a call of any kind."""
        kind = self.chance.random()
        if kind < 0.55:
            return self.common()
        if kind < 0.82:
            return self.declared(self.chance.choice(DATA))
        if kind < 0.93:
            return self.declared(self.chance.choice(DECLARED))
        return self.session()

    def common(self) -> Call:
        """Draw a call of the commands that every cache lives by; in one of fifty a word is missing, or one too many."""
        call = self.chance.choice(self._common)()
        slip = self.chance.random()
        if slip < 0.01:
            return call[: self.chance.randrange(1, len(call) + 1)]
        if slip < 0.02:
            return [*call, self.words.anything()]
        return call

    def declared(self, command: Command) -> Call:
        """Draw a call as a command's declaration allows it, or nearly so."""
        call = [*name_words(command), *self._all(command.args)]
        slip = self.chance.random()
        if slip < 0.04:
            call.append(self.words.anything())
        elif slip < 0.07:
            del call[self.chance.randrange(1, len(call) + 1) :]
        elif slip < 0.1 and len(call) > 1:
            call[self.chance.randrange(1, len(call))] = self.words.anything()
        while len(call) < abs(command.arity) and slip > 0.1:  # a grammar that the declaration cannot tell
            call.append(self.words.anything())
        return call

    # -- the commonest ---------------------------------------------------------

    def _get(self) -> Call:
        return [b"GET", self.words.key()]

    def _set(self) -> Call:
        words, chance = self.words, self.chance
        call = [b"SET", words.key(), words.value()]
        if chance.random() < 0.35:
            call += chance.choice(
                [[b"NX"], [b"XX"], [b"GET"], [b"KEEPTTL"], [b"NX", b"GET"], [b"XX", b"GET"]]
            )
        if chance.random() < 0.3:
            call += self._life()
        return call

    def _life(self) -> Call:
        words = self.words
        unit, draw = self.chance.choice(
            [
                (b"EX", words.seconds),
                (b"PX", words.milliseconds),
                (b"EXAT", words.moment_s),
                (b"PXAT", words.moment_ms),
            ]
        )
        return [unit, draw()]

    def _hset(self) -> Call:
        words = self.words
        pairs = [draw() for _ in range(self.chance.randint(1, 3)) for draw in (words.field, words.value)]
        return [b"HSET", words.key(), *pairs]

    def _hget(self) -> Call:
        return [b"HGET", self.words.key(), self.words.field()]

    def _counter(self) -> Call:
        words = self.words
        name = self.chance.choice([b"INCR", b"DECR", b"INCRBY", b"DECRBY"])
        return [name, words.key(), *([words.integer()] if name.endswith(b"BY") else [])]

    def _keys_only(self) -> Call:
        words, chance = self.words, self.chance
        name = chance.choice([b"DEL", b"EXISTS", b"TTL", b"PTTL", b"TYPE", b"UNLINK", b"STRLEN", b"PERSIST"])
        several = name in {b"DEL", b"EXISTS", b"UNLINK"}
        return [name, *[words.key() for _ in range(chance.randint(1, 3) if several else 1)]]

    def _expire(self) -> Call:
        words, chance = self.words, self.chance
        name, draw = chance.choice(
            [
                (b"EXPIRE", words.seconds),
                (b"PEXPIRE", words.milliseconds),
                (b"EXPIREAT", words.moment_s),
                (b"PEXPIREAT", words.moment_ms),
            ]
        )
        condition = [chance.choice([b"NX", b"XX", b"GT", b"LT"])] if chance.random() < 0.3 else []
        return [name, words.key(), draw(), *condition]

    def _many(self) -> Call:
        words, chance = self.words, self.chance
        count = chance.choice([1, 2, 3, 10, MANY_KEYS])
        if chance.random() < 0.5:
            return [b"MGET", *[words.key() for _ in range(count)]]
        return [b"MSET", *[draw() for _ in range(count) for draw in (words.key, words.value)]]

    def _ping(self) -> Call:
        return [b"PING"] if self.chance.random() < 0.6 else [b"PING", self.words.value()]

    # -- what changes the session ----------------------------------------------

    def session(self) -> Call:
        """Draw a call after which the connection, or the server, is in another state."""
        words, chance = self.words, self.chance
        return chance.choice(
            [
                lambda: [b"MULTI"],
                lambda: [b"MULTI"],
                lambda: [b"EXEC"],
                lambda: [b"EXEC"],
                lambda: [b"EXEC"],
                lambda: [b"DISCARD"],
                lambda: [b"WATCH", words.key(), words.key()],
                lambda: [b"UNWATCH"],
                lambda: [b"SELECT", chance.choice([b"0", b"0", b"0", b"1", b"15", b"16", b"-1", b"x"])],
                lambda: [b"HELLO", chance.choice([b"2", b"3", b"3", b"4", b"x"])],
                lambda: [b"HELLO", b"3", b"AUTH", b"default", chance.choice([b"secret", b"wrong"])],
                lambda: [b"AUTH", chance.choice([b"secret", b"secret", b"wrong"])],
                lambda: [b"RESET"],
                lambda: [b"SUBSCRIBE", words.channel(), words.channel()],
                lambda: [b"PSUBSCRIBE", chance.choice(CHANNEL_PATTERNS)],
                lambda: [b"SSUBSCRIBE", words.channel()],
                lambda: [chance.choice([b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE"])],
                lambda: [chance.choice([b"PUBLISH", b"SPUBLISH"]), words.channel(), words.value()],
                lambda: [b"CLIENT", b"REPLY", chance.choice([b"ON", b"ON", b"OFF", b"SKIP"])],
                lambda: [b"CLIENT", b"NO-TOUCH", chance.choice([b"on", b"off"])],
                lambda: [
                    b"CLIENT",
                    b"TRACKING",
                    chance.choice([b"on", b"off"]),
                    *chance.choice([[], [b"BCAST"], [b"NOLOOP"]]),
                ],
                lambda: [b"CLIENT", b"KILL", b"TYPE", b"pubsub"],
                lambda: [
                    b"CLIENT",
                    b"PAUSE",
                    chance.choice([b"20", b"1"]),
                    chance.choice([b"ALL", b"WRITE"]),
                ],
                lambda: [b"CLIENT", b"UNPAUSE"],
                lambda: [b"DEBUG", b"OWNER-SLEEP", words.key(), b"0.01"],
                lambda: [
                    b"DEBUG",
                    b"PROTOCOL",
                    chance.choice([b"map", b"set", b"bignum", b"verbatim", b"push", b"attrib"]),
                ],
                lambda: [b"CONFIG", b"SET", b"slowlog-log-slower-than", chance.choice([b"0", b"100000000"])],
                lambda: [b"CONFIG", b"SET", b"notify-keyspace-events", chance.choice([b"KEA", b"", b"Kg$h"])],
                lambda: [b"CONFIG", b"SET", b"hash-max-listpack-entries", chance.choice([b"2", b"512"])],
                lambda: [b"CONFIG", b"SET", b"expiration", chance.choice([b"77000000", b"infinity"])],
                lambda: [b"QUIT"],
                lambda: [b"MONITOR"],
            ]
        )()

    # -- from declarations -----------------------------------------------------

    def _all(self, args: Sequence[Arg]) -> Call:
        return [word for arg in args for word in self._usual(arg)]

    def _usual(self, arg: Arg) -> Call:
        if arg.optional and self.chance.random() < 0.6:
            return []
        times = self.chance.randint(1, MOST_REPEATED) if arg.multiple else 1
        return [word for _ in range(times) for word in self._one(arg)]

    def _one(self, arg: Arg) -> Call:
        token = [] if arg.token is None else [arg.token.encode()]
        if arg.type == "pure-token":
            return token
        if arg.type == "block":
            return [*token, *self._all(arg.members)]
        if arg.type == "oneof":
            return [*token, *self._one(self.chance.choice(arg.members))]
        return [*token, self._word(arg)]

    def _word(self, arg: Arg) -> bytes:
        words = self.words
        named = {
            "seconds": words.seconds,
            "milliseconds": words.milliseconds,
            "unix-time-milliseconds": words.moment_ms,
            "increment": words.integer,
            "decrement": words.integer,
            "cursor": lambda: b"0",
            "field": words.field,
        }
        typed = {
            "key": words.key,
            "unix-time": words.moment_s,
            "integer": words.offset,
            "double": words.double,
            "pattern": words.pattern,
        }
        if arg.type == "double":  # INCRBYFLOAT's is called an increment as well
            return words.double()
        draw = named.get(arg.name) or typed.get(arg.type)
        if draw is None:
            draw = self.chance.choice([words.value, words.channel])
        return draw()


def spelled(call: Call, chance: random.Random) -> Call:
    """Write the command's name in capitals, in small letters, or in both."""
    kind = chance.random()
    if kind < 0.5:
        return call
    if kind < 0.85:
        return [call[0].lower(), *call[1:]]
    mixed = bytes(
        letter ^ 0x20
        if letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" and chance.random() < 0.5
        else letter
        for letter in call[0]
    )
    return [mixed, *call[1:]]
