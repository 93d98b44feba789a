from functools import partial

from respcache.cluster.membership.schedule import MIN_RUBBISH, Schedule


def test_alarms_go_off_in_order_of_time_and_then_of_setting() -> None:
    schedule = Schedule()
    seen: list[tuple[str, float]] = []
    for name, when in (("b", 2.0), ("a", 1.0), ("c", 2.0), ("late", 9.0)):
        schedule.at(when, partial(lambda name, now: seen.append((name, now)), name))
    schedule.run(5.0)
    assert seen == [("a", 5.0), ("b", 5.0), ("c", 5.0)]
    assert schedule.next_when() == 9.0


def test_a_cancelled_alarm_is_silent_even_if_both_were_due() -> None:
    schedule = Schedule()
    seen: list[float] = []
    schedule.at(1.0, lambda now: second.cancel())
    second = schedule.at(2.0, seen.append)
    schedule.run(5.0)
    assert not seen
    assert len(schedule) == 0
    assert schedule.next_when() == float("inf")


def test_an_alarm_that_sets_itself_again_in_the_past_does_not_loop() -> None:
    schedule = Schedule()
    seen: list[float] = []

    def again(now: float) -> None:
        seen.append(now)
        schedule.at(0.0, again)

    schedule.at(0.0, again)
    schedule.run(1.0)
    assert seen == [1.0]


def test_cancelled_alarms_do_not_pile_up() -> None:
    schedule = Schedule()
    for number in range(10_000):
        schedule.at(1e9 + number, print).cancel()
    assert len(schedule) == 0
    assert len(schedule._heap) <= MIN_RUBBISH + 1


def test_cancelling_twice_or_afterwards_counts_once() -> None:
    schedule = Schedule()
    done, other = schedule.at(1.0, lambda now: None), schedule.at(2.0, lambda now: None)
    schedule.run(1.0)
    done.cancel()
    other.cancel()
    other.cancel()
    assert len(schedule) == 0
