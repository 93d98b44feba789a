import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.membership.member import UNDECODABLE, State
from respcache.cluster.membership.messages import (
    MAX_EXCHANGE_BYTES,
    MAX_INCARNATION,
    Ack,
    Alive,
    Dead,
    MemberState,
    Message,
    Nack,
    Ping,
    PingRequest,
    PushPull,
    Suspect,
    decode_exchange,
    encode,
    pack,
    unpack,
)

A, B = b"a" * 20, b"b" * 20
ONE_OF_EACH: list[Message] = [
    Ping(1, A, B),
    Ack(2, A),
    PingRequest(3, A, B),
    Nack(4),
    Alive(5, A, "10.0.0.1", 16379, b"meta"),
    Suspect(6, A, B, True),
    Dead(7, A, B),
]


def test_every_message_survives_the_journey() -> None:
    assert unpack(pack([encode(message) for message in ONE_OF_EACH])) == (ONE_OF_EACH, 0)


@pytest.mark.parametrize("cut", range(1, 60))
def test_half_a_packet_is_counted_and_ignored(cut: int) -> None:
    whole = pack([encode(message) for message in ONE_OF_EACH])
    assert unpack(whole[:-cut]) == ([], 1)


@pytest.mark.parametrize(
    "bad",
    [
        [99, 1],
        [1, 1, b"short", B],
        [1, -1, A, B],
        [1, 1 << 32, A, B],
        [5, MAX_INCARNATION + 1, A, "10.0.0.1", 1, b""],
        [5, 1, A, "10.0.0.1", 0, b""],
        [5, 1, A, "10.0.0.1", 1, b"m" * 513],
        [5, 1, A, "h" * 65, 1, b""],
        [6, 1, A],
        "text",
        None,
    ],
    ids=str,
)
def test_a_bad_message_does_not_spoil_its_neighbours(bad: object) -> None:
    packet = pack([encode(Nack(1)), msgspec.msgpack.encode(bad), encode(Nack(2))])
    assert unpack(packet) == ([Nack(1), Nack(2)], 1)


@given(st.binary(max_size=200))
def test_no_bytes_raise(payload: bytes) -> None:
    messages, _ = unpack(payload)
    assert isinstance(messages, list)
    decode_exchange(payload)


@given(st.integers(0, 199), st.integers(0, 255))
def test_no_changed_byte_raises(place: int, value: int) -> None:
    packet = bytearray(pack([encode(message) for message in ONE_OF_EACH]))
    packet[place % len(packet)] = value
    messages, malformed = unpack(bytes(packet))
    assert len(messages) + malformed >= 1 or len(packet) < 4


@pytest.mark.parametrize(
    "bomb", [b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff" + b"\xc0" * 1000]
)
def test_bombs_are_harmless(bomb: bytes) -> None:
    assert unpack(bomb)[0] == []
    assert decode_exchange(bomb) is None


def test_views_survive_the_journey() -> None:
    view = PushPull(A, [MemberState(1, B, "10.0.0.1", 5, b"meta", State.SUSPECT)])
    assert decode_exchange(encode(view)) == view
    assert decode_exchange(encode(Ping(1, A, B))) == Ping(1, A, B)


def test_a_view_that_is_too_large_is_not_even_read() -> None:
    assert decode_exchange(b"\xc4" * (MAX_EXCHANGE_BYTES + 1)) is None


def test_what_cannot_be_decoded_is_named_completely() -> None:
    with pytest.raises(UNDECODABLE):
        msgspec.msgpack.decode(b"\xa1\xff")
    with pytest.raises(UNDECODABLE):
        msgspec.msgpack.decode(b"\x91" * 100_000)
