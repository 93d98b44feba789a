from respcache.settings.events import Events


def test_values_leave_the_cache_only_on_demand() -> None:
    assert Events.events_include_values.default is False


def test_what_a_sink_is_made_from_cannot_change_under_it() -> None:
    made_once = [p for p in Events.parameters if p.name.startswith("events-") and p.name != "events-channel"]
    assert not any(parameter.mutable for parameter in made_once)


def test_what_costs_nothing_or_is_redis_own_can_be_switched_at_any_time() -> None:
    assert Events.events_channel.mutable
    assert Events.notify_keyspace_events.mutable
