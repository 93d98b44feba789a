import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security import packets
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.packets import DATAGRAM_BYTES, PAYLOAD_BYTES, PacketCodec, Reason, Refused

from .rings import ROTATION, ring

ALICE, BOB = b"a" * 20, b"b" * 20
HEADER_BYTES = 44
RINGS = [ring(), ring("secret")]
PAYLOAD = b"\x93ping\x00\xff"


def codec(
    sender: bytes = ALICE, keyring: Keyring = RINGS[1], cluster: str = "one", seed: int = 1
) -> PacketCodec:
    return PacketCodec(cluster, keyring, sender, random.Random(seed))


def refusal(receiver: PacketCodec, datagram: bytes) -> Reason:
    before = receiver.refused.total()
    with pytest.raises(Refused) as caught:
        receiver.open(datagram)
    assert receiver.refused.total() == before + 1
    return caught.value.reason


@pytest.mark.parametrize("keyring", RINGS)
@given(payload=st.binary(max_size=PAYLOAD_BYTES))
def test_what_is_sealed_opens_again(keyring: Keyring, payload: bytes) -> None:
    datagram = codec(ALICE, keyring).seal(payload)
    assert len(datagram) <= DATAGRAM_BYTES
    assert codec(BOB, keyring).open(datagram) == payload


def test_a_payload_that_does_not_fit_is_the_callers_mistake() -> None:
    assert len(codec().seal(bytes(PAYLOAD_BYTES))) == DATAGRAM_BYTES
    with pytest.raises(ValueError, match="1341 bytes"):
        codec().seal(bytes(PAYLOAD_BYTES + 1))


def test_a_sealed_packet_shows_nothing_of_its_payload() -> None:
    sender = codec()
    first, second = sender.seal(b"the payload"), sender.seal(b"the payload")
    assert b"payload" not in first
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


def test_no_sequence_number_comes_twice_even_through_a_rotation() -> None:
    sender = codec()
    numbers = []
    for secrets in (*ROTATION, *ROTATION):
        sender.rekey(ring(*secrets))
        numbers += [sender.seal(b"")[36:HEADER_BYTES] for _ in range(10)]
    assert len(set(numbers)) == 80


def test_sequence_numbers_begin_anywhere() -> None:
    starts = [int.from_bytes(codec(seed=seed).seal(b"")[36:HEADER_BYTES]) for seed in range(9)]
    assert min(abs(one - other) for one in starts for other in starts if one is not other) > 2**32


# -- what is refused ----------------------------------------------------------------


@pytest.mark.parametrize("keyring", RINGS)
def test_a_replay_is_refused(keyring: Keyring) -> None:
    sender, receiver = codec(ALICE, keyring), codec(BOB, keyring)
    datagrams = [sender.seal(b"%d" % number) for number in range(3)]
    assert [receiver.open(datagram) for datagram in (datagrams[2], datagrams[0], datagrams[1])] == [
        b"2",
        b"0",
        b"1",
    ]
    assert {refusal(receiver, datagram) for datagram in datagrams} == {Reason.REPLAYED}


@pytest.mark.parametrize(
    ("sender", "receiver", "reason"),
    [
        (codec(cluster="other"), codec(BOB), Reason.OTHER_CLUSTER),
        (codec(keyring=ring("wrong")), codec(BOB), Reason.UNKNOWN_KEY),
        (codec(keyring=ring()), codec(BOB), Reason.NOT_SEALED),
        (codec(), codec(BOB, ring()), Reason.SEALED),
        (codec(), codec(), Reason.OWN),
    ],
)
def test_who_does_not_belong_here_is_refused_for_its_reason(
    sender: PacketCodec, receiver: PacketCodec, reason: Reason
) -> None:
    assert refusal(receiver, sender.seal(PAYLOAD)) is reason
    assert receiver.refused[reason] > 0


@pytest.mark.parametrize("keyring", RINGS)
def test_a_packet_of_another_version_or_with_unknown_flags_is_refused(keyring: Keyring) -> None:
    datagram = codec(ALICE, keyring).seal(PAYLOAD)
    other_version = datagram[:2] + b"\x02" + datagram[3:]
    other_flags = datagram[:3] + bytes([datagram[3] | 2]) + datagram[4:]
    assert refusal(codec(BOB, keyring), other_version) is Reason.OTHER_VERSION
    assert refusal(codec(BOB, keyring), other_flags) is Reason.OTHER_VERSION


@pytest.mark.parametrize("keyring", RINGS)
def test_a_datagram_above_the_limit_is_refused(keyring: Keyring) -> None:
    datagram = codec(ALICE, keyring).seal(bytes(PAYLOAD_BYTES))
    assert refusal(codec(BOB, keyring), datagram + bytes(17)) is Reason.TOO_LONG


@pytest.mark.parametrize("keyring", RINGS)
@given(datagram=st.binary(max_size=2 * DATAGRAM_BYTES))
def test_arbitrary_bytes_are_refused_and_change_nothing(keyring: Keyring, datagram: bytes) -> None:
    receiver = codec(BOB, keyring)
    assert refusal(receiver, datagram) not in {Reason.REPLAYED, Reason.OWN}
    assert receiver.open(codec(ALICE, keyring).seal(PAYLOAD)) == PAYLOAD


@given(tail=st.binary(max_size=200), keyring=st.sampled_from(RINGS), flags=st.sampled_from([0, 1]))
def test_arbitrary_bytes_behind_a_good_beginning_are_refused_or_plain(
    tail: bytes, keyring: Keyring, flags: int
) -> None:
    beginning = codec(ALICE, keyring).seal(b"")[:12]
    datagram = beginning[:3] + bytes([flags]) + beginning[4:] + tail
    try:
        assert codec(BOB, keyring).open(datagram) == datagram[HEADER_BYTES:]
    except Refused:
        return
    assert not keyring


@given(position=st.integers(0, (HEADER_BYTES + len(PAYLOAD) + 16) * 8 - 1))
def test_a_sealed_packet_with_any_bit_turned_is_refused(position: int) -> None:
    datagram = bytearray(codec().seal(PAYLOAD))
    datagram[position // 8] ^= 1 << position % 8
    refusal(codec(BOB), bytes(datagram))


@given(end=st.integers(0, HEADER_BYTES + len(PAYLOAD) + 15))
def test_a_sealed_packet_that_is_cut_is_refused(end: int) -> None:
    assert refusal(codec(BOB), codec().seal(PAYLOAD)[:end]) in {Reason.NOT_OURS, Reason.FORGED}


@given(end=st.integers(0, HEADER_BYTES - 1))
def test_a_plain_packet_without_its_header_is_refused(end: int) -> None:
    assert refusal(codec(BOB, ring()), codec(ALICE, ring()).seal(PAYLOAD)[:end]) is Reason.NOT_OURS


def test_a_packet_cannot_be_given_to_another_sender() -> None:
    datagram = codec(ALICE).seal(PAYLOAD)
    stolen = datagram[:16] + b"c" * 20 + datagram[36:]
    assert refusal(codec(BOB), stolen) is Reason.FORGED


# -- memory ---------------------------------------------------------------------------


def test_a_forger_cannot_shut_a_sender_out() -> None:
    sender, receiver = codec(), codec(BOB)
    receiver.open(sender.seal(b""))
    forged = sender.seal(b"")[:36] + bytes([0x7F] * 8) + bytes(16)
    assert refusal(receiver, forged) is Reason.FORGED
    assert receiver.open(sender.seal(PAYLOAD)) == PAYLOAD


def test_the_memory_of_senders_is_bounded_and_keeps_who_was_heard_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packets, "_SENDERS", 3)
    receiver = codec(BOB)
    live = codec()
    datagrams = []
    for number in range(20):
        datagrams.append(live.seal(b"%d" % number))
        receiver.open(datagrams[-1])
        receiver.open(codec(bytes([number]) * 20).seal(b"stranger"))
    assert len(receiver._senders) == 3
    assert {refusal(receiver, datagram) for datagram in datagrams} == {Reason.REPLAYED}


def test_forged_packets_are_not_remembered() -> None:
    receiver = codec(BOB)
    for number in range(50):
        datagram = codec(bytes([number]) * 20).seal(PAYLOAD)
        assert refusal(receiver, datagram[:-1] + b"?") is Reason.FORGED
    assert not receiver._senders


# -- rotation ---------------------------------------------------------------------------


def test_a_rotation_loses_no_packet_at_any_step() -> None:
    """Each pass changes one node, then the other; after each change both say something."""
    alice, bob = codec(ALICE, ring(*ROTATION[0])), codec(BOB, ring(*ROTATION[0]), seed=2)
    said = 0
    for secrets in ROTATION[1:]:
        for changed in (alice, bob):
            changed.rekey(ring(*secrets))
            assert bob.open(alice.seal(b"to bob")) == b"to bob"
            assert alice.open(bob.seal(b"to alice")) == b"to alice"
            said += 2
    assert said == 12
    assert alice.refused.total() == bob.refused.total() == 0


def test_after_the_rotation_the_old_secret_opens_nothing_and_is_not_opened() -> None:
    done, late = codec(ALICE, ring("old")), codec(BOB, ring("old"))
    late.open(done.seal(b""))
    done.rekey(ring("new"))
    assert refusal(late, done.seal(PAYLOAD)) is Reason.UNKNOWN_KEY
    assert refusal(done, late.seal(PAYLOAD)) is Reason.UNKNOWN_KEY


def test_a_dropped_secret_does_not_live_on_for_those_who_were_heard_with_it() -> None:
    sender, receiver = codec(ALICE, ring("old")), codec(BOB, ring("new", "old"))
    receiver.open(sender.seal(b""))
    receiver.rekey(ring("new"))
    assert refusal(receiver, sender.seal(PAYLOAD)) is Reason.UNKNOWN_KEY


def test_a_rotation_forgets_no_replay() -> None:
    sender, receiver = codec(ALICE, ring("old")), codec(BOB, ring("old"))
    datagram = sender.seal(PAYLOAD)
    receiver.open(datagram)
    receiver.rekey(ring("new", "old"))
    assert refusal(receiver, datagram) is Reason.REPLAYED


def test_a_cluster_can_be_given_its_first_secret_and_lose_it_again() -> None:
    sender, receiver = codec(ALICE, ring()), codec(BOB, ring())
    for keyring in (ring("new"), ring()):
        receiver.open(sender.seal(b""))
        sender.rekey(keyring)
        receiver.rekey(keyring)
        assert receiver.open(sender.seal(PAYLOAD)) == PAYLOAD
