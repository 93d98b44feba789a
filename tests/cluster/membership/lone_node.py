"""One node under test: messages of made-up members go in, and its packets are read like the others would."""

from random import Random
from typing import TypeVar

from respcache.cluster.membership.member import ID_BYTES, Address, Member, Phase, State, encode_meta
from respcache.cluster.membership.messages import Alive, Message, encode, pack, unpack
from respcache.cluster.membership.outputs import Exchange, Happened, Kind, Output, Packet
from respcache.cluster.membership.profiles import LAN, Profile
from respcache.cluster.membership.swim import Swim
from tests.cluster.membership.simulator import address_of, meta_of

M = TypeVar("M", bound=Message)


def id_of(number: int) -> bytes:
    return bytes([number]) * ID_BYTES


def alive(number: int, incarnation: int = 1, phase: Phase = Phase.ACTIVE) -> Alive:
    return Alive(incarnation, id_of(number), *address_of(number), encode_meta(meta_of(number, phase)))


class LoneNode:
    """Node 0, its clock, and everything that it has put out since it was last asked."""

    def __init__(self, *others: int, profile: Profile = LAN, fast_path: bool = True) -> None:
        self.now = 100.0
        self.lag_s = 0.0
        self.outputs: list[Output] = []
        self.swim = Swim(
            id_of(0),
            address_of(0),
            meta_of(0),
            profile,
            Random(1),
            self.now,
            loop_lag_s=lambda: self.lag_s,
            fast_path=fast_path,
        )
        self.receive(*(alive(number) for number in others))
        self.outputs.clear()

    def receive(self, *messages: Message, source: int | Address = 99) -> None:
        """Take one packet, from a stranger unless `source` is told."""
        address = address_of(source) if isinstance(source, int) else source
        payload = pack([encode(message) for message in messages])
        self.outputs += self.swim.receive(self.now, payload, address)

    def run_for(self, seconds: float) -> None:
        """Let time pass, in time for every deadline."""
        end = self.now + seconds
        while self.swim.next_deadline() <= end:
            self.now = max(self.now, self.swim.next_deadline())
            self.outputs += self.swim.tick(self.now)
        self.now = end

    def member(self, number: int) -> Member:
        return self.swim.members[id_of(number)]

    def state(self, number: int) -> State | None:
        member = self.swim.members.get(id_of(number))
        return None if member is None else member.state

    def sent(self, kind: type[M], to: int | None = None) -> list[M]:
        """Return the messages of a kind that were sent."""
        packets = [output for output in self.outputs if isinstance(output, Packet)]
        return [
            message
            for packet in packets
            if to is None or packet.address == address_of(to)
            for message in unpack(packet.payload)[0]
            if isinstance(message, kind)
        ]

    def exchanges(self) -> list[Exchange]:
        return [output for output in self.outputs if isinstance(output, Exchange)]

    def events(self) -> list[Happened]:
        return [output for output in self.outputs if isinstance(output, Happened)]

    def kinds(self, number: int) -> list[Kind]:
        return [event.kind for event in self.events() if event.member.id == id_of(number)]
