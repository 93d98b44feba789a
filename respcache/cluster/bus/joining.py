"""Making one reply of the parts that several nodes have given, without decoding what is in them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ...commands.spread import Join
from .batch import Sink

ERROR: Final = (b"-", b"!")

BULK_STARTS: Final = b"$=!"
AGGREGATE_STARTS: Final = b"*~>"


class Joining:
    """Collects the parts of one command; when the last is there, its client gets the whole.

    An error in any part is the whole, unless ``join`` takes errors as well.
    """

    def __init__(
        self, whole: Sink, parts: int, join: Callable[[Sequence[bytes]], bytes], *, takes_errors: bool = False
    ) -> None:
        self._whole = whole
        self._wires: list[bytes] = [b""] * parts
        self._left = parts
        self._join = join
        self._takes_errors = takes_errors

    def part(self, index: int) -> "Part":
        return Part(self, index)

    def fill(self, index: int, wire: bytes) -> None:
        self._wires[index] = wire
        self._left -= 1
        if not self._left:
            error = next((wire for wire in self._wires if wire.startswith(ERROR)), None)
            self._whole.fill(self._join(self._wires) if error is None or self._takes_errors else error)


class Part:
    """Where the reply of one part goes."""

    __slots__ = ("_index", "_whole")

    def __init__(self, whole: Joining, index: int) -> None:
        self._whole = whole
        self._index = index

    def fill(self, wire: bytes) -> None:
        self._whole.fill(self._index, wire)


def elements(wire: bytes) -> list[bytes]:
    """Cut an array into the bytes of its elements."""
    start = wire.index(b"\r\n") + 2
    found = []
    while start < len(wire):
        end = end_of(wire, start)
        found.append(wire[start:end])
        start = end
    return found


def end_of(wire: bytes, start: int) -> int:
    """Return where the value that begins at ``start`` ends."""
    pending = 1
    while pending:
        line_end = wire.index(b"\r\n", start) + 2
        kind = wire[start]
        if kind in BULK_STARTS:
            size = int(wire[start + 1 : line_end - 2])
            line_end += size + 2 if size >= 0 else 0
        elif kind in AGGREGATE_STARTS:
            pending += max(0, int(wire[start + 1 : line_end - 2]))
        elif kind == 0x25:  # a map: pairs
            pending += 2 * int(wire[start + 1 : line_end - 2])
        start = line_end
        pending -= 1
    return start


def joined_sum(wires: Sequence[bytes]) -> bytes:
    return b":%d\r\n" % sum([int(wire[1:-2]) for wire in wires])


def joined_array(parts: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(parts)


def concatenated(wires: Sequence[bytes]) -> bytes:
    return joined_array([element for wire in wires for element in elements(wire)])


def united(wires: Sequence[bytes]) -> bytes:
    return joined_array(list(dict.fromkeys(element for wire in wires for element in elements(wire))))


def summed_by_name(wires: Sequence[bytes]) -> bytes:
    """Add up the numbers of replies such as PUBSUB NUMSUB's: a list of pairs, or in RESP3 perhaps a map."""
    every = [elements(wire) for wire in wires]
    summed = list(every[0])
    for at in range(1, len(summed), 2):
        summed[at] = joined_sum([one[at] for one in every])
    return wires[0][: wires[0].index(b"\r\n") + 2] + b"".join(summed)


def in_key_order(orders: Sequence[Sequence[int]]) -> Callable[[Sequence[bytes]], bytes]:
    """Return a join that puts the elements of part ``i`` at the positions ``orders[i]``."""

    def join(wires: Sequence[bytes]) -> bytes:
        whole = [b""] * sum(map(len, orders))
        for order, wire in zip(orders, wires, strict=True):
            for position, element in zip(order, elements(wire), strict=True):
                whole[position] = element
        return joined_array(whole)

    return join


JOINS: Final[dict[Join, Callable[[Sequence[bytes]], bytes]]] = {
    Join.SUM: joined_sum,
    Join.ALL_OK: lambda wires: wires[0],
    Join.CONCATENATION: concatenated,
    Join.UNION: united,
    Join.SUM_BY_NAME: summed_by_name,
    Join.MIN: lambda wires: b":%d\r\n" % min([int(wire[1:-2]) for wire in wires]),
    Join.FIRST: lambda wires: wires[0],
}


def cut(
    argv: Sequence[bytes], first: int, words_per_key: int, owner_of: Callable[[bytes], object]
) -> Iterator[tuple[list[bytes], list[int]]]:
    """Yield, for each owner, the words of its part of a command and which of the keys are in it.

    What stands before the ``first`` key is in every part.
    """
    parts: dict[object, tuple[list[bytes], list[int]]] = {}
    for number, at in enumerate(range(first, len(argv), words_per_key)):
        part = parts.get(owner := owner_of(argv[at]))
        if part is None:
            part = parts[owner] = (list(argv[:first]), [])
        part[0].extend(argv[at : at + words_per_key])
        part[1].append(number)
    yield from parts.values()
