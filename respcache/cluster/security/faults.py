"""What can be wrong with the other end of a link."""

from enum import IntEnum
from typing import Final


class Fault(IntEnum):
    """Why a link ended. The numbers are on the wire: the accepting side tells its reason in a refusal."""

    NOT_A_NODE = 1
    OTHER_VERSION = 2
    OTHER_CLUSTER = 3
    OWN_ID = 4
    OTHER_ID = 5
    PEER_HAS_NO_SECRET = 6
    ONLY_PEER_HAS_SECRET = 7
    NO_COMMON_SECRET = 8
    WRONG_PROOF = 9
    BROKEN_RECORD = 10
    FRAME_SIZE = 11
    TLS = 12

    @property
    def text(self) -> str:
        return _TEXTS[self]

    @property
    def seen_by_the_other(self) -> "Fault":
        """The same fault in the words of the end that has it."""
        return _SEEN_BY_THE_OTHER.get(self, self)


class LinkError(Exception):
    """Ends a link; never leaves `Link`."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        self.fault = fault
        self.last_word: bytes | None = None  # what the peer is told before the end
        super().__init__(f"{fault.text}: {detail}" if detail else fault.text)


_TEXTS: Final = {
    Fault.NOT_A_NODE: "the peer does not speak the protocol between nodes",
    Fault.OTHER_VERSION: "the peer speaks no version of the protocol that we speak",
    Fault.OTHER_CLUSTER: "the peer belongs to a cluster of another name",
    Fault.OWN_ID: "the peer has our own id",
    Fault.OTHER_ID: "the peer is another node than expected",
    Fault.PEER_HAS_NO_SECRET: "the peer has no cluster secret, and we have one",
    Fault.ONLY_PEER_HAS_SECRET: "the peer has a cluster secret, and we have none",
    Fault.NO_COMMON_SECRET: "the peer's cluster secret is none of ours",
    Fault.WRONG_PROOF: "the peer does not know the cluster secret that it names",
    Fault.BROKEN_RECORD: "what came from the peer was altered, repeated or left out on the way",
    Fault.FRAME_SIZE: "the peer sent a frame of a size that is not allowed",
    Fault.TLS: "TLS failed",
}
_SEEN_BY_THE_OTHER: Final = {
    Fault.PEER_HAS_NO_SECRET: Fault.ONLY_PEER_HAS_SECRET,
    Fault.ONLY_PEER_HAS_SECRET: Fault.PEER_HAS_NO_SECRET,
}
