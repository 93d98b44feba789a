"""Settings of the sockets: where respcache listens, and how it treats idle connections."""

from .kinds import Integer, Octal, Text, Words, YesNo
from .parameter import Parameter, Section


class Network(Section, title="Network"):
    """Where clients reach the server."""

    bind = Parameter(
        "bind",
        Words(),
        ("127.0.0.1", "-::1"),
        mutable=False,
        doc="Addresses to listen on; * is every address, and one that starts with - may be missing on this machine.",
        reason="A cache without a password should be reachable from its own machine only.",
    )
    port = Parameter(
        "port",
        Integer(0, 65535),
        6379,
        mutable=False,
        doc="TCP port to listen on; 0 is none if there is a Unix socket or a tls-port, else one that the system chooses.",
        reason="The port that every Redis client tries first.",
    )
    unixsocket = Parameter(
        "unixsocket",
        Text(),
        "",
        mutable=False,
        doc="Path of a Unix socket to listen on as well; empty for none.",
        reason="Few need one, and a path would have to be chosen for them.",
    )
    unixsocketperm = Parameter(
        "unixsocketperm",
        Octal(),
        0,
        mutable=False,
        doc="Permissions of the Unix socket in octal; 0 leaves them to the umask.",
        reason="The umask is where an administrator has already said so.",
    )
    protected_mode = Parameter(
        "protected-mode",
        YesNo(),
        True,
        doc="Without a password, serve nobody but clients on this machine.",
        reason="Caches left open to the internet are found and emptied within hours.",
    )
    tcp_backlog = Parameter(
        "tcp-backlog",
        Integer(),
        511,
        mutable=False,
        doc="Connections that may wait to be accepted; the kernel may allow fewer (net.core.somaxconn).",
        reason="As Redis: enough for all clients to reconnect at once after a restart.",
    )
    reuse_port = Parameter(
        "reuse-port",
        YesNo(),
        False,
        mutable=False,
        doc="Share the TCP port with other processes of this user that share it too; the system deals clients out among them.",
        reason="A server started twice by mistake should be told so. The processes of --workers are started with it.",
    )
    tcp_keepalive_seconds = Parameter(
        "tcp-keepalive",
        Integer(),
        300,
        doc="Seconds of silence after which the kernel asks whether a client is still there; 0 never asks.",
        reason="As Redis: it finds dead peers, and keeps the connection known to firewalls between.",
    )
    timeout_seconds = Parameter(
        "timeout",
        Integer(),
        0,
        doc="Close a client that has sent nothing for so many seconds; 0 lets it stay.",
        reason="Connection pools keep idle connections on purpose.",
    )
