"""What must hold in a cluster in which nothing happens any more."""

from collections.abc import Iterator

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
    for id, stream in hub.streams._by_id.items():
        if hub.is_there(id) and (not stream.is_quiet or stream.is_lagging or stream._bulk_bytes):
            yield f"the stream to {id[0] - 1} is not quiet: {stream.kept_bytes}, {stream.is_lagging}"
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
    digests = set()
    for peer in peers:
        replication = peer.hub.replication
        if peer.id in table:
            digests.add(replication.holdings.content_digest(partition))
        elif replication.holdings.summary(partition)[0] or partition in replication.serving.whole:
            yield f"lies at {peer.number} as well"
        if peer is server:
            streams = {replication._ground.stream(id) for id in table if id != peer.id}
            if set(replication.holds.required[partition]) != streams:
                yield "writes do not wait for all copies"
            if set(replication.recorder.routes[partition]) != streams:
                yield "changes are not told to all copies"
        elif replication.holds.required[partition] or replication.recorder.routes[partition]:
            yield f"{peer.number} tells of it as well"
        elif peer.id in table and replication.serving.whole.get(partition) is None:
            yield f"the copy of {peer.number} is not known to be whole"
    if len(digests) > 1:
        yield "its copies differ"
