from respcache.keyspace.clock import BatchClock


def test_a_batch_clock_stands_still_until_it_is_set() -> None:
    clock = BatchClock(1000)
    assert clock.now_ms == 1000
    clock.advance(5)
    assert clock.now_ms == 1005
