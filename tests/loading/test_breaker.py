from hypothesis import given
from hypothesis import strategies as st

from respcache.loading.breaker import Breaker

RESET_MS = 500


def opened(at_ms: int = 1000) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(3, RESET_MS)
    for _ in range(3):
        breaker.note_failure(at_ms)
    return breaker


def test_it_begins_closed() -> None:
    breaker = Breaker(3, RESET_MS)
    assert (breaker.state(0), breaker.allows(0), breaker.opened, breaker.retry_at_ms) == (
        "closed",
        True,
        0,
        0,
    )


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(3, RESET_MS)
    breaker.note_failure(1)
    breaker.note_failure(2)
    assert breaker.allows(2)
    breaker.note_failure(3)
    assert (breaker.state(3), breaker.allows(3), breaker.opened, breaker.retry_at_ms) == (
        "open",
        False,
        1,
        503,
    )


def test_a_success_between_failures_counts() -> None:
    breaker = Breaker(2, RESET_MS)
    for _ in range(5):
        breaker.note_failure(1)
        breaker.note_success()
    assert breaker.state(1) == "closed"


def test_one_failure_can_be_enough() -> None:
    breaker = Breaker(1, RESET_MS)
    breaker.note_failure(0)
    assert breaker.state(0) == "open"


def test_after_its_time_one_probe_is_let_through() -> None:
    breaker = opened()
    assert (breaker.state(1499), breaker.allows(1499)) == ("open", False)
    assert breaker.state(1500) == "half-open"
    assert [breaker.allows(1500), breaker.allows(1500), breaker.allows(1999)] == [True, False, False]
    assert breaker.state(1999) == "half-open"


def test_looking_lets_nobody_through() -> None:
    breaker = opened()
    for _ in range(3):
        assert breaker.state(1500) == "half-open"
    assert breaker.allows(1500)


def test_a_probes_success_closes_it() -> None:
    breaker = opened()
    assert breaker.allows(1500)
    breaker.note_success()
    assert (breaker.state(1501), breaker.allows(1501), breaker.retry_at_ms) == ("closed", True, 0)
    breaker.note_failure(1502)
    assert breaker.state(1502) == "closed"


def test_a_probes_failure_opens_it_for_as_long_again() -> None:
    breaker = opened()
    assert breaker.allows(1500)
    breaker.note_failure(1600)
    assert (breaker.state(2099), breaker.allows(2099), breaker.opened) == ("open", False, 1)
    assert breaker.allows(2100)


def test_a_probe_that_never_reports_back_is_replaced() -> None:
    breaker = opened()
    assert breaker.allows(1500)
    assert not breaker.allows(1999)
    assert breaker.allows(2000)
    assert not breaker.allows(2000)


def test_failures_from_before_say_nothing_new() -> None:
    breaker = opened(1000)
    breaker.note_failure(1400)
    assert (breaker.retry_at_ms, breaker.opened) == (1500, 1)
    assert breaker.allows(1500)


def test_a_success_from_before_closes_it() -> None:
    breaker = opened(1000)
    breaker.note_success()
    assert breaker.allows(1001)


def test_each_opening_counts_once() -> None:
    breaker = opened()
    breaker.note_success()
    for _ in range(5):
        breaker.note_failure(2000)
    assert breaker.opened == 2


def test_a_clock_that_is_set_back_does_not_keep_it_open() -> None:
    breaker = opened(at_ms=3_600_000)
    assert not breaker.allows(1000)
    assert breaker.allows(1000 + RESET_MS)


@given(st.lists(st.tuples(st.sampled_from(["allows", "success", "failure", "state"]), st.integers(0, 400))))
def test_probes_are_rare_and_never_cease(steps: list[tuple[str, int]]) -> None:
    breaker, now_ms, failures = Breaker(3, RESET_MS), 0, 0
    let_through_ms: int | None = None
    """When the last call was let through while it was not closed."""
    for step, pause_ms in steps:
        now_ms += pause_ms
        is_closed = breaker.state(now_ms) == "closed"
        if step == "allows":
            is_allowed = breaker.allows(now_ms)
            assert is_allowed or not is_closed
            if is_allowed and not is_closed:
                assert let_through_ms is None or now_ms - let_through_ms >= RESET_MS
                let_through_ms = now_ms
        elif step == "success":
            breaker.note_success()
            let_through_ms, failures = None, 0
            assert breaker.state(now_ms) == "closed"
        elif step == "failure":
            failures += 1
            breaker.note_failure(now_ms)
            assert (breaker.state(now_ms) == "closed") == (failures < 3)
    now_ms += RESET_MS
    assert breaker.allows(now_ms)
