import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.discovery import beacon as module
from respcache.cluster.discovery.beacon import (
    FRESH_MS,
    MOST_BYTES,
    Beacon,
    Call,
    Kind,
    Reason,
    RefusedCallError,
)
from respcache.cluster.discovery.protocol import Announcement

from .fakes import announcement

NOW_MS = 1_800_000_000_000
ANN = announcement(1)
SECRETS = [("old",), ("new", "old"), ()]


def beacon_of(*secrets: str, cluster: str = "test") -> Beacon:
    return Beacon(cluster, lambda: secrets)


def call_of(beacon: Beacon, number: int = 0, who: Announcement = ANN, at_ms: int = NOW_MS) -> bytes:
    return beacon.seal(Kind.HERE, who, at_ms, number.to_bytes(12))


def refusal(beacon: Beacon, datagram: bytes, now_ms: int = NOW_MS) -> Reason:
    with pytest.raises(RefusedCallError) as caught:
        beacon.open(datagram, now_ms)
    assert beacon.refused[caught.value.reason] > 0
    return caught.value.reason


@pytest.mark.parametrize("secrets", SECRETS)
@pytest.mark.parametrize("kind", Kind)
def test_a_call_is_heard_as_it_was_called(secrets: tuple[str, ...], kind: Kind) -> None:
    datagram = beacon_of(*secrets).seal(kind, ANN, NOW_MS, bytes(12))
    assert beacon_of(*secrets).open(datagram, NOW_MS + 1000) == Call(kind, ANN)


def test_the_longest_call_fits_a_frame() -> None:
    text = "x" * 255
    who = Announcement("ab" * 20, text, text, text)
    assert len(call_of(beacon_of("s", cluster=text), who=who)) <= MOST_BYTES


def test_a_secret_can_be_changed_node_by_node() -> None:
    for seals, opens in (
        [("old",), ("new", "old")],
        [("new", "old"), ("new", "old")],
        [("new", "old"), ("new",)],
    ):
        assert beacon_of(*opens).open(call_of(beacon_of(*seals)), NOW_MS).who == ANN


def test_a_new_secret_counts_at_once() -> None:
    secrets = ["old"]
    beacon = Beacon("test", lambda: secrets)
    secrets[:] = ["new"]
    assert beacon_of("new").open(call_of(beacon), NOW_MS).who == ANN


@pytest.mark.parametrize(("seals", "opens"), [((), ("a",)), (("b",), ("a",)), (("b" * 99,), ("b" * 98,))])
def test_without_our_secret_nobody_is_believed(seals: tuple[str, ...], opens: tuple[str, ...]) -> None:
    assert refusal(beacon_of(*opens), call_of(beacon_of(*seals))) is Reason.SECRET


def test_who_has_no_secret_takes_no_signed_call() -> None:
    assert refusal(beacon_of(), call_of(beacon_of("a"))) is Reason.GARBAGE


@pytest.mark.parametrize("secrets", SECRETS)
def test_another_cluster_is_not_ours(secrets: tuple[str, ...]) -> None:
    assert refusal(beacon_of(*secrets, cluster="other"), call_of(beacon_of(*secrets))) is Reason.CLUSTER


def test_another_version_is_told_as_such() -> None:
    datagram = bytearray(call_of(beacon_of()))
    datagram[len(module.MAGIC)] = 9
    assert refusal(beacon_of(), bytes(datagram)) is Reason.VERSION


def test_a_recorded_call_is_refused() -> None:
    beacon, datagram = beacon_of("a"), call_of(beacon_of("a"))
    beacon.open(datagram, NOW_MS)
    assert refusal(beacon, datagram) is Reason.REPLAYED
    assert refusal(beacon, datagram, NOW_MS + FRESH_MS) is Reason.REPLAYED
    assert refusal(beacon, datagram, NOW_MS + FRESH_MS + 1) is Reason.STALE


@pytest.mark.parametrize("skew_ms", [-FRESH_MS, FRESH_MS])
def test_clocks_may_be_half_a_minute_apart(skew_ms: int) -> None:
    assert beacon_of("a").open(call_of(beacon_of("a"), at_ms=NOW_MS + skew_ms), NOW_MS).who == ANN


@pytest.mark.parametrize("skew_ms", [-FRESH_MS - 1, FRESH_MS + 1])
def test_but_not_more(skew_ms: int) -> None:
    assert refusal(beacon_of("a"), call_of(beacon_of("a"), at_ms=NOW_MS + skew_ms)) is Reason.STALE


def test_a_call_from_a_clock_ahead_is_remembered_as_long_as_it_is_fresh() -> None:
    beacon, datagram = beacon_of("a"), call_of(beacon_of("a"), at_ms=NOW_MS + FRESH_MS)
    beacon.open(datagram, NOW_MS)
    for number in range(1, 100):
        beacon.open(call_of(beacon, number, at_ms=NOW_MS + 2 * FRESH_MS), NOW_MS + 2 * FRESH_MS)
    assert refusal(beacon, datagram, NOW_MS + 2 * FRESH_MS) is Reason.REPLAYED


def test_what_is_remembered_is_bounded_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    beacon = beacon_of("a")
    for number in range(100):
        beacon.open(call_of(beacon, number), NOW_MS)
    assert len(beacon._heard) == 10  # memory has no other sign
    later_ms = NOW_MS + 3 * FRESH_MS
    beacon.open(call_of(beacon, 100, at_ms=later_ms), later_ms)
    assert len(beacon._heard) == 1


@given(st.data())
def test_a_changed_call_is_never_believed(data: st.DataObject) -> None:
    datagram = bytearray(call_of(beacon_of("a")))
    place = data.draw(st.integers(0, len(datagram) - 1))
    datagram[place] ^= data.draw(st.integers(1, 255))
    refusal(beacon_of("a"), bytes(datagram))


@given(st.binary(max_size=200), st.sampled_from(SECRETS), st.booleans())
def test_garbage_is_refused_and_nothing_else_happens(
    garbage: bytes, secrets: tuple[str, ...], has_head: bool
) -> None:
    head = module.MAGIC + bytes((module.VERSION, Kind.HERE)) if has_head else b""
    refusal(beacon_of(*secrets), head + garbage)


@given(st.integers(0, 300), st.sampled_from(SECRETS))
def test_a_call_cut_short_is_refused(length: int, secrets: tuple[str, ...]) -> None:
    datagram = call_of(beacon_of(*secrets))
    refusal(beacon_of(*secrets), datagram[: min(length, len(datagram) - 1)])
