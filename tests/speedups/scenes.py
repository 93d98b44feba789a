"""States of a keyspace and words of commands, for holding compiled commands against their handlers."""

from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.commands.numbers import INT64_MAX, INT64_MIN
from tests.commands.harness import START_MS
from tests.thoroughness import examples

from .twins import State, Twins

KEYS: Final = (b"a", b"bb", b"key:000000000001", b"")

NUMBERS: Final = st.sampled_from(
    [
        b"0",
        b"1",
        b"-1",
        b"9",
        b"10",
        b"99",
        b"-10",
        b"%d" % INT64_MAX,
        b"%d" % (INT64_MAX - 1),
        b"%d" % INT64_MIN,
    ]
) | st.integers(INT64_MIN, INT64_MAX).map(lambda number: b"%d" % number)
NO_NUMBERS: Final = st.sampled_from(
    [
        b"",
        b"-",
        b"-0",
        b"01",
        b"+1",
        b"1 ",
        b" 1",
        b"1.0",
        b"1e3",
        b"0x10",
        b"x",
        b"1_0",
        b"%d" % (INT64_MAX + 1),
        b"9" * 40,
    ]
)
TIMES: Final = (
    st.sampled_from([b"1", b"2", b"10", b"100", b"1500", b"86400", b"0", b"-1", b"-100000"])
    | st.sampled_from([START_MS + 1, START_MS, START_MS // 1000 + 2, START_MS // 1000]).map(
        lambda time: b"%d" % time
    )
    | st.sampled_from([INT64_MAX // 1000, INT64_MAX // 1000 + 1, (INT64_MAX - START_MS) // 1000]).map(
        lambda time: b"%d" % time
    )
    | NUMBERS
    | NO_NUMBERS
)
"""As clients give them, in seconds or milliseconds, from now or from the epoch, and wrong ones."""

SIZES: Final = (1, 7, 8, 9, 63, 64, 65, 400, 480, 600, 20_000)
"""Around all lengths at which a value is kept, or sent, in another way."""

TEXTS: Final = st.binary(max_size=12) | st.sampled_from(SIZES).map(lambda size: b"x" * size)
FIELDS: Final = st.sampled_from([b"f", b"g", b"field", b"", b"l" * 80])
HASHES: Final = st.dictionaries(FIELDS, TEXTS | NUMBERS | NO_NUMBERS, min_size=1, max_size=4)
LIVES_MS: Final = st.none() | st.sampled_from([1, 499, 500, 1_500, 100_000, 10**10, 0, -1, -4_000])

VALUES: Final = TEXTS | NUMBERS | NO_NUMBERS | TEXTS.map(bytearray) | HASHES
STATES: Final = st.dictionaries(
    st.sampled_from(KEYS),
    st.builds(State, VALUES, LIVES_MS, forgotten=st.booleans(), walked=st.booleans()),
    max_size=4,
)
PROTOCOLS: Final = st.sampled_from([2, 3])

KEY: Final = st.sampled_from([*KEYS, b"none"])


def call(
    name: bytes, *words: st.SearchStrategy[bytes], more: st.SearchStrategy[Sequence[bytes]] | None = None
) -> st.SearchStrategy[list[bytes]]:
    """Return calls of a command: some words, and perhaps more of them."""
    rest = st.just(()) if more is None else more
    return st.tuples(st.tuples(*words), rest).map(lambda parts: [name, *parts[0], *parts[1]])


def several(words: st.SearchStrategy[bytes], least: int = 1) -> st.SearchStrategy[list[bytes]]:
    return st.lists(words, min_size=least, max_size=5)


def pairs(one: st.SearchStrategy[bytes], other: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.tuples(one, other), min_size=1, max_size=4).map(
        lambda found: [word for pair in found for word in pair]
    )


def in_any_spelling(*options: bytes) -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [spelling for option in options for spelling in (option, option.lower(), option.title())]
    )


def like_their_handlers(calls: st.SearchStrategy[list[bytes]]) -> Callable[[], None]:
    """Return the test that whatever is called, in whatever state, is done as the handlers do it, or not at all."""

    @settings(max_examples=examples(50, 300))
    @given(STATES, st.lists(calls, min_size=1, max_size=4), PROTOCOLS)
    def test(states: dict[bytes, State], calls: list[list[bytes]], protocol: int) -> None:
        twins = Twins(states)
        for words in calls:
            twins.call(words, protocol)

    return test
