"""Messages between nodes, and what nodes must know of each other for that. Does no I/O.

A client's message goes to every other node that is not silent (``silence.py``), on the first channel to each, so the
messages of one publisher keep their order. What the cache itself tells (``respcache:events``, keyspace notifications) goes to nodes
that have said that they listen (``interest.py`` there, ``audience.py`` here). Nothing waits for anybody: see ``bus/outbox.py``.

Nodes with clients that track keys (CLIENT TRACKING) are told every key that changes here. They say so on every
channel, in front of the commands that wait there: no key can be read before its owner knows that it must
tell of changes. When news may have been lost, keys that the other node owns are invalidated.
"""

from collections.abc import Callable, Collection, Iterable
from functools import partial

from ...commands.broker import World
from ...commands.node import Node
from ...commands.pending import Pending
from ...keyspace.slots import key_slot, partition_of
from ...protocol.replies import Reply
from ..bus.directory import Directory
from ..bus.inlet import Inlet
from ..bus.lane import Lane
from ..bus.outbox import Outbox
from .audience import Audience
from .changes import Changes
from .interest import OwnInterest
from .news import (
    Attention,
    Changed,
    Heard,
    Interest,
    Item,
    Message,
    ShardMessage,
    decode_news,
    encode_item,
)
from .peers import FIRST, Peer
from .silence import Silence


class Relay:
    """One node's. See ``commands.broker.Elsewhere``."""

    def __init__(self, node: Node, directory: Directory, now_s: Callable[[], float]) -> None:
        self._broker = node.broker
        self._tracking = node.tracking
        self._directory = directory
        self._now_s = now_s
        self._peers: dict[bytes, Peer] = {}
        self._listening: tuple[Outbox, ...] = ()
        self._audience = Audience()
        self._interest = OwnInterest(node.broker)
        self._silence = Silence(now_s())
        self._changes = Changes(node.keyspace.journal)
        self._generation = 0
        self._attention = Attention(0, False)
        self._received = 0
        self._sent_before = 0
        self._dropped_before = 0
        node.broker.elsewhere = self
        node.tracking.on_trackers = self._attend

    # -- for the broker ------------------------------------------------------------

    def publish(self, channel: bytes, message: bytes) -> int:
        if self._listening:
            item = encode_item(Message(channel, message))
            for outbox in self._listening:
                outbox.add(item)
        return self._audience.count(channel)

    def publish_shard(self, channel: bytes, message: bytes) -> int:
        if self._listening:
            item = encode_item(ShardMessage(channel, message))
            for outbox in self._listening:
                outbox.add(item)
        return self._audience.count_shard(channel)

    def announce(self, channel: bytes, message: bytes) -> None:
        listeners = self._audience.listeners(channel) if self._audience else ()
        if listeners:
            item = encode_item(Message(channel, message))
            for id_ in listeners:
                self._peers[id_].outbox.add(item)

    def has_listeners(self, channel: bytes) -> bool:
        return bool(self._audience) and bool(self._audience.listeners(channel))

    def has_listeners_under(self, prefix: bytes) -> bool:
        return bool(self._audience) and self._audience.has_listeners_under(prefix)

    def note(self, world: World, name: bytes, more: int) -> None:
        has_turned = self._interest.note(name, more) if more else False
        ends_silence = self._silence.note(self._now_s(), is_empty=self._interest.is_empty)
        if self._interest.is_everything and not (has_turned or ends_silence):
            return
        for peer in self._peers.values():
            if has_turned:
                peer.untold.tell_all()
            else:
                peer.untold.tell(world, name)
            peer.outbox.ask()

    def confirmation(self, reply: Reply) -> Reply | Pending:
        return self._silence.confirmation(reply)

    # -- who is there ----------------------------------------------------------------

    def met(self, id: bytes) -> None:
        """Take it that a node is there: messages for it wait from now on."""
        self._peer(id)

    def gone(self, id: bytes) -> None:
        """Take it that a node is not there any more, and that what it owned has changed its owner."""
        peer = self._peers.pop(id, None)
        self._changes.end(id)
        self._silence.forget([id])
        if peer is not None:
            self._sent_before += peer.outbox.sent
            self._dropped_before += peer.outbox.dropped
            self._aim()
            if peer.is_known:
                self._audience.forget(id)
                self._broker.on_interest()

    def lane_opened(self, lane: Lane) -> None:
        """Begin to tell a node on a new connection, before anything else is said there."""
        peer = self._peer(lane.peer_id)
        outbox = peer.outboxes.get(lane.index)
        if outbox is None:
            outbox = peer.outboxes[lane.index] = Outbox()
            outbox.prelude = partial(self._prelude, peer, lane.index)
        lane.outbox, outbox.stir = outbox, lane.stir
        if lane.index == FIRST:
            self._generation += 1
            outbox.generation = self._generation
            peer.untold.tell_all()
            outbox.ask()
        if self._attention.number:
            peer.attention_due.add(lane.index)
            outbox.ask()

    def lane_closed(self, lane: Lane) -> None:
        """Let what is told wait for the next connection."""
        if lane.outbox is not None and lane.outbox.stir == lane.stir:
            lane.outbox.disconnect()
        lane.outbox = None

    def inlet_closed(self, inlet: Inlet) -> None:
        """Take it that news of a node may have been lost, if it has told them here."""
        peer = self._peers.get(inlet.peer_id)
        if peer is not None and peer.inlet is inlet:
            peer.inlet = None
            self._doubt(peer.id)

    def view_changed(self, partitions: Collection[int]) -> None:
        """Take it that partitions have other owners, and their keys perhaps other values.

        Others are told as well: a node that knew of it sooner may have read from this one since, as from the old owner.
        """
        if partitions:
            self._changes.flushed(0)
        if self._attention.is_tracking:
            moved = set(partitions)
            self._tracking.doubt(lambda key: partition_of(key_slot(key)) in moved)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for others to have heard of a subscription."""
        return self._silence.is_waiting

    def tick(self) -> None:
        """Do what is due; called every few hundredths of a second."""
        if self._silence.tick(self._now_s()):
            for peer in self._peers.values():
                peer.untold.is_due = True
                peer.outbox.ask()

    def _peer(self, id: bytes) -> Peer:
        peer = self._peers.get(id)
        if peer is None:
            peer = self._peers[id] = Peer(id)
            peer.outbox.prelude = partial(self._prelude, peer, FIRST)
            self._aim()
        return peer

    def _aim(self) -> None:
        self._listening = tuple(peer.outbox for peer in self._peers.values() if not peer.is_silent)

    # -- going out -------------------------------------------------------------------

    def _prelude(self, peer: Peer, index: int) -> list[bytes]:
        """Return the state of things, as far as a node does not know it yet."""
        items: list[Item] = []
        if index in peer.attention_due:
            peer.attention_due.discard(index)
            items.append(self._attention)
        if index == FIRST:
            if peer.heard:
                items.append(Heard(peer.heard))
                peer.heard = 0
            if peer.untold.is_due:
                items.append(self._interest_for(peer))
            reader = self._changes.readers.get(peer.id)
            changed = reader.take() if reader is not None else None
            if changed is not None:
                items.append(changed)
        return [encode_item(item) for item in items]

    def _interest_for(self, peer: Peer) -> Interest:
        return self._interest.news(
            peer.untold,
            is_silent=self._silence.is_silent,
            asks=not peer.is_known,
            token=self._silence.token_for(peer.id),
        )

    def _attend(self, is_tracking: bool) -> None:
        """Tell every node that clients here begin or have ceased to track keys."""
        self._attention = Attention(self._attention.number + 1, is_tracking)
        for peer in self._peers.values():
            for index, outbox in peer.outboxes.items():
                peer.attention_due.add(index)
                outbox.ask()

    # -- coming in -------------------------------------------------------------------

    def take(self, inlet: Inlet, frame: bytes) -> None:
        """Act on a frame of another node. Raises BrokenFrameError."""
        news = decode_news(frame)
        peer = self._peers.get(inlet.peer_id)
        if peer is not None and news.generation:
            if news.generation < peer.generation:
                return  # of a connection that has ended; what it says is older than what we know
            if news.generation > peer.generation > 0:
                self._doubt(peer.id)
            peer.generation, peer.inlet = news.generation, inlet
        for item in news.items:
            if type(item) is Message:
                self._received += 1
                self._broker.publish(item.channel, item.message)
            elif type(item) is ShardMessage:
                self._received += 1
                self._broker.publish_shard(item.channel, item.message)
            elif type(item) is Changed:
                self._tracking.changed_elsewhere(item.keys)
            elif peer is not None:
                self._take_state(peer, item)

    def _take_state(self, peer: Peer, item: Item) -> None:
        if isinstance(item, Interest):
            self._take_interest(peer, item)
        elif isinstance(item, Heard):
            self._silence.heard(peer.id, item.token)
        elif isinstance(item, Attention) and item.number > peer.attention_number:
            peer.attention_number = item.number
            if item.is_tracking:
                self._changes.begin(peer.id, peer.outbox.ask)
            else:
                self._changes.end(peer.id)

    def _take_interest(self, peer: Peer, interest: Interest) -> None:
        if interest.asks:  # it has forgotten us, or never known
            peer.untold.tell_all()
            peer.attention_due.add(FIRST)
            self._doubt(peer.id)
        if interest.token:
            peer.heard = interest.token
        if interest.asks or interest.token:
            peer.outbox.ask()
        peer.is_known = True
        self._audience.take(peer.id, interest)
        if peer.is_silent is not interest.is_silent:
            peer.is_silent = interest.is_silent
            self._aim()
        self._broker.on_interest()

    def _doubt(self, id: bytes) -> None:
        """Invalidate what clients here have read of a node's keys."""
        if self._attention.is_tracking:
            owners = self._directory.owners
            self._tracking.doubt(lambda key: owners[partition_of(key_slot(key))][:1] == (id,))

    # -- figures -----------------------------------------------------------------------

    def figures(self) -> dict[str, int]:
        """Return what INFO cluster shows."""
        outboxes: Iterable[Outbox] = [peer.outbox for peer in self._peers.values()]
        return {
            "cluster_pubsub_sent": self._sent_before + sum(one.sent for one in outboxes),
            "cluster_pubsub_received": self._received,
            "cluster_pubsub_dropped": self._dropped_before + sum(one.dropped for one in outboxes),
            "cluster_pubsub_channels": len(self._audience.worlds[World.CHANNELS]),
            "cluster_pubsub_patterns": len(self._audience.worlds[World.PATTERNS]),
            "cluster_silent_nodes": len(self._peers) - len(self._listening),
            "cluster_tracking_nodes": len(self._changes.readers),
        }
