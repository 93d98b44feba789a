"""The longest common subsequence of two strings, sixty-four places at a time.

The classic table says, for each pair of beginnings of the two strings, how long
their longest common subsequence is. Along a line of the table the length
rises by one or not at all from place to place, so a line is one bit per place,
and a big integer holds all of it. One addition and three logical operations make the next line:
Crochemore, Iliopoulos, Pinzon and Reid, "A fast and practical bit-vector algorithm
for the longest common subsequence problem" (2001). Lines run along the longer
string. The largest table that LCS allows takes a twentieth of a second, where Python
would need a minute to fill it place by place.

Of the many longest subsequences redis-server answers one: it walks the table back from the
end, takes every match it stands on, else goes to the longer neighbour, and on a tie
to the one that is shorter by a byte of the second string. We walk the same way, but
jump over the places where nothing happens.
"""

from typing import NamedTuple


class Run(NamedTuple):
    """Bytes that stand one after another in both strings."""

    first: int
    """Where the run starts in the first string."""
    second: int
    length: int


def common_length(first: bytes, second: bytes) -> int:
    """Return the length of the longest common subsequence."""
    short, long = sorted((first, second), key=len)
    if not short:
        return 0
    return _lines(short, _places(short, long), len(long))[-1].bit_count()


def common_runs(first: bytes, second: bytes) -> list[Run]:
    """Return the runs of the subsequence that redis-server finds, the last one first."""
    if not first or not second:
        return []
    if len(first) <= len(second):
        return _walk_rows(first, second)
    return _walk_columns(first, second)


def _places(short: bytes, long: bytes) -> dict[int, int]:
    """Return for each byte of ``short`` a bit for each of its places in ``long``."""
    backwards = long[::-1]  # the first place is the lowest bit, the last one of a written number
    places: dict[int, int] = {}
    for byte in set(short):
        digits = bytearray(b"0" * 256)
        digits[byte] = ord("1")
        places[byte] = int(backwards.translate(digits), 2)
    return places


def _lines(short: bytes, places: dict[int, int], width: int) -> list[int]:
    """Return a line for each byte of ``short``: the bits of the places where the length rises."""
    full = (1 << width) - 1
    flat = full  # the bits of the places where it does not
    lines: list[int] = []
    for byte in short:
        met = flat & places[byte]
        flat = ((flat + met) | (flat - met)) & full
        lines.append(flat ^ full)
    return lines


def _walk_rows(first: bytes, second: bytes) -> list[Run]:
    """Walk back where a line belongs to a byte of the first string: a rise means that the way is up."""
    places = _places(first, second)
    lines = _lines(first, places, len(second))
    runs: list[Run] = []
    row, column = len(first), len(second)
    while row and column:
        byte = first[row - 1]
        row -= 1
        column = ((lines[row] | places[byte]) & ((1 << column) - 1)).bit_length()
        if column and second[column - 1] == byte:
            column -= 1
            _add(runs, row, column)
    return runs


def _walk_columns(first: bytes, second: bytes) -> list[Run]:
    """Walk back where a line belongs to a byte of the second string: a rise from line to line means the way is up."""
    places = _places(second, first)
    lines = [0, *_lines(second, places, len(first))]
    runs: list[Run] = []
    row, column = len(first), len(second)
    while row and column:
        byte = second[column - 1]
        below = (1 << row) - 1
        rises = _running_parity((lines[column] ^ lines[column - 1]) & below, row)
        column -= 1
        row = (((rises ^ below) | places[byte]) & below).bit_length()
        if row and first[row - 1] == byte:
            row -= 1
            _add(runs, row, column)
    return runs


def _running_parity(bits: int, width: int) -> int:
    """Return a bit for each place: whether the bits up to and with it are odd in number.

    Two neighbouring lines differ by 0 or 1 everywhere, so where the one rises and the other does
    not, the difference changes: the parity of these changes is the difference.
    """
    step = 1
    while step < width:
        bits ^= bits << step
        step <<= 1
    return bits & ((1 << width) - 1)


def _add(runs: list[Run], first: int, second: int) -> None:
    """Add a match: to the latest run if it stands right before it, else as a run of its own."""
    if runs:
        last = runs[-1]
        if last.first == first + 1 and last.second == second + 1:
            runs[-1] = Run(first, second, last.length + 1)
            return
    runs.append(Run(first, second, 1))
