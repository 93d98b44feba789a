import pytest

from respcache.commands.deadlines import deadline_of_expire, deadline_of_option
from respcache.commands.errors import CommandError
from respcache.commands.numbers import INT64_MAX, INT64_MIN

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("option", "time", "deadline_ms"),
    [
        (b"EX", 10, NOW_MS + 10_000),
        (b"PX", 10, NOW_MS + 10),
        (b"EXAT", 10, 10_000),
        (b"PXAT", 10, 10),
        (b"PX", INT64_MAX - NOW_MS, INT64_MAX),
        (b"PXAT", INT64_MAX, INT64_MAX),
        (b"EXAT", INT64_MAX // 1000, INT64_MAX // 1000 * 1000),
    ],
)
def test_an_option_names_a_deadline(option: bytes, time: int, deadline_ms: int) -> None:
    assert deadline_of_option(option, time, NOW_MS, "set") == deadline_ms


@pytest.mark.parametrize(
    ("option", "time"),
    [
        (b"EX", 0),
        (b"PXAT", -1),
        (b"EX", INT64_MAX // 1000),
        (b"EXAT", INT64_MAX // 1000 + 1),
        (b"PX", INT64_MAX - NOW_MS + 1),
        (b"EX", INT64_MIN),
    ],
)
def test_what_is_not_positive_or_beyond_64_bits_is_no_deadline(option: bytes, time: int) -> None:
    with pytest.raises(CommandError, match="invalid expire time in 'set' command"):
        deadline_of_option(option, time, NOW_MS, "set")


@pytest.mark.parametrize(
    ("time", "unit_ms", "base_ms", "deadline_ms"),
    [
        (10, 1000, NOW_MS, NOW_MS + 10_000),
        (-10, 1000, NOW_MS, NOW_MS - 10_000),
        (INT64_MIN, 1, 0, INT64_MIN),
        (INT64_MIN, 1, NOW_MS, INT64_MIN + NOW_MS),
        (INT64_MAX, 1, 0, INT64_MAX),
    ],
)
def test_expire_takes_any_time_that_fits(time: int, unit_ms: int, base_ms: int, deadline_ms: int) -> None:
    assert deadline_of_expire(time, unit_ms, base_ms, "expire") == deadline_ms


@pytest.mark.parametrize(
    ("time", "unit_ms", "base_ms"),
    [
        (INT64_MAX, 1, 1),
        (INT64_MAX // 1000 + 1, 1000, 0),
        (-(2**63) // 1000, 1000, 0),
        (INT64_MAX // 1000, 1000, NOW_MS),
    ],
)
def test_expire_takes_no_time_that_does_not_fit(time: int, unit_ms: int, base_ms: int) -> None:
    with pytest.raises(CommandError, match="invalid expire time in 'expire' command"):
        deadline_of_expire(time, unit_ms, base_ms, "expire")
