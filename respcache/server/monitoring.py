"""What MONITOR shows: every command as it runs, but for those that carry secrets."""

from collections.abc import Sequence

from ..commands.client import Client
from ..commands.node import Node
from ..protocol.replies import SimpleString


def feed_monitors(node: Node, client: Client, argv: Sequence[bytes]) -> None:
    """Send one line about a command to every client in MONITOR mode."""
    wire = monitor_line(node.clock.now_ms, client, argv).wire
    for client_id in tuple(node.monitors):
        monitor = node.clients.get(client_id)
        if monitor is not None:
            monitor.connection.push(wire)


def monitor_line(now_ms: int, client: Client, argv: Sequence[bytes]) -> SimpleString:
    """Spell a command as redis-server's MONITOR does. Our clock has milliseconds only."""
    words = " ".join(quoted(word) for word in argv)
    return SimpleString(
        f"{now_ms // 1000}.{now_ms % 1000:03d}000 [{client.db_index} {client.address}] {words}"
    )


def quoted(word: bytes) -> str:
    """Quote a word so that any byte stays readable on one line."""
    named = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
    shown = "".join(
        named.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in word
    )
    return f'"{shown}"'
