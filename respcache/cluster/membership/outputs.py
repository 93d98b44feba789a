"""What the state machine asks of the world, and what it tells the rest of the server."""

from enum import Enum

import msgspec

from respcache.cluster.membership.member import Address, Member, State


class Kind(Enum):
    """What happened to a member."""

    JOINED = "joined"  # heard of for the first time, or back after DEAD or LEFT
    ACTIVE = "active"  # says that it may own data
    SUSPECTED = "suspected"
    REFUTED = "refuted"  # was suspected and lives; of oneself: was suspected or declared dead by others
    DIED = "died"
    LEFT = "left"
    UPDATED = "updated"  # tells something else about itself than before


class Packet(msgspec.Struct, frozen=True):
    """Send this datagram. It may be lost, and nobody minds."""

    address: Address
    payload: bytes


class Exchange(msgspec.Struct, frozen=True):
    """Send this over TCP and hand the reply to `Swim.exchange_done(now, token, reply)`; None if it failed."""

    address: Address
    payload: bytes
    token: int


class Happened(msgspec.Struct, frozen=True):
    """Something happened to a member. `member` is a copy that will not change."""

    kind: Kind
    member: Member
    by: bytes | None  # whoever accused it; None where nobody did
    was: State | None = (
        None  # its state before; of oneself in REFUTED: what the others believed, DEAD or SUSPECT
    )


Output = Packet | Exchange | Happened
