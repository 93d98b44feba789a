"""What must be true of every history, as pure functions: each returns what is wrong, and nothing means that all is well.

They know nothing of servers and faults. A claim that some fault may break (counters under a split in available mode) is
weighed by who asked, see ``scenarios.py``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .history import FINAL, Kind, Operation, Outcome

History = Sequence[Operation]

LOST: Final = "acknowledged write lost"
CAME_BACK: Final = "deleted key came back"
INVENTED: Final = "value that nobody wrote"
RAN_ALL_THE_SAME: Final = "refused operation left a trace"
TOO_OLD: Final = "key lives past its time"
MISSED: Final = "acknowledged write not seen"
STALE: Final = "stale value read"
TOO_SHORT: Final = "key went before its time"
FIELD_LOST: Final = "acknowledged field lost"
TOO_LOW: Final = "counter below its acknowledgements"
TOO_HIGH: Final = "counter above all attempts"
SAME_NUMBER: Final = "two increments got one number"
WENT_BACK: Final = "counter went back"
GRANTED_TWICE: Final = "SET NX granted twice"

SPLIT_CLAIMS: Final = frozenset({LOST, CAME_BACK, INVENTED, RAN_ALL_THE_SAME, TOO_OLD})
"""What a split in available mode keeps, once it has healed."""

EVERY_CLAIM: Final = SPLIT_CLAIMS | {
    *(MISSED, STALE, TOO_SHORT),  # a side may have no copy of what the other has
    *(
        FIELD_LOST,
        TOO_LOW,
        TOO_HIGH,
        SAME_NUMBER,
        WENT_BACK,
        GRANTED_TWICE,
    ),  # each side counts and grants on its own
}

EXPIRY_SLACK_S: Final = 0.25
"""Between a deadline and the look at it, on a machine that does much else."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    claim: str
    key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.key}: {self.detail}"


def by_key(history: Iterable[Operation], *kinds: Kind) -> Mapping[str, list[Operation]]:
    """Sort operations of these kinds by key, in the order in which they began."""
    found: dict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.kind in kinds:
            found[operation.key].append(operation)
    for operations in found.values():
        operations.sort(key=lambda operation: operation.begun_s)
    return found


def registers(history: History) -> list[Finding]:
    """Check keys that one worker alone writes: unique keys, reads after one's own writes, deletes.

    That is the set checker too: a unique key is a register written once, read when all is over. Keys that end by
    themselves are for ``lives``.
    """
    fleeting = by_key(history, Kind.FLEETING)
    keys = by_key(history, Kind.WRITE, Kind.READ, Kind.DELETE)
    return [
        finding
        for key, operations in keys.items()
        if key not in fleeting
        for finding in _register(key, operations)
    ]


def _register(key: str, operations: Sequence[Operation]) -> Iterable[Finding]:
    possible: set[str | None] = {None}
    open_for_ever: set[str | None] = set()  # what timed out may run at any later time
    written: dict[str | None, Outcome] = {}
    for operation in operations:
        if operation.kind is Kind.READ:
            if operation.outcome is Outcome.OK and operation.reply not in possible | open_for_ever:
                yield _misread(key, operation, possible, written)
            continue
        value = operation.value if operation.kind is Kind.WRITE else None
        written[value] = operation.outcome
        if operation.kind is Kind.DELETE and operation.outcome is Outcome.OK and operation.reply == "0":
            # There was nothing to delete, it says: as a read of nothing, and nothing was changed.
            if None not in possible | open_for_ever:
                yield _misread(key, operation, possible, written)
            possible = possible | {None}
        elif operation.outcome is Outcome.OK:
            possible = {value}
        elif operation.outcome is Outcome.UNKNOWN:
            open_for_ever.add(value)


def _misread(
    key: str, look: Operation, possible: set[str | None], written: Mapping[str | None, Outcome]
) -> Finding:
    value = look.reply if look.kind is Kind.READ else None
    detail = f"{value!r} at {look.node} after {look.begun_s:.3f} s, expected {sorted(map(repr, possible))}"
    is_last = look.worker == FINAL
    if written.get(value) is Outcome.FAIL:
        return Finding(RAN_ALL_THE_SAME, key, detail)
    if value is None:
        return Finding(LOST if is_last else MISSED, key, detail)
    if value not in written:
        return Finding(INVENTED, key, detail)
    if possible == {None}:
        return Finding(CAME_BACK, key, detail)
    # An older value instead of the last: what was acknowledged last is lost, if only for a while.
    return Finding(LOST if is_last else STALE, key, detail)


def counters(history: History) -> list[Finding]:
    """Check that counters count what was acknowledged, hand out each number once, and never go back.

    The last two catch an owner that goes on acknowledging after another has taken over: it counts from where it was.
    """
    keys = by_key(history, Kind.INCREMENT, Kind.COUNT)
    return [finding for key, operations in keys.items() for finding in _counter(key, operations)]


def _counter(key: str, operations: Sequence[Operation]) -> Iterable[Finding]:
    counted = [o for o in operations if o.kind is Kind.INCREMENT and o.outcome is Outcome.OK]
    open_count = sum(o.kind is Kind.INCREMENT and o.outcome is Outcome.UNKNOWN for o in operations)
    for read in operations:
        if read.worker == FINAL and read.kind is Kind.COUNT and read.outcome is Outcome.OK:
            value, least, most = int(read.reply or 0), len(counted), len(counted) + open_count
            if not least <= value <= most:
                claim = TOO_LOW if value < least else TOO_HIGH
                yield Finding(claim, key, f"{value} at {read.node}, not within {least} and {most}")
    numbers = Counter(operation.reply for operation in counted)
    for number, times in numbers.items():
        if times > 1:
            nodes = [f"{o.node} {o.begun_s:.3f}-{o.ended_s:.3f}" for o in counted if o.reply == number]
            yield Finding(SAME_NUMBER, key, f"{number} at {', '.join(nodes)}")
    yield from _went_back(key, counted)


def _went_back(key: str, counted: Sequence[Operation]) -> Iterable[Finding]:
    """Find increments that began after another had been answered, and got no higher number."""
    ended = sorted(counted, key=lambda operation: operation.ended_s)
    place, highest = 0, 0
    for operation in counted:
        while place < len(ended) and ended[place].ended_s < operation.begun_s:
            highest = max(highest, int(ended[place].reply or 0))
            place += 1
        if int(operation.reply or 0) < highest:
            detail = f"{operation.reply} at {operation.node} {operation.begun_s:.3f} s after {highest}"
            yield Finding(WENT_BACK, key, detail)


def grants(history: History) -> list[Finding]:
    """Check that no key is granted twice, and that whoever was granted it has it."""
    keys = by_key(history, Kind.GRANT, Kind.HOLDER)
    return [finding for key, operations in keys.items() for finding in _grant(key, operations)]


def _grant(key: str, operations: Sequence[Operation]) -> Iterable[Finding]:
    wanted = [operation for operation in operations if operation.kind is Kind.GRANT]
    granted = [o for o in wanted if o.outcome is Outcome.OK and o.reply is not None]
    undecided = {o.value for o in wanted if o.outcome is Outcome.UNKNOWN}
    if len(granted) > 1:
        nodes = [f"{o.value} at {o.node} {o.begun_s:.3f}-{o.ended_s:.3f}" for o in granted]
        yield Finding(GRANTED_TWICE, key, ", ".join(nodes))
    holders: set[str | None] = {o.value for o in granted} or {None, *undecided}
    for read in operations:
        is_final = read.kind is Kind.HOLDER and read.worker == FINAL and read.outcome is Outcome.OK
        if is_final and read.reply not in holders:
            claim = LOST if read.reply is None else GRANTED_TWICE if read.reply in undecided else INVENTED
            yield Finding(claim, key, f"held by {read.reply!r}, not by {sorted(map(repr, holders))}")


def fields(history: History) -> list[Finding]:
    """Check that hashes have every field that was acknowledged, and none that was refused or never asked for."""
    found = []
    for key, operations in by_key(history, Kind.FIELD, Kind.FIELDS).items():
        asked = {o.value: o.outcome for o in operations if o.kind is Kind.FIELD}
        acknowledged = {field for field, outcome in asked.items() if outcome is Outcome.OK}
        for read in operations:
            if read.kind is Kind.FIELDS and read.worker == FINAL and read.outcome is Outcome.OK:
                there = set((read.reply or "").split("\n")) - {""}
                found += [
                    Finding(FIELD_LOST, key, f"field {field}") for field in sorted(acknowledged - there)
                ]
                found += [Finding(*_stranger(key, field, asked)) for field in sorted(there - acknowledged)]
    return [finding for finding in found if finding.claim]


def _stranger(key: str, field: str, asked: Mapping[str, Outcome]) -> tuple[str, str, str]:
    """Say what is wrong with a field that nobody was promised; no claim where nothing is."""
    claims = {None: INVENTED, Outcome.FAIL: RAN_ALL_THE_SAME, Outcome.UNKNOWN: "", Outcome.OK: ""}
    return claims[asked.get(field)], key, f"field {field}"


def lives(history: History, *, skew_s: float = 0.0) -> list[Finding]:
    """Check that keys with a life are there until it is over and not after it.

    A clock that is off by ``skew_s`` makes that much of difference, and no more.
    """
    slack_s = EXPIRY_SLACK_S + skew_s
    found = []
    for key, operations in by_key(history, Kind.FLEETING, Kind.READ).items():
        written = [operation for operation in operations if operation.kind is Kind.FLEETING]
        if len(written) == 1 and written[0].outcome is not Outcome.FAIL:
            reads = [o for o in operations if o.kind is Kind.READ and o.outcome is Outcome.OK]
            found += [finding for read in reads if (finding := _life(key, written[0], read, slack_s))]
    return found


def _life(key: str, written: Operation, read: Operation, slack_s: float) -> Finding | None:
    life_s = int(written.value.split(":", 1)[0]) / 1000
    age = f"read {read.begun_s - written.begun_s:.3f} s after a write for {life_s} s at {read.node}"
    # One that timed out may have begun its life at any later time.
    is_sure = written.outcome is Outcome.OK
    if read.reply is not None and is_sure and read.begun_s > written.ended_s + life_s + slack_s:
        return Finding(TOO_OLD, key, age)
    if read.reply is None and is_sure and read.ended_s < written.begun_s + life_s - slack_s:
        return Finding(TOO_SHORT, key, age)
    return None


def stale_acknowledgements(history: History, node: str, woken_s: float) -> list[Operation]:
    """Return increments that a node answered after it woke with numbers that others had handed out meanwhile.

    Two increments with one number mean that one of them is forgotten. If the one that this node answered came later, its owner was
    stale.
    """
    found = []
    for operations in by_key(history, Kind.INCREMENT).values():
        counted = [o for o in operations if o.outcome is Outcome.OK]
        elsewhere: dict[str | None, float] = {o.reply: o.ended_s for o in counted if o.node != node}
        found += [
            o
            for o in counted
            if o.node == node and o.ended_s > woken_s and elsewhere.get(o.reply, o.ended_s) < o.ended_s
        ]
    return found


def tallies(history: Iterable[Operation]) -> Counter[Outcome]:
    """Count outcomes, without the looks at the end."""
    return Counter(operation.outcome for operation in history if operation.worker != FINAL)


def complaints(history: Iterable[Operation]) -> Counter[str]:
    """Count what clients were told other than answers, by the first word; lost connections and silence have none."""
    return Counter(
        (operation.reply or "no answer").split(" ", 1)[0]
        for operation in history
        if operation.outcome is not Outcome.OK
    )


def check(history: History, *, skew_s: float = 0.0) -> list[Finding]:
    """Hold a history against everything."""
    return [
        *registers(history),
        *counters(history),
        *grants(history),
        *fields(history),
        *lives(history, skew_s=skew_s),
    ]
