"""What clients of a cluster in trouble were told, and whether what they read can be.

Every key has rules of its own: ``u`` is written once; ``own`` is written again and again by one client; ``c`` counts; ``nx`` is to be
had once; ``log`` is appended to and ``h`` gets fields, each piece once; ``brief`` is written once and soon gone. An answer that is an error leaves open whether the command has run.
"""

import random
from collections.abc import Iterator
from typing import Any, Final

from respcache.protocol.replies import ErrorReply

COUNTERS: Final = 3
OWN_KEYS: Final = 4
MISSING: Final = None

SHARES: Final = (
    ("u", 25), ("get u", 15), ("own", 20), ("del", 5), ("get own", 10), ("c", 10), ("nx", 7), ("log", 4), ("h", 4),
)  # fmt: skip
"""How often each kind of command is sent."""

FLUSHES: Final = ("flush", 0.4)
BRIEF: Final = ("brief", 20)
BRIEF_MS: Final = 1500
"""The life of a key: less than it takes until all that both sides of a split have is merged."""

REFUSED: Final = frozenset({"CLUSTERDOWN"})
"""Errors that say that the command has not run."""


class Asked:
    """A command that was sent."""

    def __init__(self, kind: str, key: str, words: str, value: bytes | None = None) -> None:
        self.kind = kind
        self.key = key
        self.words = words
        self.value = value
        self.allowed: set[bytes | None] = set()
        """Of a read: what it may return; of a write: what there may have been before."""
        self.flushes = 0
        """How many flushes had begun and ended by then."""


class Ledger:
    """All that is known of all keys."""

    def __init__(
        self,
        chance: random.Random,
        *,
        has_flushes: bool,
        has_brief: bool = False,
        shares: tuple[tuple[str, float], ...] = SHARES,
        own_keys: int = OWN_KEYS,
    ) -> None:
        self._chance = chance
        self._own_keys = own_keys
        self._shares = (*shares, *((FLUSHES,) if has_flushes else ()), *((BRIEF,) if has_brief else ()))
        self._numbers = iter(range(1 << 30))
        self.unique: dict[str, set[bytes | None]] = {}
        """What a key may be; written once, or not at all where that was not acknowledged."""
        self.own: dict[str, set[bytes | None]] = {}
        self.counted: dict[str, list[int]] = {f"c:{number}": [0, 0] for number in range(COUNTERS)}
        """How often it surely was counted, and how often it may have been beyond that."""
        self.open: dict[str, set[bytes | None]] = {}
        """What may yet come to be in a key: writes that nobody knows the outcome of, since a change that they cannot undo."""
        self.granted: dict[str, int] = {}
        self.pieces: dict[str, tuple[list[bytes], set[bytes]]] = {}
        """Of logs and hashes: what was acknowledged, in order, and what may be there, too."""
        self.brief: list[str] = []
        self.was_flushed = False
        self._flushing = 0
        self._flushed_times = 0
        self.acknowledged = 0
        self.wrong: list[str] = []

    # -- asking ------------------------------------------------------------------------

    def next(self, user: int, now_s: float) -> Asked:
        """Return what a client asks next."""
        number = next(self._numbers)
        shares = self._shares
        kind = self._chance.choices([kind for kind, _ in shares], [share for _, share in shares])[0]
        if kind == "flush":
            return self._flush()
        if kind in ("get u", "get own"):
            known = self._known(kind)
            return self._read(kind, self._chance.choice(list(known))) if known else Asked("ping", "", "PING")
        if kind in ("u", "own", "del"):
            return self._change(kind, user, number)
        if kind == "brief":
            self.brief.append(f"brief:{number}")
            return Asked("brief", f"brief:{number}", f"SET brief:{number} {number} PX {BRIEF_MS}")
        return self._collect(kind, user, number, now_s)

    def _change(self, kind: str, user: int, number: int) -> Asked:
        if kind == "u":
            return self._write(
                self.unique, Asked("u", f"u:{number}", f"SET u:{number} {number}", b"%d" % number)
            )
        key = f"own:{user}:{self._chance.randrange(self._own_keys)}"
        if kind == "del":
            return self._write(self.own, Asked("own", key, f"DEL {key}", MISSING))
        return self._write(self.own, Asked("own", key, f"SET {key} {number}", b"%d" % number))

    def _collect(self, kind: str, user: int, number: int, now_s: float) -> Asked:
        if kind == "c":
            key = f"c:{self._chance.randrange(COUNTERS)}"
            return Asked("c", key, f"INCR {key}")
        if kind == "nx":
            key = f"nx:{int(now_s * 2)}"
            self.granted.setdefault(key, 0)
            return Asked("nx", key, f"SET {key} {number} NX")
        key, words = (f"log:{user}", "APPEND {} ,{}") if kind == "log" else (f"h:{user}", "HSET {} {} 1")
        self.pieces.setdefault(key, ([], set()))
        return Asked("piece", key, words.format(key, number), b"%d" % number)

    def _flush(self) -> Asked:
        self.was_flushed = True
        self._flushing += 1
        return Asked("flush", "", "FLUSHDB")

    def _write(self, known: dict[str, set[bytes | None]], asked: Asked) -> Asked:
        asked.flushes = self._flushed_times
        asked.allowed = known.setdefault(asked.key, {MISSING})
        known[asked.key] = asked.allowed | {asked.value}
        return asked

    def _read(self, kind: str, key: str) -> Asked:
        asked = Asked(kind, key, f"GET {key}")
        asked.allowed = set(self._known(kind)[key])
        return asked

    def _known(self, kind: str) -> dict[str, set[bytes | None]]:
        return self.unique if kind.endswith("u") else self.own

    def overlap(self, asked: Asked, reading: Asked) -> None:
        """Take note that a write was under way while something was read."""
        if asked.key == reading.key and asked.kind in ("u", "own"):
            reading.allowed.add(asked.value)

    # -- what was answered ---------------------------------------------------------------

    def answered(self, asked: Asked, reply: Any, where: str) -> None:
        """Take an answer; None of an ``ErrorReply``: it never came."""
        is_open = isinstance(reply, ErrorReply)
        if is_open and reply.code in REFUSED:
            self._refused(asked)
            return
        if not is_open:
            self.acknowledged += 1
        if asked.kind.startswith("get"):
            allowed = asked.allowed | {MISSING} if self.was_flushed else asked.allowed
            if not is_open and reply not in allowed:
                self.wrong.append(f"{where}: {asked.key} was {reply!r}, must be of {allowed}")
        elif asked.kind in ("u", "own"):
            self._written(asked, is_open=is_open, is_change=reply != 0)
        elif asked.kind == "c":
            self.counted[asked.key][is_open] += 1
        elif asked.kind == "nx":
            self.granted[asked.key] += reply == b"OK"
        elif asked.kind == "piece":
            sure, maybe = self.pieces[asked.key]
            assert asked.value is not None
            maybe.add(asked.value) if is_open else sure.append(asked.value)
        elif asked.kind == "flush":
            self._flushed()

    def _written(self, asked: Asked, *, is_open: bool, is_change: bool) -> None:
        if is_open:
            self.open.setdefault(asked.key, set()).add(asked.value)
            return
        if (
            is_change
        ):  # DEL of nothing leaves nothing behind that a write from before would have to give way to
            self.open.pop(asked.key, None)
        known = {asked.value, *self.open.get(asked.key, ())}
        if self._flushing or asked.flushes != self._flushed_times:
            known.add(MISSING)
        self._known(asked.kind)[asked.key] = known

    def _refused(self, asked: Asked) -> None:
        if asked.kind == "flush":
            self._flushing -= 1
        elif asked.kind in ("u", "own"):
            known = self._known(asked.kind)
            known[asked.key] = known[asked.key] - ({asked.value} - asked.allowed)

    def _flushed(self) -> None:
        self._flushing -= 1
        self._flushed_times += 1
        for known in (self.unique, self.own):
            for key in known:
                known[key] = known[key] | {MISSING}

    # -- in the end ------------------------------------------------------------------------

    def keys(self) -> Iterator[tuple[str, str]]:
        """Yield every key, and the command that reads it."""
        for key in (*self.unique, *self.own, *self.counted, *self.brief):
            yield key, f"GET {key}"
        for key in self.pieces:
            yield key, f"HKEYS {key}" if key.startswith("h") else f"GET {key}"

    def faults(self, found: dict[str, Any], *, is_exact: bool) -> Iterator[str]:
        """Yield what must not be; not exact: sides of a split have served at once, so only unique keys count."""
        for key, allowed in self.unique.items():
            if found[key] not in allowed:
                yield f"{key} is {found[key]!r}, must be of {allowed}"
        yield from (f"{key} is there after its time" for key in self.brief if found[key] is not MISSING)
        if not is_exact:
            return
        yield from self.wrong
        for key, allowed in self.own.items():
            if found[key] not in allowed:
                yield f"{key} is {found[key]!r}, must be of {allowed}"
        for key, times in self.granted.items():
            if times > 1 and not self.was_flushed:
                yield f"{key} was granted {times} times"
        yield from self._faults_of_counters(found)
        for key in self.pieces:
            yield from self._faults_of_pieces(key, found[key])

    def _faults_of_counters(self, found: dict[str, Any]) -> Iterator[str]:
        for key, (sure, maybe) in self.counted.items():
            count = int(found[key] or 0)
            if count > sure + maybe or (count < sure and not self.was_flushed):
                yield f"{key} is {count}, was counted {sure} times and perhaps {maybe} times more"

    def _faults_of_pieces(self, key: str, found: Any) -> Iterator[str]:
        sure, maybe = self.pieces[key]
        is_log = key.startswith("log")
        pieces = ((found or b"").split(b",")[1:] if is_log else found) or []
        if len(set(pieces)) < len(pieces) or set(pieces) - set(sure) - maybe:
            yield f"{key} has pieces twice, or that nobody wrote: {pieces}"
        kept = [piece for piece in pieces if piece not in maybe]
        if not self.was_flushed and (kept != sure if is_log else set(kept) != set(sure)):
            yield f"{key} has {kept}, must have {sure}"
