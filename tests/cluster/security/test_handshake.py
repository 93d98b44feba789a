import pytest

from respcache.cluster.security.faults import Fault, LinkError
from respcache.cluster.security.greeting import Hello, Role, refusal
from respcache.cluster.security.handshake import Handshake
from respcache.cluster.security.keyring import NO_KEY_ID, Keyring

from .rings import STEPS, ring

IDS: dict[Role, bytes] = {"dial": b"d" * 20, "accept": b"a" * 20}


def side(
    role: Role, keyring: Keyring, nonce: bytes = b"n" * 32, expected_id: bytes | None = None
) -> Handshake:
    key_id = keyring.sealing.id if keyring.sealing else NO_KEY_ID
    return Handshake(
        Hello(role, bool(keyring), (1, 1), b"t" * 8, key_id, IDS[role], nonce), keyring, expected_id
    )


def converse(dialer: Handshake, acceptor: Handshake) -> list[bytes]:
    """Let both talk until neither says anything; return all that was said."""
    said: list[bytes] = []
    speaking, listening = dialer, acceptor
    words = dialer.open() + acceptor.open()
    while words:
        said += words
        words = [answer for message in words for answer in listening.receive(message)]
        speaking, listening = listening, speaking
    return said


@pytest.mark.parametrize("keyring", [ring(), ring("secret")])
def test_both_sides_come_to_the_same_session(keyring: Keyring) -> None:
    dialer, acceptor = side("dial", keyring, b"1" * 32), side("accept", keyring, b"2" * 32)
    said = converse(dialer, acceptor)
    assert len(said) == (4 if keyring else 2)
    assert dialer.session is not None
    assert acceptor.session is not None
    assert (dialer.session.peer_id, acceptor.session.peer_id) == (IDS["accept"], IDS["dial"])
    assert dialer.session.version == acceptor.session.version == 1
    assert (dialer.session.keys or ())[::-1] == (acceptor.session.keys or ())


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_in_each_step_of_a_rotation_all_greet_all(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    for dialing in (before, after):
        for accepting in (before, after):
            dialer, acceptor = side("dial", ring(*dialing)), side("accept", ring(*accepting))
            converse(dialer, acceptor)
            assert dialer.session is not None
            assert acceptor.session is not None


def test_nothing_is_agreed_before_the_peer_has_proved_itself() -> None:
    dialer, acceptor = side("dial", ring("secret")), side("accept", ring("secret"))
    hello, proof = acceptor.receive(dialer.open()[0])
    assert acceptor.session is None
    assert dialer.receive(hello) == []
    assert dialer.session is None
    dialer.receive(proof)
    assert dialer.session is not None
    assert acceptor.session is None


def test_each_link_has_keys_of_its_own() -> None:
    keys = set()
    for nonce in (b"1" * 32, b"2" * 32):
        dialer, acceptor = side("dial", ring("secret"), nonce), side("accept", ring("secret"))
        converse(dialer, acceptor)
        assert dialer.session is not None
        keys |= set(dialer.session.keys or ())
    assert len(keys) == 4


def test_a_recorded_dialer_convinces_nobody_twice() -> None:
    dialer = side("dial", ring("secret"))
    hello, _, _, proof = converse(dialer, side("accept", ring("secret"), b"1" * 32))
    acceptor = side("accept", ring("secret"), b"2" * 32)
    acceptor.receive(hello)
    with pytest.raises(LinkError) as caught:
        acceptor.receive(proof)
    assert caught.value.fault is Fault.WRONG_PROOF
    assert acceptor.session is None


def test_a_recorded_acceptor_convinces_nobody_twice() -> None:
    said = converse(side("dial", ring("secret"), b"1" * 32), side("accept", ring("secret")))
    dialer = side("dial", ring("secret"), b"2" * 32)
    dialer.receive(said[1])
    with pytest.raises(LinkError):
        dialer.receive(said[2])


def test_a_dialers_own_words_convince_nobody() -> None:
    dialer = side("dial", ring("secret"))
    (hello,) = dialer.open()
    with pytest.raises(LinkError):
        dialer.receive(hello)


def test_an_acceptors_own_proof_convinces_nobody() -> None:
    dialer, acceptor = side("dial", ring("secret")), side("accept", ring("secret"))
    _, proof = acceptor.receive(dialer.open()[0])
    with pytest.raises(LinkError) as caught:
        acceptor.receive(proof)
    assert caught.value.fault is Fault.WRONG_PROOF


def test_a_hello_altered_on_the_way_convinces_nobody() -> None:
    dialer, acceptor = side("dial", ring("secret")), side("accept", ring("secret"))
    (hello,) = dialer.open()
    answer, proof = acceptor.receive(hello + b"more")
    dialer.receive(answer)
    with pytest.raises(LinkError) as caught:
        dialer.receive(proof)
    assert caught.value.fault is Fault.WRONG_PROOF


def test_an_answer_under_another_key_than_the_one_named_is_refused() -> None:
    both = ring("new", "old")
    dialer = side("dial", both)
    answer = side("accept", ring("old")).open() or [side("accept", ring("old"))._mine.wire]
    with pytest.raises(LinkError) as caught:
        dialer.receive(answer[0])
    assert caught.value.fault is Fault.NO_COMMON_SECRET


def test_the_accepting_side_says_why_it_refuses() -> None:
    with pytest.raises(LinkError) as caught:
        side("accept", ring("secret")).receive(side("dial", ring()).open()[0])
    assert caught.value.last_word == refusal(Fault.PEER_HAS_NO_SECRET)
    with pytest.raises(LinkError) as heard:
        side("dial", ring()).receive(caught.value.last_word)
    assert heard.value.fault is Fault.ONLY_PEER_HAS_SECRET


def test_who_does_not_speak_the_protocol_is_told_nothing() -> None:
    with pytest.raises(LinkError) as caught:
        side("accept", ring()).receive(b"GET / HTTP/1.1")
    assert caught.value.last_word is None
