import pytest

from respcache.cluster.security.exposure import ExposureError, check_exposure, is_loopback

LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost", "::ffff:127.0.0.1"]
EXPOSED = [
    "",
    "*",
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "node-1",
    "localhost.evil.test",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_only_this_machine_reaches_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", EXPOSED)
def test_anything_else_may_be_reached_by_strangers(host: str) -> None:
    assert not is_loopback(host)


def test_one_exposed_address_without_a_secret_is_refused_by_its_name() -> None:
    with pytest.raises(ExposureError, match=r"10\.0\.0\.1.*cluster\.secret"):
        check_exposure(["127.0.0.1", "10.0.0.1"], has_secret=False, allow_insecure=False)


@pytest.mark.parametrize(
    ("hosts", "has_secret", "allow_insecure"),
    [(LOOPBACK, False, False), ([], False, False), (EXPOSED, True, False), (EXPOSED, False, True)],
)
def test_loopback_a_secret_or_the_operators_word_is_enough(
    hosts: list[str], has_secret: bool, allow_insecure: bool
) -> None:
    check_exposure(hosts, has_secret, allow_insecure)
