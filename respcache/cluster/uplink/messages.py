"""What nodes and a registry say to each other, in JSON, and how long each part may be."""

from typing import Annotated, Final

import msgspec

ID_PATTERN: Final = "^[0-9a-f]{40}$"

MOST_NAME_BYTES: Final = 64
"""Of a cluster's name: as many as the settings allow."""

SHORTEST_TTL_S: Final = 1
LONGEST_TTL_S: Final = 4 * 3600
"""Three times the longest period between two questions, and some."""

_Endpoint = Annotated[str, msgspec.Meta(max_length=270)]  # the longest name of the DNS, brackets and port


class Registration(msgspec.Struct, frozen=True):
    """The body of PUT: where a node is, and for how many seconds that holds."""

    bus: Annotated[_Endpoint, msgspec.Meta(min_length=1)]
    name: _Endpoint = ""
    ttl_s: Annotated[int, msgspec.Meta(ge=SHORTEST_TTL_S, le=LONGEST_TTL_S)] = 30


class Member(msgspec.Struct, frozen=True):
    """A node that has registered."""

    id: str
    bus: str
    name: str


class Listing(msgspec.Struct, frozen=True):
    """The members of one cluster."""

    members: list[Member]
