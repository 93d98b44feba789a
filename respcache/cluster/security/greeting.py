"""What two nodes tell each other first, and how each proves that it knows the secret: the messages.

    HELLO:    1 | magic 8 | role 1 | flags 1 | lowest version 1 | highest version 1 | tag 8 | key id 4 | id 20 | nonce 32
    PROOF:    2 | 32 bytes
    REFUSAL:  3 | fault 1

    dialer  -> HELLO
    dialer  <- HELLO, and PROOF if there is a secret            or: REFUSAL, and the end
    dialer  -> PROOF, if there is a secret

The dialer names its sealing key, and the other side takes that one, whichever it is of those that it knows. A proof is a MAC
over both HELLOs whole, under a key derived for the role of who proves. So nothing in a HELLO can be altered without notice, no version
or flag talked down, no proof used again (each side's nonce is in it), none thrown back at who made it.
From both HELLOs and the secret come the session's keys, one for each direction.

There is no exchange of ephemeral keys: who records a link and learns the secret years later can read it. TLS underneath
has that property, and is an option. A refusal is not authenticated: it is a hint for a log.
"""

import hmac
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, Literal, TypeAlias

from .faults import Fault, LinkError
from .keyring import Key

Role: TypeAlias = Literal["dial", "accept"]

NONCE_BYTES: Final = 32
"""As long as the keys; random ones never meet."""

GREETING_BYTES: Final = 4096
"""The largest of these messages; a HELLO takes 77 bytes, and that of a later version may say more."""

_MAGIC: Final = b"respbus\x00"
_ROLES: Final[dict[Role, int]] = {"dial": 1, "accept": 2}
_PROOF_PURPOSES: Final[dict[Role, bytes]] = {"dial": b"dialer proves", "accept": b"acceptor proves"}
_SEAL_PURPOSES: Final[dict[Role, bytes]] = {"dial": b"dialer seals", "accept": b"acceptor seals"}
_HAS_SECRET: Final = 1
_HELLO: Final = Struct(">B8sBBBB8s4s20s32s")


class Message(IntEnum):
    """The first byte of each."""

    HELLO = 1
    PROOF = 2
    REFUSAL = 3


@dataclass(frozen=True, slots=True)
class Hello:
    """Who somebody says to be. ``wire`` is all of it as it was sent, what later versions may add included."""

    role: Role
    has_secret: bool
    versions: tuple[int, int]
    tag: bytes
    key_id: bytes
    id: bytes
    nonce: bytes
    extra_flags: int = 0
    extra: bytes = b""

    @property
    def wire(self) -> bytes:
        flags = self.extra_flags | (_HAS_SECRET if self.has_secret else 0)
        kind, role = Message.HELLO, _ROLES[self.role]
        fixed = _HELLO.pack(
            kind, _MAGIC, role, flags, *self.versions, self.tag, self.key_id, self.id, self.nonce
        )
        return fixed + self.extra


def read_hello(message: bytes, role: Role) -> Hello:
    """Read a HELLO of somebody in ``role``; raise `LinkError` for anything else."""
    if len(message) < _HELLO.size:
        raise LinkError(Fault.NOT_A_NODE)
    kind, magic, number, flags, lowest, highest, tag, key_id, node_id, nonce = _HELLO.unpack_from(message)
    if kind != Message.HELLO or magic != _MAGIC or number != _ROLES[role]:
        raise LinkError(Fault.NOT_A_NODE)
    extra_flags, extra = flags & ~_HAS_SECRET, message[_HELLO.size :]
    return Hello(
        role, bool(flags & _HAS_SECRET), (lowest, highest), tag, key_id, node_id, nonce, extra_flags, extra
    )


def common_version(ours: tuple[int, int], theirs: tuple[int, int]) -> int:
    """Return the highest version that both speak."""
    version = min(ours[1], theirs[1])
    if version < max(ours[0], theirs[0]):
        raise LinkError(Fault.OTHER_VERSION, f"{theirs[0]} to {theirs[1]}, and we {ours[0]} to {ours[1]}")
    return version


def check_hello(mine: Hello, theirs: Hello, expected_id: bytes | None) -> None:
    """Check all that needs no key."""
    if theirs.tag != mine.tag:
        raise LinkError(Fault.OTHER_CLUSTER)
    if theirs.id == mine.id:
        raise LinkError(Fault.OWN_ID)
    if expected_id is not None and theirs.id != expected_id:
        raise LinkError(Fault.OTHER_ID, f"{theirs.id.hex()} instead of {expected_id.hex()}")
    if theirs.has_secret != mine.has_secret:
        raise LinkError(Fault.PEER_HAS_NO_SECRET if mine.has_secret else Fault.ONLY_PEER_HAS_SECRET)


class Transcript:
    """Both HELLOs and the key: what proofs and session keys are made of."""

    __slots__ = ("_hellos", "_key")

    def __init__(self, key: Key, dialer: Hello, acceptor: Hello) -> None:
        self._key = key
        self._hellos = dialer.wire + acceptor.wire

    def mac(self, role: Role) -> bytes:
        """Return what only ``role`` sends, and only who knows the key can."""
        return self._key.derive(_PROOF_PURPOSES[role], self._hellos)

    def check(self, role: Role, mac: bytes) -> None:
        if not hmac.compare_digest(mac, self.mac(role)):
            raise LinkError(Fault.WRONG_PROOF)

    def session_key(self, role: Role) -> bytes:
        """Return the key for what ``role`` sends."""
        return self._key.derive(_SEAL_PURPOSES[role], self._hellos)


def proof(transcript: Transcript, role: Role) -> bytes:
    return bytes((Message.PROOF,)) + transcript.mac(role)


def read_proof(message: bytes) -> bytes:
    if message[0] != Message.PROOF:
        raise LinkError(Fault.NOT_A_NODE)
    return message[1:]


def refusal(fault: Fault) -> bytes:
    return bytes((Message.REFUSAL, fault))


def read_refusal(message: bytes) -> LinkError:
    """Say in our words why the peer does not want us."""
    try:
        _, number = message
        fault = Fault(number).seen_by_the_other
    except ValueError:
        return LinkError(Fault.NOT_A_NODE)
    return LinkError(fault, "the peer refused us")
