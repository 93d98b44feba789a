"""What must hold in a cluster in which nothing happens any more."""

from collections.abc import Iterator, Sequence

from respcache.keyspace.slots import PARTITIONS
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer


def faults_at_rest(world: World) -> list[str]:
    """Name everything that is not as it should be once all is well."""
    peers = [peer for peer in world.peers if not peer.is_dead]
    faults = [] if world.is_at_rest else ["it does not come to rest"]
    for peer in peers:
        faults += [f"node {peer.number}: {fault}" for fault in _faults_of(peer)]
    for partition in range(PARTITIONS):
        faults += [f"partition {partition}: {fault}" for fault in _faults_of_partition(peers, partition)]
        if len(faults) > 20:
            break
    return faults


def _faults_of(peer: Peer) -> Iterator[str]:
    hub = peer.hub
    replication = hub.replication
    serving, offers = replication.serving, replication.offers
    promotion, syncing = replication.promotion, replication.syncing
    yield from peer.leftovers()
    held = {
        "replies are held": replication.holds.waiting,
        "unconfirmed": replication.holds.is_waiting,
        "suspended": serving.suspended,
        "disowned": serving._disowned,
        "set aside": serving.set_aside,
        "offered": offers._kept,
        "doomed": offers._doomed,
        "offers sent": offers._sent,
        "times of offers": offers._next_s,
        "rounds": promotion._rounds,
        "busy": promotion._busy,
        "copies waited for": syncing.waiting,
        "copies on their way": syncing._running,
        "data set aside": replication.holdings._aside,
        "strays": replication.recorder.strays,
    }
    for name, what in held.items():
        if what:
            yield f"{name}: {str(what)[:200]}"
    for peer_id, stream in hub.streams._by_id.items():
        if hub.is_there(peer_id) and (not stream.is_quiet or stream.is_lagging or stream.pace.bytes):
            yield f"the stream to {peer_id[0] - 1} is not quiet: {stream.kept_bytes}, {stream.is_lagging}"
    if set(hub.streams._by_id) - set(hub.others_there()):
        yield "there are streams to nodes that are gone"


def _faults_of_partition(peers: list[Peer], partition: int) -> Iterator[str]:
    servers = [peer.number for peer in peers if partition in peer.hub.replication.serving.served]
    if len(servers) != 1:
        yield f"is served by {servers}"
        return
    known = {
        (epochs.epochs[partition], epochs.servers[partition][:1])
        for epochs in (peer.hub.replication.epochs for peer in peers)
    }
    if len(known) > 1:
        yield f"epochs and servers {known}"
    owners = {peer.hub.owners[partition] for peer in peers}
    if len(owners) > 1:
        yield f"commands go to {owners}"
    server = next(peer for peer in peers if peer.number == servers[0])
    table = server.hub.table(partition)
    for peer in peers:
        yield from _faults_of_holder(peer, partition, table, is_server=peer is server)
    holders = [peer.hub.replication.holdings for peer in peers if peer.id in table]
    if len({holdings.content_digest(partition) for holdings in holders}) > 1:
        yield "its copies differ"


def _faults_of_holder(
    peer: Peer, partition: int, table: Sequence[bytes], *, is_server: bool
) -> Iterator[str]:
    replication = peer.hub.replication
    is_whole = partition in replication.serving.whole
    others = [one for one in table if one != peer.id] if is_server else []
    streams = {peer.hub.stream(one) for one in others}
    if set(replication.holds.required[partition]) != streams:
        yield f"writes at {peer.number} wait for others than its copies"
    if set(replication.recorder.routes[partition]) != streams:
        yield f"{peer.number} tells others than its copies of changes"
    if peer.id not in table and (is_whole or replication.holdings.summary(partition)[0]):
        yield f"lies at {peer.number} as well"
    if peer.id in table and not (is_whole or is_server):
        yield f"the copy of {peer.number} is not known to be whole"
