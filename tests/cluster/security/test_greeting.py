from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security.faults import Fault, LinkError
from respcache.cluster.security.greeting import (
    GREETING_BYTES,
    Hello,
    Transcript,
    check_hello,
    common_version,
    proof,
    read_hello,
    read_proof,
    read_refusal,
    refusal,
)

from .rings import ring

DIALER = Hello("dial", False, (1, 1), b"t" * 8, b"k" * 4, b"d" * 20, b"1" * 32)
ACCEPTOR = replace(DIALER, role="accept", id=b"a" * 20, nonce=b"2" * 32)


def fault_of(error: pytest.ExceptionInfo[LinkError]) -> Fault:
    return error.value.fault


def transcript(dialer: Hello = DIALER, acceptor: Hello = ACCEPTOR, secret: str = "secret") -> Transcript:
    key = ring(secret).sealing
    assert key is not None
    return Transcript(key, dialer, acceptor)


@pytest.mark.parametrize("hello", [DIALER, ACCEPTOR, replace(DIALER, has_secret=True, versions=(3, 255))])
def test_a_hello_is_read_as_it_was_written(hello: Hello) -> None:
    assert read_hello(hello.wire, hello.role) == hello
    assert len(hello.wire) < GREETING_BYTES


def test_what_a_later_version_adds_is_kept_for_the_proofs() -> None:
    wire = bytearray(DIALER.wire + b"more")
    wire[10] |= 0x80  # a flag
    assert read_hello(bytes(wire), "dial").wire == wire


@given(message=st.binary(min_size=1, max_size=200))
def test_garbage_is_no_hello(message: bytes) -> None:
    with pytest.raises(LinkError) as caught:
        read_hello(message, "dial")
    assert fault_of(caught) is Fault.NOT_A_NODE


def test_ones_own_hello_is_no_answer() -> None:
    with pytest.raises(LinkError):
        read_hello(DIALER.wire, "accept")


@pytest.mark.parametrize(("theirs", "common"), [((1, 1), 1), ((1, 9), 3), ((3, 4), 3), ((2, 2), 2)])
def test_the_highest_common_version_is_spoken(theirs: tuple[int, int], common: int) -> None:
    assert common_version((1, 3), theirs) == common


@pytest.mark.parametrize("theirs", [(4, 5), (0, 0), (2, 0), (255, 1)])
def test_without_a_common_version_there_is_no_link(theirs: tuple[int, int]) -> None:
    with pytest.raises(LinkError) as caught:
        common_version((1, 3), theirs)
    assert fault_of(caught) is Fault.OTHER_VERSION


@pytest.mark.parametrize(
    ("mine", "theirs", "expected_id", "fault"),
    [
        (DIALER, replace(ACCEPTOR, tag=b"x" * 8), None, Fault.OTHER_CLUSTER),
        (DIALER, replace(ACCEPTOR, id=DIALER.id), None, Fault.OWN_ID),
        (DIALER, ACCEPTOR, b"x" * 20, Fault.OTHER_ID),
        (DIALER, replace(ACCEPTOR, has_secret=True), None, Fault.ONLY_PEER_HAS_SECRET),
        (replace(DIALER, has_secret=True), ACCEPTOR, None, Fault.PEER_HAS_NO_SECRET),
    ],
)
def test_each_disagreement_has_its_fault(
    mine: Hello, theirs: Hello, expected_id: bytes | None, fault: Fault
) -> None:
    with pytest.raises(LinkError) as caught:
        check_hello(mine, theirs, expected_id)
    assert fault_of(caught) is fault


def test_those_who_agree_pass() -> None:
    check_hello(DIALER, ACCEPTOR, ACCEPTOR.id)
    check_hello(ACCEPTOR, DIALER, None)


# -- proofs -------------------------------------------------------------------------------


def test_a_proof_convinces_who_has_the_same_transcript() -> None:
    transcript().check("dial", read_proof(proof(transcript(), "dial")))
    transcript().check("accept", read_proof(proof(transcript(), "accept")))


@pytest.mark.parametrize(
    "other",
    [
        transcript(secret="other"),
        transcript(replace(DIALER, nonce=b"3" * 32)),
        transcript(acceptor=replace(ACCEPTOR, nonce=b"3" * 32)),
        transcript(replace(DIALER, versions=(1, 2))),
        transcript(replace(DIALER, extra=b"more")),
        transcript(ACCEPTOR, DIALER),
    ],
)
def test_any_other_transcript_has_other_proofs_and_keys(other: Transcript) -> None:
    with pytest.raises(LinkError) as caught:
        transcript().check("dial", other.mac("dial"))
    assert fault_of(caught) is Fault.WRONG_PROOF
    assert other.session_key("dial") != transcript().session_key("dial")


def test_a_proof_is_none_for_the_other_role_and_nothing_is_used_twice() -> None:
    with pytest.raises(LinkError):
        transcript().check("dial", transcript().mac("accept"))
    both = transcript()
    made = {both.mac("dial"), both.mac("accept"), both.session_key("dial"), both.session_key("accept")}
    assert len(made) == 4


@given(message=st.binary(min_size=1, max_size=40))
def test_garbage_proves_nothing(message: bytes) -> None:
    with pytest.raises(LinkError):
        transcript().check("dial", read_proof(message))


# -- refusals -----------------------------------------------------------------------------


def test_a_refusal_is_told_from_our_side() -> None:
    assert read_refusal(refusal(Fault.OTHER_CLUSTER)).fault is Fault.OTHER_CLUSTER
    assert read_refusal(refusal(Fault.PEER_HAS_NO_SECRET)).fault is Fault.ONLY_PEER_HAS_SECRET


@pytest.mark.parametrize("message", [b"\x03", b"\x03\x00", b"\x03\xff", b"\x03\x01\x01"])
def test_a_garbled_refusal_is_a_fault_all_the_same(message: bytes) -> None:
    assert read_refusal(message).fault is Fault.NOT_A_NODE
