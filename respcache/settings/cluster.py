"""Settings of the cluster: how a node finds its peers, what it tells them, and how it talks to them.

Each setting is checked for itself here; what several must say together is in ``cluster_rules``, and what is promised about
keys in ``copies``.
"""

import re
from typing import Final

from .kinds import Choice, Integer, Text, Words, YesNo
from .labels import Label
from .parameter import Parameter, Section
from .weights import Weight
from .word_lists import WordList, is_address

PORT: Final = Integer(0, 65535)

NAME_BYTES: Final = 64
HOST_BYTES: Final = 160
"""What a node tells about itself fits 512 bytes: twice the host, zone, machine, and some 60 bytes of numbers."""

MOST_SEEDS: Final = 256
"""Each is asked again and again for ever; a cluster needs a handful."""

MOST_SECRETS: Final = 8
"""A rotation needs two, and each packet that no key opens has cost a trial with every key."""

WAYS: Final = ("static", "dns", "srv", "kubernetes", "multicast", "file", "uplink")
_CLASS: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _is_way(word: str) -> bool:
    return word in WAYS or _CLASS.fullmatch(word) is not None


class Cluster(Section, title="Cluster", table="cluster"):
    """In the file, all of these may stand in a table ``[cluster]`` without the prefix ``cluster-``."""

    cluster_enabled = Parameter(
        "cluster-enabled",
        YesNo(),
        False,
        mutable=False,
        flags=("cluster",),
        doc="Be a node of a cluster: share keys with all peers that are found, and answer for every key.",
        reason="One node is enough until it is not, and needs no further port.",
    )
    cluster_name = Parameter(
        "cluster-name",
        Label(NAME_BYTES, may_be_empty=False),
        "respcache",
        mutable=False,
        doc="Name of the cluster; nodes of another name are no peers, even at an address that once was one's.",
        reason="Whoever has one cluster need not name it.",
    )
    cluster_seeds = Parameter(
        "cluster-seeds",
        WordList("addresses as host:port (the peer's bus port)", check=is_address, most=MOST_SEEDS),
        (),
        mutable=False,
        flags=("seeds",),
        doc="Bus addresses of some peers, as host:port with commas or blanks between them; one that lives is enough.",
        reason="The first node has nobody to join. A node may be among its own seeds, so all may have the same list.",
    )
    cluster_bus_port = Parameter(
        "cluster-bus-port",
        PORT,
        0,
        mutable=False,
        flags=("bus-port",),
        doc="Port for peers, TCP and UDP; 0 is the client port + 10000.",
        reason="As Redis Cluster, whose rules for firewalls then fit.",
    )
    cluster_bus_bind = Parameter(
        "cluster-bus-bind",
        Words(),
        (),
        mutable=False,
        doc="Addresses to listen on for peers, written as for bind; empty for the same as bind.",
        reason="Peers and clients come over the same network, unless you have built two.",
    )
    cluster_port = Parameter(
        "cluster-port",
        PORT,
        0,
        mutable=False,
        doc="A second port for clients that know Redis Cluster: they are sent to the owner of a key; 0 is none. "
        "On the plain port any client reaches every key.",
        reason="Every client works without it; clients that know the protocol save a hop with it.",
    )
    cluster_secrets = Parameter(
        "cluster-secret",
        WordList(f"at most {MOST_SECRETS} words", check=bool, most=MOST_SECRETS),
        (),
        secret=True,
        flags=("secret",),
        doc="Secret that encrypts and authenticates all that peers say to each other; of several words the first seals "
        "and all open, so that it can be changed node by node. On the command line others can read it: better in the "
        "file or the variable.",
        reason="There is none that we could know. Without one, peers are listened to on this machine only.",
    )
    cluster_allow_insecure = Parameter(
        "cluster-allow-insecure",
        YesNo(),
        False,
        mutable=False,
        doc="Listen for peers beyond this machine although there is no secret.",
        reason="Whoever reaches an open bus port can read, change and empty the cache.",
    )
    cluster_zone = Parameter(
        "cluster-zone",
        Label(NAME_BYTES),
        "",
        mutable=False,
        flags=("zone",),
        doc="Name of what fails together with this node: a rack, a site, an availability zone; empty for none.",
        reason="Copies are spread over zones as far as they have names; nobody can guess those.",
    )
    cluster_machine = Parameter(
        "cluster-machine",
        Label(NAME_BYTES),
        "",
        mutable=False,
        doc="Name of the machine; copies of a key never share one while others are free. Empty for the host's own identity.",
        reason="The host knows who it is; give a name where several containers or virtual machines share hardware.",
    )
    cluster_weight = Parameter(
        "cluster-weight",
        Weight(),
        1.0,
        mutable=False,
        flags=("weight",),
        doc="Share of the keys, compared with the weights of peers: 2 owns twice as many as 1.",
        reason="Nodes are usually alike.",
    )
    cluster_announce_host = Parameter(
        "cluster-announce-host",
        Label(HOST_BYTES),
        "",
        mutable=False,
        flags=("announce-host",),
        doc="Name or address under which peers and clients reach this node; empty for the one it listens on.",
        reason="Right unless there is a translation of addresses between, as with containers.",
    )
    cluster_announce_port = Parameter(
        "cluster-announce-port",
        PORT,
        0,
        mutable=False,
        doc="Client port as seen from outside; 0 for port.",
        reason="Ports are rarely translated.",
    )
    cluster_announce_cluster_port = Parameter(
        "cluster-announce-cluster-port",
        PORT,
        0,
        mutable=False,
        doc="Port for cluster clients as seen from outside; 0 for cluster-port.",
        reason="Ports are rarely translated.",
    )
    cluster_announce_bus_port = Parameter(
        "cluster-announce-bus-port",
        PORT,
        0,
        mutable=False,
        doc="Port for peers as seen from outside; 0 for the one that is listened on.",
        reason="Ports are rarely translated.",
    )
    cluster_profile = Parameter(
        "cluster-profile",
        Choice("local", "lan", "wan"),
        "lan",
        mutable=False,
        doc="Timers of failure detection: for nodes on one machine, on one network, or far apart; equal on all nodes.",
        reason="lan calls a silent node dead after some 3 s at 10 nodes, 5 s at 100, and lives with 5 % loss. local is "
        "faster by half, and takes a stall of a tenth of a second for trouble; wan takes ten times as long.",
    )
    cluster_forward_timeout_ms = Parameter(
        "cluster-forward-timeout-ms",
        Integer(10, 600_000),
        1000,
        mutable=False,
        doc="Milliseconds that a peer may take to answer a forwarded command that does not block.",
        reason="A peer that is well answers in one; shorter turns its pauses into errors, longer lets clients wait for the dead.",
    )
    cluster_lanes = Parameter(
        "cluster-lanes",
        Integer(1, 16),
        2,
        mutable=False,
        doc="TCP connections to each peer; a client's commands keep to one of them, and so keep their order.",
        reason="One large value then holds up half of the clients only; each costs both ends a descriptor and some buffers.",
    )
    cluster_discovery = Parameter(
        "cluster-discovery",
        WordList(
            "words of " + ", ".join(WAYS) + " or package.module:Class",
            check=_is_way,
            most=16,  # as many as exist, twice
        ),
        ("static",),
        mutable=False,
        flags=("discovery",),
        doc="Ways to find peers, all at once: static (cluster-seeds), dns, srv, kubernetes, multicast, file, uplink, or a "
        "class of yours.",
        reason="A list of addresses works everywhere.",
    )
    cluster_discovery_period_seconds = Parameter(
        "cluster-discovery-period",
        Integer(1, 3600),
        5,
        mutable=False,
        doc="Seconds between two looks for peers; it never ends.",
        reason="Nodes that start together, or were cut off, find each other within seconds, at a question or two each time.",
    )
    cluster_dns_name = Parameter(
        "cluster-dns-name",
        Text(),
        "",
        mutable=False,
        doc="For dns: the name whose addresses are the peers.",
        reason="It is yours to choose.",
    )
    cluster_dns_port = Parameter(
        "cluster-dns-port",
        PORT,
        0,
        mutable=False,
        doc="For dns: the bus port of all peers; 0 for the one in cluster-dns-name, or else this node's own.",
        reason="Nodes with a name in common are usually configured alike.",
    )
    cluster_srv_name = Parameter(
        "cluster-srv-name",
        Text(),
        "",
        mutable=False,
        doc="For srv: the name of the service, such as _respcache._udp.example.org; its records name hosts and bus ports.",
        reason="It is yours to choose.",
    )
    cluster_kubernetes_service = Parameter(
        "cluster-kubernetes-service",
        Text(),
        "",
        mutable=False,
        doc="For kubernetes: the headless service whose endpoints are the peers, or a selector of labels such as app=cache.",
        reason="It is yours to choose.",
    )
    cluster_kubernetes_namespace = Parameter(
        "cluster-kubernetes-namespace",
        Text(),
        "",
        mutable=False,
        doc="For kubernetes: the namespace of the service; empty for the pod's own.",
        reason="Peers usually live together.",
    )
    cluster_kubernetes_port = Parameter(
        "cluster-kubernetes-port",
        Text(),
        "",
        mutable=False,
        doc="For kubernetes: name or number of the service's port for peers; empty for the bus port of this node.",
        reason="All pods of a StatefulSet listen on the same port.",
    )
    cluster_kubernetes_api = Parameter(
        "cluster-kubernetes-api",
        Text(),
        "",
        mutable=False,
        doc="For kubernetes: URL of the API; empty for the one that Kubernetes tells every pod.",
        reason="Right in every pod.",
    )
    cluster_multicast_group = Parameter(
        "cluster-multicast-group",
        Text(),
        "233.252.1.32",
        mutable=False,
        doc="For multicast: the group that nodes call in; with cluster-multicast-broadcast, an address to broadcast to instead of 255.255.255.255.",
        reason="As libcluster: a group that no well-known service uses.",
    )
    cluster_multicast_port = Parameter(
        "cluster-multicast-port",
        Integer(1, 65535),
        45892,
        mutable=False,
        doc="For multicast: the UDP port that all nodes listen on.",
        reason="As libcluster; nodes on one machine share it.",
    )
    cluster_multicast_interface = Parameter(
        "cluster-multicast-interface",
        Text(),
        "",
        mutable=False,
        doc="For multicast: address of the interface to call on; empty for the one that the system takes.",
        reason="Most machines have one that matters.",
    )
    cluster_multicast_ttl = Parameter(
        "cluster-multicast-ttl",
        Integer(0, 255),
        1,
        mutable=False,
        doc="For multicast: how many networks away calls are heard; 0 is this machine only.",
        reason="Nodes of one network; further needs routers that forward multicast.",
    )
    cluster_multicast_broadcast = Parameter(
        "cluster-multicast-broadcast",
        YesNo(),
        False,
        mutable=False,
        doc="For multicast: broadcast instead, for networks that drop multicast.",
        reason="A broadcast wakes up every machine of the network.",
    )
    cluster_file = Parameter(
        "cluster-file",
        Text(),
        "",
        mutable=False,
        doc="For file: path of a file with one host:port in a line, read again at every look.",
        reason="It is yours to write.",
    )
    cluster_uplink_url = Parameter(
        "cluster-uplink-url",
        Text(),
        "",
        mutable=False,
        doc="For uplink: URL of the registry that nodes register with.",
        reason="It is yours to run.",
    )
    cluster_tls_cert_file = Parameter(
        "cluster-tls-cert-file",
        Text(),
        "",
        mutable=False,
        doc="For TLS between nodes: this node's certificate, PEM, with those between it and the authority's; empty for no TLS.",
        reason="cluster-secret encrypts already, and needs no authority; TLS is for those who must use theirs.",
    )
    cluster_tls_key_file = Parameter(
        "cluster-tls-key-file",
        Text(),
        "",
        mutable=False,
        doc="For TLS between nodes: the key of the certificate, PEM.",
        reason="See cluster-tls-cert-file.",
    )
    cluster_tls_ca_file = Parameter(
        "cluster-tls-ca-file",
        Text(),
        "",
        mutable=False,
        doc="For TLS between nodes: certificates of the authorities that peers' must be signed by, PEM.",
        reason="Peers prove who they are to each other; public authorities sign for everybody.",
    )
