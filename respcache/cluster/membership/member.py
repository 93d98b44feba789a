"""What one node knows of another: identity, address, state, and what the other tells about itself.

An id is 20 random bytes of one process start; a restarted node is a new member. What a member tells about
itself (`Meta`) travels inside ALIVE messages and changes only with a higher incarnation. `Meta` and addresses
refuse nonsense at the border, so whoever reads them later need not check again.
"""

import math
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

import msgspec

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
"""Everything that decoding bytes of a stranger may raise (invalid UTF-8 is no MsgspecError)."""

Address = tuple[str, int]
"""Numeric IP and port."""

ID_BYTES: Final = 20
META_BYTES: Final = 512
"""The most that a member may tell about itself: two ALIVE messages must fit into one packet."""

MAX_HOST_LENGTH: Final = 64  # an IPv6 address with its scope has at most 45 + 1 + 15
MAX_WEIGHT: Final = 1_000_000.0
MAX_LAG_MS: Final = 1 << 31


class State(IntEnum):
    """What the group believes about a member. SUSPECT still counts as a member; DEAD and LEFT do not."""

    ALIVE = 0
    SUSPECT = 1
    DEAD = 2
    LEFT = 3


class Phase(IntEnum):
    """What a member says of itself: whether it may own data."""

    JOINING = 0
    ACTIVE = 1
    LEAVING = 2


class Meta(msgspec.Struct, frozen=True, array_like=True):
    """What a member tells everyone about itself; at most 512 bytes encoded. A port of 0 means: none."""

    name: str  # announced host:port of the client port
    host: str  # announced host for clients
    client_port: int
    cluster_port: int
    bus_port: int
    http_port: int
    machine: str  # identity of the machine: copies are spread over machines
    zone: str
    weight: float
    phase: Phase
    versions: tuple[int, int]  # lowest and highest bus protocol spoken
    loop_lag_ms: int

    def __post_init__(self) -> None:
        """Refuse what later code could stumble over. A line break in a name would forge lines of CLUSTER NODES."""
        texts = (self.name, self.host, self.machine, self.zone)
        ports = (self.client_port, self.cluster_port, self.bus_port, self.http_port)
        if not all(text.isprintable() for text in texts):
            raise ValueError("unprintable text")
        if not all(0 <= port <= 65535 for port in ports):
            raise ValueError("port out of range")
        if not (math.isfinite(self.weight) and 0 <= self.weight <= MAX_WEIGHT):
            raise ValueError("weight out of range")
        if not 0 <= self.versions[0] <= self.versions[1] <= 65535:
            raise ValueError("versions out of order")
        if not 0 <= self.loop_lag_ms <= MAX_LAG_MS:
            raise ValueError("loop lag out of range")


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Meta)


def encode_meta(meta: Meta) -> bytes:
    """Return the bytes that travel; ValueError if they are too many."""
    encoded = _encoder.encode(meta)
    if len(encoded) > META_BYTES:
        raise ValueError(f"a member may tell at most {META_BYTES} bytes about itself, not {len(encoded)}")
    return encoded


def decode_meta(encoded: bytes) -> Meta | None:
    """Return what a stranger's bytes say, or None if they say nothing sensible."""
    if len(encoded) > META_BYTES:
        return None
    try:
        return _decoder.decode(encoded)
    except UNDECODABLE:
        return None


@lru_cache(maxsize=4096)  # parsing an address takes 2 us; a cluster has at most a thousand of them
def is_numeric_host(host: str) -> bool:
    """Whether somebody could be sent a packet there: a numeric address of one host."""
    if len(host) > MAX_HOST_LENGTH:
        return False
    try:
        parsed = ip_address(host)
    except ValueError:
        return False
    return not (parsed.is_multicast or parsed.is_unspecified)


@dataclass(slots=True, eq=False)  # two copies of one member are two things
class Member:
    """One member as this node sees it. Only `precedence.py` changes it; events carry a copy."""

    id: bytes
    address: Address  # of the bus: gossip over UDP, exchanges over TCP
    incarnation: int
    state: State
    meta: Meta
    changed_at: float  # when `state` changed, on this node's clock
    meta_bytes: bytes = field(default=b"", repr=False)  # `meta` as it travels

    @property
    def is_live(self) -> bool:
        return self.state <= State.SUSPECT
