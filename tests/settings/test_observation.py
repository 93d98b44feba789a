from respcache.settings.observation import Observation


def test_the_slow_log_can_be_switched_off() -> None:
    assert Observation.slowlog_log_slower_than_us.kind.parse("-1", 0) == -1


def test_log_levels_are_redis_own() -> None:
    kind = Observation.loglevel.kind
    assert [kind.parse(word, "") for word in ("debug", "verbose", "notice", "warning")]
