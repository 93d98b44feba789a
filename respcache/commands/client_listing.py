"""The lines of CLIENT LIST: one client, one line, in the fields of Redis 7.4.

Programs read them by name, so fields are only ever added at the end. Some
speak of buffers that we do not have; they read 0.
"""

from typing import Final

from .client import Client, Ending

CLIENT_BYTES: Final = 4900
"""Memory of a connection that has nothing to say, with its session, parser and socket: measured with CPython 3.11."""


def client_line(client: Client, now_ms: int, *, is_caller: bool) -> str:
    """Describe a client, without the line's end. Whoever asks has not been idle."""
    idle_ms = 0 if is_caller else now_ms - client.last_used_ms
    transaction = client.transaction
    multi_bytes = multi_size_bytes(client)
    query_bytes = client.connection.query_bytes
    output_bytes = client.connection.output_bytes
    fields: dict[str, object] = {
        "id": client.id,
        "addr": client.address,
        "laddr": client.local_address,
        "fd": client.descriptor,
        "name": client.name.decode(),
        "age": max(now_ms - client.created_ms, 0) // 1000,
        "idle": max(idle_ms, 0) // 1000,
        "flags": flag_letters(client),
        "db": client.db_index,
        "sub": len(client.channels),
        "psub": len(client.patterns),
        "ssub": len(client.shard_channels),
        "multi": -1 if transaction is None else len(transaction.queue),
        "watch": len(client.watched),
        "qbuf": query_bytes,
        "qbuf-free": 0,
        "argv-mem": 0,
        "multi-mem": multi_bytes,
        "rbs": 0,
        "rbp": 0,
        "obl": 0,
        "oll": int(output_bytes > 0),
        "omem": output_bytes,
        "tot-mem": CLIENT_BYTES + multi_bytes + query_bytes + output_bytes,
        "events": "rw" if output_bytes else "r",
        "cmd": client.last_command,
        "user": client.user,
        "redir": -1 if client.tracking is None else client.tracking.redirect_id,
        "resp": client.protocol,
        "lib-name": client.library_name.decode(),
        "lib-ver": client.library_version.decode(),
        "tot-net-in": client.connection.received_bytes,
        "tot-net-out": client.connection.sent_bytes,
    }
    return " ".join(f"{name}={value}" for name, value in fields.items())


def multi_size_bytes(client: Client) -> int:
    """Return the memory of the commands queued since MULTI."""
    return 0 if client.transaction is None else client.transaction.size_bytes


def flag_letters(client: Client) -> str:
    """Return the state of a client in Redis' letters, in Redis' order; N when there is nothing to tell."""
    tracking = client.tracking
    letters = {
        "O": client.is_monitor,
        "P": client.is_subscriber,
        "x": client.transaction is not None,
        "b": client.is_blocked,
        "t": tracking is not None,
        "R": tracking is not None and tracking.is_redirect_broken,
        "B": tracking is not None and tracking.is_broadcast,
        "d": client.is_dirty,
        "c": client.ending is Ending.AFTER_REPLIES,
        "A": client.ending is Ending.AT_ONCE,
        "U": client.address.endswith(":0"),  # a Unix socket's path; no TCP client has port 0
        "e": client.is_unevictable,
        "T": client.leaves_no_trace,
    }
    return "".join(letter for letter, is_so in letters.items() if is_so) or "N"


def client_type(client: Client) -> bytes:
    """Return the client's type as CLIENT LIST and CLIENT KILL know it; Redis counts monitors as normal."""
    return b"pubsub" if client.is_subscriber else b"normal"
