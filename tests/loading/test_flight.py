"""A key on its way, as it begins."""

import gc
import weakref

from respcache.loading.flight import Flight, Stage, Wait


def test_a_flight_begins_with_nobody_waiting_and_nothing_tried() -> None:
    flight = Flight(b"k", 1.5)
    assert (flight.key, flight.begun_s, flight.stage, flight.tries, flight.reason) == (
        b"k",
        1.5,
        Stage.QUEUED,
        0,
        "",
    )
    assert flight.wait is None
    said = (flight.is_refresh, flight.is_overtaken, flight.is_wanted_again, flight.was_waited_for)
    assert not any(said)


def test_a_wait_is_forgotten_with_the_last_command_that_remembers_it() -> None:
    wait = Wait(b"k", 5.0)
    assert (wait.error, wait.is_over, wait.is_absent) == (None, False, False)
    remembered = weakref.ref(wait)
    del wait
    gc.collect()
    assert remembered() is None
