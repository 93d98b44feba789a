import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security import tunnel
from respcache.cluster.security.faults import Fault
from respcache.cluster.security.greeting import Role
from respcache.cluster.security.tunnel import HANDSHAKE_BYTES, Tunnel

from .certificates import context


def pair(dial: ssl.SSLContext | None = None, accept: ssl.SSLContext | None = None) -> tuple[Tunnel, Tunnel]:
    """Let two sides come up, or fail."""
    dialer = Tunnel("dial", dial or context("dial"))
    acceptor = Tunnel("accept", accept or context("accept"))
    dialer.start()
    acceptor.start()
    while dialer.has_output or acceptor.has_output:
        acceptor.receive(dialer.send(b""))
        dialer.receive(acceptor.send(b""))
    return dialer, acceptor


def faults(*sides: Tunnel) -> list[Fault]:
    return [side.error.fault for side in sides if side.error is not None]


def test_what_is_sent_arrives_and_is_not_to_be_seen_on_the_way() -> None:
    dialer, acceptor = pair()
    there = dialer.send(b"to the acceptor")
    assert acceptor.receive(there) == [b"to the acceptor"]
    assert dialer.receive(acceptor.send(b"and back")) == [b"and back"]
    assert b"acceptor" not in there


def test_what_is_sent_early_is_sent_when_tls_is_up() -> None:
    dialer, acceptor = Tunnel("dial", context("dial")), Tunnel("accept", context("accept"))
    dialer.start()
    acceptor.receive(dialer.send(b"early"))
    assert not acceptor.is_up
    dialer.receive(acceptor.send(b""))
    assert acceptor.receive(dialer.send(b"")) == [b"early"]


@given(size=st.integers(1, 100))
def test_any_cutting_gives_the_same_bytes(size: int) -> None:
    dialer, acceptor = pair()
    data = dialer.send(bytes(range(256))) + dialer.send(b"end")
    pieces = [
        piece for start in range(0, len(data), size) for piece in acceptor.receive(data[start : start + size])
    ]
    assert b"".join(pieces) == bytes(range(256)) + b"end"


def test_a_megabyte_passes_whole() -> None:
    dialer, acceptor = pair()
    assert b"".join(acceptor.receive(dialer.send(bytes(1 << 20)))) == bytes(1 << 20)


@pytest.mark.parametrize("stranger", ["dial", "accept"])
def test_a_certificate_of_another_authority_is_refused(stranger: Role) -> None:
    strange = context(stranger, shown_by="theirs")
    dialer, acceptor = pair(strange, None) if stranger == "dial" else pair(None, strange)
    refusing = acceptor if stranger == "dial" else dialer
    assert faults(refusing) == [Fault.TLS]
    assert "CERTIFICATE_VERIFY_FAILED" in str(refusing.error)
    assert faults(dialer, acceptor) == [Fault.TLS, Fault.TLS]


def test_who_shows_no_certificate_is_refused() -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.load_verify_locations(cadata=context("dial").get_ca_certs(binary_form=True)[0])
    _, acceptor = pair(bare, None)
    assert faults(acceptor) == [Fault.TLS]


def test_a_context_that_would_ask_for_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="certificate"):
        Tunnel("accept", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_a_context_that_would_check_names_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        Tunnel("dial", ssl.create_default_context())


def test_nothing_older_than_tls_1_3_is_spoken() -> None:
    assert context("dial").minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("role", ["dial", "accept"])
@given(data=st.binary(min_size=1, max_size=300))
def test_garbage_never_raises(role: Role, data: bytes) -> None:
    side = Tunnel(role, context(role))
    side.start()
    assert side.receive(data) == []
    side.send(b"")
    assert not side.is_up


def test_a_handshake_without_end_is_ended() -> None:
    acceptor = Tunnel("accept", context("accept"))
    hello = (
        b"\x16\x03\x01\x40\x00" + b"\x01\x01\x00\x00" + bytes(0x4000 - 4)
    )  # announces 64 KiB in records of 16
    more = b"\x16\x03\x01\x40\x00" + bytes(0x4000)
    received = len(hello)
    acceptor.receive(hello)
    while acceptor.error is None and received < 2 * HANDSHAKE_BYTES:
        acceptor.receive(more)
        received += len(more)
    assert faults(acceptor) == [Fault.TLS]


def test_what_may_come_before_tls_is_up_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "HANDSHAKE_BYTES", 200)
    dialer, acceptor = Tunnel("dial", context("dial")), Tunnel("accept", context("accept"))
    dialer.start()
    for byte in dialer.send(b""):
        acceptor.receive(bytes([byte]))
    assert faults(acceptor) == [Fault.TLS]
    assert "too many bytes" in str(acceptor.error)


def test_an_altered_record_ends_it_behind_what_was_whole() -> None:
    dialer, acceptor = pair()
    whole, altered = dialer.send(b"whole"), bytearray(dialer.send(b"altered"))
    altered[-1] ^= 1
    assert acceptor.receive(whole + altered) == [b"whole"]
    assert faults(acceptor) == [Fault.TLS]
    assert acceptor.receive(dialer.send(b"more")) == []


def test_the_peers_end_of_tls_is_an_end() -> None:
    dialer, acceptor = pair()
    data = dialer.send(b"last")
    with pytest.raises(ssl.SSLWantReadError):  # it would wait for our end
        dialer._ssl.unwrap()
    assert acceptor.receive(data + dialer.send(b"")) == [b"last"]
    assert faults(acceptor) == [Fault.TLS]
