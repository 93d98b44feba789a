import pytest
from msgspec.structs import fields

from respcache.cluster.membership.profiles import LAN, LOCAL, PROFILES, WAN, Profile


def test_suspicions_last_longer_in_larger_groups() -> None:
    assert LAN.suspicion_minimum_s(3) == LAN.suspicion_minimum_s(10) == 2.0
    assert LAN.suspicion_minimum_s(100) == 4.0
    assert LAN.suspicion_maximum_s(100) == 24.0


def test_news_is_told_more_often_in_larger_groups() -> None:
    assert [LAN.transmissions(members) for members in (1, 3, 9, 10, 99, 100)] == [4, 4, 4, 8, 8, 12]


def test_nobody_waits_for_confirmations_that_cannot_come() -> None:
    assert [LAN.expected_confirmations(members) for members in (2, 3, 4, 100)] == [0, 0, 2, 2]
    assert [WAN.expected_confirmations(members) for members in (5, 6)] == [0, 4]


def test_views_are_compared_less_often_in_larger_groups() -> None:
    assert [LAN.push_pull_interval_s(members) for members in (2, 32, 33, 64, 65)] == [15, 15, 30, 30, 45]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_indirect_probes_have_time_to_help(profile: Profile) -> None:
    assert profile.probe_period_s >= 1.6 * profile.ack_timeout_s
    assert profile.lag_ceiling_s <= profile.ack_timeout_s


def test_the_numbers_are_those_of_the_design() -> None:
    named = {
        profile.name: [getattr(profile, f.name) for f in fields(profile)[1:]] for profile in (LOCAL, LAN, WAN)
    }
    day = 24 * 3600
    assert named == {
        "local": [0.2, 0.1, 0.05, 3, 3, 4, 4, 6, 5, 15, 600, 5, day, 0.1, 7],
        "lan": [0.5, 0.25, 0.1, 3, 3, 4, 4, 6, 15, 30, 600, 15, day, 0.25, 7],
        "wan": [5, 3, 0.5, 4, 3, 4, 6, 6, 60, 60, 600, 30, day, 1.5, 7],
    }
