"""The greeting of two nodes, step by step: one side of it, from messages to messages.

Promises that a `Session` is there only when the peer is of our cluster, is who was expected, and, if there is a secret,
has proved that it knows it; else a `LinkError` says what is wrong. No message is expected after that, and none is
taken twice.
"""

from dataclasses import dataclass, replace

from .faults import Fault, LinkError
from .greeting import (
    Hello,
    Message,
    Transcript,
    check_hello,
    common_version,
    proof,
    read_hello,
    read_proof,
    read_refusal,
    refusal,
)
from .keyring import Keyring


@dataclass(frozen=True, slots=True)
class Session:
    """What both sides have agreed on. ``keys``, if there is a secret: the one we seal with, the one we open with."""

    peer_id: bytes
    version: int
    keys: tuple[bytes, bytes] | None


class Handshake:
    """One side. ``session`` is there when it has come to a good end."""

    __slots__ = ("_expected_id", "_keyring", "_mine", "_pending", "_transcript", "session")

    def __init__(self, mine: Hello, keyring: Keyring, expected_id: bytes | None) -> None:
        self._mine = mine
        self._keyring = keyring
        self._expected_id = expected_id
        self._transcript: Transcript | None = None
        self._pending: Session | None = None  # until the peer's proof is there
        self.session: Session | None = None

    def open(self) -> list[bytes]:
        """Who dials speaks first."""
        return [self._mine.wire] if self._mine.role == "dial" else []

    def receive(self, message: bytes) -> list[bytes]:
        """Take one message and return the answers. Raises `LinkError`, perhaps with a last word."""
        assert self.session is None
        if self._transcript is not None:
            return self._take_proof(self._transcript, message)
        if self._mine.role == "dial":
            return self._take_answer(message)
        return self._take_hello(message)

    def _take_hello(self, message: bytes) -> list[bytes]:
        """Answer who dials. Only who speaks our protocol is told what is wrong with it."""
        theirs = read_hello(message, "dial")
        try:
            self._meet(theirs)
        except LinkError as error:
            error.last_word = refusal(error.fault)
            raise
        if self._transcript is None:
            return [self._mine.wire]
        return [self._mine.wire, proof(self._transcript, "accept")]

    def _take_answer(self, message: bytes) -> list[bytes]:
        if message[0] == Message.REFUSAL:
            raise read_refusal(message)
        self._meet(read_hello(message, "accept"))
        return []

    def _meet(self, theirs: Hello) -> None:
        """Check who is there, and take the key that the dialer named."""
        check_hello(self._mine, theirs, self._expected_id)
        version = common_version(self._mine.versions, theirs.versions)
        if not self._mine.has_secret:
            self.session = Session(theirs.id, version, None)
            return
        key = self._keyring.find(theirs.key_id)
        if key is None or (self._mine.role == "dial" and theirs.key_id != self._mine.key_id):
            raise LinkError(Fault.NO_COMMON_SECRET)
        self._mine = mine = replace(self._mine, key_id=theirs.key_id)
        dialer, acceptor = (mine, theirs) if mine.role == "dial" else (theirs, mine)
        self._transcript = transcript = Transcript(key, dialer, acceptor)
        keys = transcript.session_key(mine.role), transcript.session_key(theirs.role)
        self._pending = Session(theirs.id, version, keys)

    def _take_proof(self, transcript: Transcript, message: bytes) -> list[bytes]:
        """Come to the end, on both sides; the accepting one has proved itself already."""
        transcript.check("accept" if self._mine.role == "dial" else "dial", read_proof(message))
        self.session = self._pending
        return [proof(transcript, "dial")] if self._mine.role == "dial" else []
