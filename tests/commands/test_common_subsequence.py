import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.commands.common_subsequence import Run, common_length, common_runs

TEXTS = st.text("abc", max_size=40).map(str.encode)


def table(first: bytes, second: bytes) -> list[list[int]]:
    """The textbook's table of lengths."""
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first, 1):
        for j, other in enumerate(second, 1):
            if one == other:
                lengths[i][j] = lengths[i - 1][j - 1] + 1
            else:
                lengths[i][j] = max(lengths[i - 1][j], lengths[i][j - 1])
    return lengths


def walk(first: bytes, second: bytes) -> list[tuple[int, int]]:
    """The textbook's way back, with redis-server's choice on a tie: all matches, the last one first."""
    lengths, i, j = table(first, second), len(first), len(second)
    matches: list[tuple[int, int]] = []
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            matches.append((i, j))
        elif lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return matches


def matches_of(runs: list[Run]) -> list[tuple[int, int]]:
    return [(run.first + at, run.second + at) for run in runs for at in reversed(range(run.length))]


@given(TEXTS, TEXTS)
@example(b"", b"")
@example(b"a", b"")
def test_the_length_is_that_of_the_textbook(first: bytes, second: bytes) -> None:
    assert common_length(first, second) == table(first, second)[-1][-1]


@given(TEXTS, TEXTS)
@example(b"a", b"")
@example(b"ab", b"ba")
def test_of_all_subsequences_it_is_the_one_redis_would_find(first: bytes, second: bytes) -> None:
    assert matches_of(common_runs(first, second)) == walk(first, second)


@given(TEXTS, TEXTS)
def test_runs_are_as_long_as_can_be(first: bytes, second: bytes) -> None:
    runs = common_runs(first, second)
    assert all(run.length > 0 for run in runs)
    for later, earlier in pairwise(runs):
        assert (earlier.first + earlier.length, earlier.second + earlier.length) != (
            later.first,
            later.second,
        )


def test_stretches_are_told_from_the_end() -> None:
    assert common_runs(b"ohmytext", b"mynewtext") == [Run(4, 5, 4), Run(2, 0, 2)]


@pytest.mark.parametrize(
    ("first_bytes", "second_bytes"), [(11_000, 11_000), (2, 20_000_000), (20_000_000, 2)]
)
def test_the_largest_that_are_allowed_take_no_minute(first_bytes: int, second_bytes: int) -> None:
    chance = random.Random(1)
    first, second = chance.randbytes(first_bytes), chance.randbytes(second_bytes)
    assert sum(run.length for run in common_runs(first, second)) == common_length(first, second) > 0
