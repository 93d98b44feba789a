"""Both ends of a connection in one test, by hand: what the reactor relies on."""

import contextlib
import select
import socket
import ssl
from collections.abc import Iterator

import pytest

from respcache.server.tls_context import make_context
from respcache.server.tls_socket import RECORD_BYTES, TlsSocket
from tests.certificates import Files

READ_BYTES = 64 * 1024


class Pair:
    """Our end, which does not block, and a client's, both greeted."""

    def __init__(self, certificates: Files, protocol: str) -> None:
        raw_ours, self.raw_client = socket.socketpair()
        context = make_context(certificates.settings(tls_protocols=protocol))
        raw_ours.setblocking(False)
        self.raw_client.setblocking(False)
        ours = context.wrap_socket(raw_ours, server_side=True, do_handshake_on_connect=False)
        assert isinstance(ours, TlsSocket)
        self.ours = ours
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = certificates.client_context().wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost"
        )
        self._greet()

    def _greet(self) -> None:
        for _ in range(4):
            for greet in (self.client.do_handshake, self.ours.do_handshake):
                try:
                    greet()
                except ssl.SSLWantReadError:
                    pass
                self.carry()
        assert self.client.version() == self.ours.version() is not None

    def carry(self) -> None:
        """Bring the client's bytes to the socket, and the socket's to it."""
        while waiting := self.outgoing.read(4096):
            self.raw_client.send(waiting)
        try:
            while data := self.raw_client.recv(READ_BYTES):
                self.incoming.write(data)
            self.incoming.write_eof()
        except BlockingIOError:
            pass

    def say(self, data: bytes) -> None:
        self.client.write(data)
        self.carry()

    def hear(self) -> bytes:
        """Read all that has come."""
        self.carry()
        heard = []
        try:
            while data := self.client.read(READ_BYTES):
                heard.append(data)
        except ssl.SSLWantReadError:
            pass
        return b"".join(heard)

    @property
    def is_readable(self) -> bool:
        """Whether a poller would tell us of the socket."""
        return bool(select.select([self.ours], [], [], 0)[0])


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def pair(request: pytest.FixtureRequest, certificates: Files) -> Iterator[Pair]:
    pair = Pair(certificates, request.param)
    with pytest.raises(BlockingIOError):  # the last of the handshake is read
        pair.ours.recv(READ_BYTES)
    yield pair
    pair.ours.close()
    pair.raw_client.close()


def test_words_go_both_ways(pair: Pair) -> None:
    pair.say(b"PING\r\n")
    assert pair.ours.recv(READ_BYTES) == b"PING\r\n"
    assert pair.ours.send(b"+PONG\r\n") == 7
    assert pair.hear() == b"+PONG\r\n"


def test_nothing_to_read_is_what_it_is_for_a_plain_socket(pair: Pair) -> None:
    with pytest.raises(BlockingIOError):
        pair.ours.recv(READ_BYTES)


def test_half_a_record_is_nothing_yet(pair: Pair) -> None:
    pair.client.write(b"PING\r\n")
    record = pair.outgoing.read()
    pair.raw_client.send(record[:-1])
    with pytest.raises(BlockingIOError):
        pair.ours.recv(READ_BYTES)
    pair.raw_client.send(record[-1:])
    assert pair.is_readable
    assert pair.ours.recv(READ_BYTES) == b"PING\r\n"


def test_several_full_records_are_one_read(pair: Pair) -> None:
    pair.say(b"x" * 3 * RECORD_BYTES)
    assert pair.ours.recv(READ_BYTES) == b"x" * 3 * RECORD_BYTES


def test_whatever_is_not_read_yet_is_told_by_a_poller(pair: Pair) -> None:
    sizes = [1, 100, RECORD_BYTES, RECORD_BYTES - 1, 5 * RECORD_BYTES + 7, RECORD_BYTES, 3]
    for size in sizes:
        pair.say(b"x" * size)
    total = 0
    while pair.is_readable:
        total += len(pair.ours.recv(READ_BYTES - 1))  # room for three records and a part of a fourth
        assert not pair.ours.pending()
    assert total == sum(sizes)


def test_what_the_kernel_does_not_take_can_be_sent_later(pair: Pair) -> None:
    data = bytes(range(256)) * 16 * 1024
    left = memoryview(data)
    left = left[pair.ours.send(left) :]
    assert 0 < len(left) < len(data)
    with pytest.raises(BlockingIOError):
        pair.ours.send(left)
    heard = []
    while left:
        heard.append(pair.hear())
        with contextlib.suppress(BlockingIOError):
            left = left[pair.ours.send(left) :]
    heard.append(pair.hear())
    assert b"".join(heard) == data


def test_a_client_that_says_goodbye_is_gone(pair: Pair) -> None:
    pair.say(b"QUIT\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.carry()
    assert pair.ours.recv(READ_BYTES) == b"QUIT\r\n"
    assert pair.ours.recv(READ_BYTES) == b""


def test_a_goodbye_right_behind_a_full_record_is_heard_of(pair: Pair) -> None:
    pair.say(b"x" * RECORD_BYTES)
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.carry()
    assert pair.ours.recv(READ_BYTES) == b"x" * RECORD_BYTES
    assert pair.is_readable
    assert pair.ours.recv(READ_BYTES) == b""


def test_a_client_whose_connection_ends_is_gone_too(pair: Pair) -> None:
    pair.raw_client.close()
    assert pair.ours.recv(READ_BYTES) == b""


def test_bytes_that_nobody_has_encrypted_are_a_fault(pair: Pair) -> None:
    pair.raw_client.send(b"*1\r\n$8\r\nFLUSHALL\r\n")
    with pytest.raises(ssl.SSLError):
        pair.ours.recv(READ_BYTES)


def test_the_client_is_told_of_the_end(pair: Pair) -> None:
    pair.ours.close()
    pair.carry()
    assert pair.client.read(1) == b""


def test_an_end_of_which_it_is_not_told_would_be_a_fault(pair: Pair) -> None:
    pair.ours.shutdown(socket.SHUT_RDWR)  # as somebody on the way could have cut the connection
    pair.carry()
    with pytest.raises(ssl.SSLEOFError):
        pair.client.read(1)


def test_who_ends_one_direction_still_speaks_tls_in_the_other(pair: Pair) -> None:
    pair.ours.shutdown(socket.SHUT_RD)
    pair.ours.send(b"secret")
    assert pair.hear() == b"secret"


def test_after_a_shutdown_nothing_leaves_in_the_clear(pair: Pair) -> None:
    pair.ours.shutdown(socket.SHUT_RDWR)
    with pytest.raises(OSError, match=r"pipe|EOF"):
        pair.ours.send(b"secret")
    pair.carry()
    assert b"secret" not in pair.incoming.read()
