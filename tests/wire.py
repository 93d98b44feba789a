"""Reads and writes RESP byte for byte, for tests that compare raw replies.

A reply is kept exactly as it came. Nothing of respcache is imported: a parser that shared our encoder's mistakes would
hide them.
"""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

# Redis' own word rules for inline commands and redis-cli: "..." with escapes, '...' with only \', or plain words.
_WORD = re.compile(rb"\"((?:[^\"\\]|\\.)*)\"(?!\S)|'((?:[^'\\]|\\.)*)'(?!\S)|([^\s\"']\S*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}

_WITH_PAYLOAD = b"$=!"
_CHILDREN_PER_COUNT = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2}
_ATTRIBUTE = ord("|")


def words(line: str) -> list[bytes]:
    r"""Split a command line as redis-cli would: ``SET "a b" "\x00"`` gives three words."""
    rest, found = line.encode().strip(), []
    while rest:
        match = _WORD.match(rest)
        if match is None:
            raise ValueError(f"unbalanced quotes: {line}")
        double, single, plain = match.groups()
        if double is not None:
            found.append(_ESCAPE.sub(_unescape, double))
        else:
            found.append(plain if single is None else single.replace(b"\\'", b"'"))
        rest = rest[match.end() :].lstrip()
    return found


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes.fromhex(match[1].decode())
    return _NAMED.get(match[2], match[2])


def encode_command(argv: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in argv)


class ReplySplitter:
    """Cut a stream into whole replies, each exactly as it came; nested ones count as one."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._elements_missing = 1

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next_reply(self) -> bytes | None:
        """Return the next whole reply, or None until more bytes come."""
        while self._elements_missing:
            end = self._element_end()
            if end is None:
                return None
            self._position = end
        reply = bytes(self._buffer[: self._position])
        del self._buffer[: self._position]
        self._position, self._elements_missing = 0, 1
        return reply

    def leftover(self) -> bytes:
        """Return what came but is no whole reply."""
        return bytes(self._buffer)

    def _element_end(self) -> int | None:
        line_end = self._buffer.find(b"\r\n", self._position)
        if line_end < 0:
            return None
        kind, end = self._buffer[self._position], line_end + 2
        children = 0
        if kind in _WITH_PAYLOAD:
            size = int(self._buffer[self._position + 1 : line_end])
            end += size + 2 if size >= 0 else 0
            if end > len(self._buffer):
                return None
        elif kind in _CHILDREN_PER_COUNT:
            children = max(0, int(self._buffer[self._position + 1 : line_end])) * _CHILDREN_PER_COUNT[kind]
        elif kind == _ATTRIBUTE:  # stands before the reply that it describes
            children = 2 * int(self._buffer[self._position + 1 : line_end]) + 1
        elif kind not in b"+-:_,#(":
            raise ValueError(f"no RESP type starts so: {bytes(self._buffer[self._position :][:40])!r}")
        self._elements_missing += children - 1
        return end


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a reply: its type byte, its first line or payload, and its children; maps have keys and values in turn.

    Two nodes are equal exactly when the replies are: nothing of the wire is lost.
    """

    kind: str
    text: bytes
    children: tuple["Node", ...] = ()
    is_null: bool = False  # "$-1" is not the string of two bytes "-1"

    @property
    def is_error(self) -> bool:
        return self.kind in "-!"

    def pairs(self) -> list[tuple["Node", "Node"]]:
        """Pair the children up: a map of RESP3, or the flat list that RESP2 has for it."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    def plain(self) -> object:
        """Bring the value to Python's own types; a map of either protocol stays a list."""
        if self.is_null:
            return None
        if self.kind in "*~>%":
            return [child.plain() for child in self.children]
        return int(self.text) if self.kind == ":" else self.text


def parse(reply: bytes) -> Node:
    """Parse one whole reply."""
    (node,) = _nodes(reply)
    return node


def _nodes(stream: bytes) -> Iterator[Node]:
    position = 0
    while position < len(stream):
        node, position = _node(stream, position)
        yield node


def _node(stream: bytes, position: int) -> tuple[Node, int]:
    line_end = stream.index(b"\r\n", position)
    kind, text, end = stream[position], stream[position + 1 : line_end], line_end + 2
    if kind == ord("_") or (kind in b"$*" and text == b"-1"):
        return Node(chr(kind), text, is_null=True), end
    if kind in _WITH_PAYLOAD:
        size = int(text)
        return Node(chr(kind), stream[end : end + size]), end + size + 2
    if kind not in _CHILDREN_PER_COUNT:
        return Node(chr(kind), text), end
    children = []
    for _ in range(int(text) * _CHILDREN_PER_COUNT[kind]):
        child, end = _node(stream, end)
        children.append(child)
    return Node(chr(kind), text, tuple(children)), end


class RawClient:
    """A blocking connection that sends bytes and reads replies as they are on the wire."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", timeout_seconds: float = 5.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout_seconds = timeout_seconds
        self._replies = ReplySplitter()
        self.is_closed = False  # by the server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Let ``select`` wait for this client."""
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        """Send bytes as they are. A server that has closed is noticed by the next read."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.is_closed = True

    def send_command(self, *argv: bytes | str) -> None:
        self.send(encode_command([word.encode() if isinstance(word, str) else word for word in argv]))

    def read_reply(self) -> bytes:
        """Read one exact reply.

        Raises EOFError when the server closes first and TimeoutError when it stays silent.
        """
        while (reply := self._replies.next_reply()) is None:
            if not self._receive():
                raise EOFError(f"the server closed; unread: {self._replies.leftover()!r}")
        return reply

    def read_replies(self, count: int) -> list[bytes]:
        return [self.read_reply() for _ in range(count)]

    def read_until_closed(self) -> bytes:
        """Read all that is left in the stream, cut into replies or not."""
        while self._receive():
            pass
        return self._replies.leftover()

    @property
    def is_mid_reply(self) -> bool:
        """Whether a part of a reply has been read, but not the whole."""
        return bool(self._replies.leftover())

    def available_replies(self) -> list[bytes]:
        """Return the whole replies that have arrived, without waiting for more."""
        self._socket.settimeout(0)
        try:
            while self._receive():
                pass
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(self._timeout_seconds)
        return list(iter(self._replies.next_reply, None))

    def call(self, *argv: bytes | str) -> bytes:
        """Send one command and read one reply."""
        self.send_command(*argv)
        return self.read_reply()

    def pipeline(self, commands: list[list[bytes]]) -> list[bytes]:
        """Send all commands in one go, then read as many replies."""
        self.send(b"".join(map(encode_command, commands)))
        return self.read_replies(len(commands))

    def _receive(self) -> bool:
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if data:
            self._replies.feed(data)
        else:
            self.is_closed = True
        return bool(data)
