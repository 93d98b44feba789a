"""Commands that one node cannot answer for the cluster, and that ask node after node: SCAN, RANDOMKEY.

SCAN's cursor says which node is being walked and how far: the node's own cursor, then 24 bits that stand for
the node. They follow from its id, so every node gives the same cursor the same meaning. A node that
has gone is passed over. Only what a node owns is in its keyspace, so no key is met at two nodes.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ...commands.client import Client
from ...commands.context import Context
from ...commands.node import Node
from ...commands.pending import Slot
from ...commands.scan_options import parse_cursor
from .batch import Sink
from .destination import Destination
from .directory import Directory
from .frames import ANYWHERE
from .joining import elements
from .runner import Runner

TAG_BITS: Final = 24
"""Two of a hundred nodes share a tag once in 3,000 clusters; then the later one's id decides, see ``_by_tag``."""

TAG_MASK: Final = (1 << TAG_BITS) - 1

NULLS: Final = (b"$-1\r\n", b"_\r\n", b"*-1\r\n")


class Walks:
    """Asks nodes one after the other."""

    def __init__(self, node: Node, directory: Directory, runner: Runner) -> None:
        self._node = node
        self._directory = directory
        self._runner = runner

    def ask(
        self,
        destination: Destination | None,
        client: Client,
        argv: Sequence[bytes],
        sink: Sink,
    ) -> None:
        """Run a command at one node, whatever it owns; at this one where ``destination`` is None."""
        words = list(argv)
        if destination is not None:
            destination.add(client, sink, words, ANYWHERE)
        else:
            self._runner.run_for(client, words, sink.fill)

    def scan(self, context: Context, argv: Sequence[bytes]) -> Slot:
        """Walk on from a cursor."""
        client = context.client
        cursor = parse_cursor(argv[1])
        order = tags(self._nodes())
        local, tag = cursor >> TAG_BITS, cursor & TAG_MASK
        now = next((one for one in order if one >= tag), None)
        if now is None:
            now, local = order[-1], 0  # nodes have gone; the last one's end is the end
        elif now != tag:
            local = 0
        following = next((one for one in order if one > now), 0)
        place = Slot(client.connection)

        def finish(wire: bytes) -> None:
            place.fill(with_cursor(wire, now, following))

        words = [argv[0], b"%d" % local, *argv[2:]]
        self.ask(self._directory.destinations.get(order_id(self._nodes(), now)), client, words, _Then(finish))
        return place

    def ask_around(self, context: Context, argv: Sequence[bytes]) -> Slot:
        """Ask nodes in a random order until one has an answer that is not null."""
        client = context.client
        place = Slot(client.connection)
        order = self._nodes()
        self._node.chance.shuffle(order)

        def ask_next(wire: bytes) -> None:
            if order and wire.startswith(NULLS):
                self.ask(self._directory.destinations.get(order.pop()), client, argv, _Then(ask_next))
            else:
                place.fill(wire)

        ask_next(NULLS[0])
        return place

    def _nodes(self) -> list[bytes]:
        return sorted([self._directory.my_id, *(one.id for one in self._directory.owning_nodes())])


class _Then:
    """What is to be done with a reply, where a sink is wanted."""

    __slots__ = ("fill",)

    def __init__(self, fill: Callable[[bytes], None]) -> None:
        self.fill = fill


def tags(ids: Sequence[bytes]) -> list[int]:
    """Return the tags of nodes in the order of a walk."""
    return sorted(_by_tag(ids))


def order_id(ids: Sequence[bytes], tag: int) -> bytes:
    """Return the node of a tag."""
    return _by_tag(ids)[tag]


def _by_tag(ids: Sequence[bytes]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for one in sorted(ids):
        tag = int.from_bytes(one[:3], "big") or 1  # 0 is where a walk begins
        while tag in found:
            tag = (tag % TAG_MASK) + 1
        found[tag] = one
    return found


def with_cursor(wire: bytes, tag: int, following: int) -> bytes:
    """Return SCAN's reply with the cluster's cursor instead of the node's."""
    if not wire.startswith(b"*"):
        return wire
    cursor_wire, keys = elements(wire)
    local = int(cursor_wire.split(b"\r\n")[1])
    cursor = b"%d" % ((local << TAG_BITS) | tag if local else following)
    return b"*2\r\n$%d\r\n%b\r\n%b" % (len(cursor), cursor, keys)
