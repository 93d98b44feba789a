import itertools
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.cluster.security.faults import Fault
from respcache.cluster.security.greeting import GREETING_BYTES, Role
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.links import FRAME_BYTES, Link
from tests.thoroughness import examples

from .certificates import context
from .rings import STEPS, ring

DIALER, ACCEPTOR = b"d" * 20, b"a" * 20
NONCES = (number.to_bytes(32) for number in itertools.count())
PLAIN = ring()
LAYERS = [(PLAIN, False), (ring("secret"), False), (PLAIN, True), (ring("secret"), True)]
NAMES = ["plain", "sealed", "tls", "sealed in tls"]

layered = pytest.mark.parametrize(("keyring", "tls"), LAYERS, ids=NAMES)


def link(
    role: Role,
    keyring: Keyring = PLAIN,
    tls: bool = False,
    *,
    cluster: str = "one",
    my_id: bytes | None = None,
    expected_id: bytes | None = None,
    versions: tuple[int, int] = (1, 1),
) -> Link:
    my_id = my_id or (DIALER if role == "dial" else ACCEPTOR)
    secure: ssl.SSLContext | None = context(role) if tls else None
    made = Link(
        role, cluster, keyring, my_id, next(NONCES), expected_id=expected_id, tls=secure, versions=versions
    )
    made.start()
    return made


def converse(dialer: Link, acceptor: Link) -> None:
    while dialer.has_output or acceptor.has_output:
        assert acceptor.feed(dialer.take_output()) == []
        assert dialer.feed(acceptor.take_output()) == []


def pair(keyring: Keyring = PLAIN, tls: bool = False) -> tuple[Link, Link]:
    dialer, acceptor = link("dial", keyring, tls), link("accept", keyring, tls)
    converse(dialer, acceptor)
    assert dialer.is_established
    assert acceptor.is_established
    return dialer, acceptor


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


# -- frames -------------------------------------------------------------------------------


@layered
def test_both_sides_know_each_other_and_frames_pass_both_ways(keyring: Keyring, tls: bool) -> None:
    dialer, acceptor = pair(keyring, tls)
    assert (dialer.peer_id, acceptor.peer_id) == (ACCEPTOR, DIALER)
    assert dialer.version == acceptor.version == 1
    for sender, receiver in ((dialer, acceptor), (acceptor, dialer)):
        frames = [b"\x01", b"\x02body", bytes(300_000)]
        sender.send(frames[:1])
        sender.send(frames[1:])
        assert receiver.feed(sender.take_output()) == frames
        assert not sender.has_output
        assert sender.take_output() == b""


@layered
@settings(max_examples=examples(20, 100))
@given(frames=st.lists(st.binary(min_size=1, max_size=100), max_size=6), size=st.integers(1, 90))
def test_any_cutting_of_the_whole_conversation_gives_the_same_frames(
    keyring: Keyring, tls: bool, frames: list[bytes], size: int
) -> None:
    dialer, acceptor = link("dial", keyring, tls), link("accept", keyring, tls)
    while dialer.has_output or acceptor.has_output:
        for piece in pieces(dialer.take_output(), size):
            acceptor.feed(piece)
        for piece in pieces(acceptor.take_output(), size):
            dialer.feed(piece)
    acceptor.send(frames)
    received = [frame for piece in pieces(acceptor.take_output(), size) for frame in dialer.feed(piece)]
    assert received == frames


@layered
def test_frames_right_behind_the_greeting_are_not_lost(keyring: Keyring, tls: bool) -> None:
    dialer, acceptor = link("dial", keyring, tls), link("accept", keyring, tls)
    while not dialer.is_established:
        acceptor.feed(dialer.take_output())
        dialer.feed(acceptor.take_output())
    dialer.send([b"early"])
    assert acceptor.feed(dialer.take_output()) == [b"early"]


@pytest.mark.parametrize("keyring", [ring(), ring("secret")], ids=["plain", "sealed"])
def test_what_is_sealed_is_not_to_be_seen(keyring: Keyring) -> None:
    dialer, _ = pair(keyring)
    dialer.send([b"the text"])
    assert (b"the text" in dialer.take_output()) == (not keyring)


def test_frames_of_one_turn_are_sealed_together() -> None:
    dialer, _ = pair(ring("secret"))
    for _ in range(100):
        dialer.send([b"x"])
    assert len(dialer.take_output()) == 4 + 100 * 5 + 16


def test_frames_before_the_greeting_is_done_are_a_mistake() -> None:
    with pytest.raises(AssertionError):
        link("dial").send([b"early"])


# -- who is not let in --------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("dialer", "acceptor", "fault"),
    [
        ({"cluster": "other"}, {}, Fault.OTHER_CLUSTER),
        ({"my_id": ACCEPTOR}, {}, Fault.OWN_ID),
        ({"versions": (2, 3)}, {}, Fault.OTHER_VERSION),
        ({"keyring": ring("wrong")}, {"keyring": ring("secret")}, Fault.NO_COMMON_SECRET),
        ({}, {"expected_id": b"x" * 20}, Fault.OTHER_ID),
    ],
)
def test_both_sides_learn_why_there_is_no_link(
    tls: bool, dialer: dict[str, object], acceptor: dict[str, object], fault: Fault
) -> None:
    dialing, accepting = link("dial", tls=tls, **dialer), link("accept", tls=tls, **acceptor)  # type: ignore[arg-type]
    converse(dialing, accepting)
    for side in (dialing, accepting):
        assert side.fault is fault
        assert fault.text in str(side.error)
        assert not side.is_established


@pytest.mark.parametrize(
    ("dialer", "acceptor", "seen_by_dialer"),
    [
        (ring(), ring("secret"), Fault.ONLY_PEER_HAS_SECRET),
        (ring("secret"), ring(), Fault.PEER_HAS_NO_SECRET),
    ],
)
def test_a_secret_on_one_side_only_is_told_from_each_side(
    dialer: Keyring, acceptor: Keyring, seen_by_dialer: Fault
) -> None:
    dialing, accepting = link("dial", dialer), link("accept", acceptor)
    converse(dialing, accepting)
    assert dialing.fault is seen_by_dialer
    assert accepting.fault is seen_by_dialer.seen_by_the_other


@pytest.mark.parametrize("keyring", [ring(), ring("secret")])
def test_another_node_than_expected_is_refused_by_who_dials(keyring: Keyring) -> None:
    dialer, acceptor = link("dial", keyring, expected_id=b"x" * 20), link("accept", keyring)
    acceptor.feed(dialer.take_output())
    dialer.feed(acceptor.take_output())
    assert dialer.fault is Fault.OTHER_ID
    assert ACCEPTOR.hex() in str(dialer.error)
    assert not dialer.has_output


@pytest.mark.parametrize("keyring", [ring(), ring("secret")])
def test_two_who_dial_do_not_take_each_other_for_an_answer(keyring: Keyring) -> None:
    one, other = link("dial", keyring), link("dial", keyring, my_id=ACCEPTOR)
    one.feed(other.take_output())
    assert one.fault is Fault.NOT_A_NODE


@pytest.mark.parametrize(("dialer_tls", "acceptor_tls"), [(True, False), (False, True)])
def test_tls_on_one_side_only_is_no_link(dialer_tls: bool, acceptor_tls: bool) -> None:
    dialer, acceptor = link("dial", tls=dialer_tls), link("accept", tls=acceptor_tls)
    acceptor.feed(dialer.take_output())
    assert acceptor.fault in {Fault.NOT_A_NODE, Fault.TLS}


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_in_each_step_of_a_rotation_links_are_made_in_both_directions(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    for dialing, accepting in itertools.product((before, after), repeat=2):
        dialer, acceptor = link("dial", ring(*dialing)), link("accept", ring(*accepting))
        converse(dialer, acceptor)
        dialer.send([b"frame"])
        assert acceptor.feed(dialer.take_output()) == [b"frame"]


# -- what goes wrong later -----------------------------------------------------------------


@pytest.mark.parametrize("keyring", [ring(), ring("secret")])
@pytest.mark.parametrize("role", ["dial", "accept"])
@given(data=st.binary(max_size=2 * GREETING_BYTES))
def test_garbage_never_raises_and_never_establishes(role: Role, keyring: Keyring, data: bytes) -> None:
    listening = link(role, keyring)
    assert listening.feed(data) == []
    assert not listening.is_established
    assert listening.fault in {None, Fault.NOT_A_NODE}


@pytest.mark.parametrize("keyring", [ring(), ring("secret")])
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_turned_bit_in_what_the_acceptor_says_is_believed(
    keyring: Keyring, position: int, bit: int
) -> None:
    dialer, acceptor = link("dial", keyring), link("accept", keyring)
    acceptor.feed(dialer.take_output())
    answer = bytearray(acceptor.take_output())
    answer[position % len(answer)] ^= 1 << bit
    dialer.feed(bytes(answer))
    assert not (keyring and dialer.is_established)


@given(position=st.integers(0, 1000), bit=st.integers(0, 7), size=st.integers(1, 200))
def test_a_turned_bit_in_a_sealed_link_breaks_it_behind_the_frames_before(
    position: int, bit: int, size: int
) -> None:
    dialer, acceptor = pair(ring("secret"))
    records = bytearray()
    for number in range(5):
        dialer.send([bytes([number + 1]) * 20])
        records += dialer.take_output()
    position %= len(records)
    records[position] ^= 1 << bit
    frames = [frame for piece in pieces(bytes(records), size) for frame in acceptor.feed(piece)]
    assert frames == [bytes([number + 1]) * 20 for number in range(position // 44)]
    assert (
        acceptor.fault is Fault.BROKEN_RECORD or position % 44 < 4
    )  # a longer length waits for what never comes


def test_a_frame_that_is_too_large_ends_the_link_before_it_is_there() -> None:
    dialer, acceptor = pair()
    dialer.send([b"good"])
    assert acceptor.feed(dialer.take_output() + (FRAME_BYTES + 1).to_bytes(4)) == [b"good"]
    assert acceptor.fault is Fault.FRAME_SIZE


def test_nothing_behind_a_bad_frame_is_delivered_though_it_is_sealed_well() -> None:
    dialer, acceptor = pair(ring("secret"))
    dialer._frames = [b"\xff" * 4]
    bad = dialer.take_output()
    dialer.send([b"frame"])
    assert acceptor.feed(bad + dialer.take_output()) == []
    assert acceptor.fault is Fault.FRAME_SIZE


def test_an_empty_frame_ends_the_link() -> None:
    _, acceptor = pair()
    acceptor.feed(bytes(4))
    assert acceptor.fault is Fault.FRAME_SIZE


def test_a_greeting_that_is_too_long_ends_the_link_before_it_is_there() -> None:
    acceptor = link("accept")
    acceptor.feed((GREETING_BYTES + 1).to_bytes(4))
    assert acceptor.fault is Fault.NOT_A_NODE


@layered
def test_a_link_that_has_failed_takes_and_gives_nothing_more(keyring: Keyring, tls: bool) -> None:
    dialer, acceptor = pair(keyring, tls)
    acceptor.send([b"unsent"])
    acceptor.feed(b"\xff" * 100)
    assert acceptor.error is not None
    assert not acceptor.is_established
    acceptor.send([b"more"])
    dialer.send([b"text"])
    assert acceptor.feed(dialer.take_output()) == []
    assert dialer.feed(acceptor.take_output()) == []
