"""A small synchronous client of ours for the command line: one connection, one question at a time."""

import socket
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import hiredis

from .client_tls import ClientTls, reason_of

READ_BYTES: Final = 65536
TIMEOUT_S: Final = 5.0
"""A server that has not answered by then would not pass for alive anywhere."""


def packed(*words: str | bytes | int) -> bytes:
    """Encode a command."""
    wire: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # the stub says a tuple of one
    return wire


class ClientError(Exception):
    """The server cannot be reached, or does not answer as it should; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and how to get in. A path of a Unix socket counts before host and port."""

    host: str = "127.0.0.1"
    port: int = 6379
    socket_path: str = ""
    password: str = field(default="", repr=False)
    tls: ClientTls | None = None

    def __str__(self) -> str:
        if self.socket_path:
            return self.socket_path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Connection:
    """An open connection, logged in if there is a password. Use it in a ``with``."""

    def __init__(self, address: Address, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address
        self._reader = hiredis.Reader()
        try:
            self._socket = _connect(address, timeout_s)
        except OSError as error:
            raise ClientError(f"cannot reach {address}: {_reason(error)}") from None
        if address.password:
            try:
                self.call("AUTH", address.password)
            except ClientError:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def call(self, *words: str | bytes | int) -> object:
        """Send one command and return its reply. An error reply is raised as ClientError."""
        self._send(packed(*words))
        reply = self.receive()
        if isinstance(reply, hiredis.ReplyError):
            raise ClientError(f"{self._address} answered: {reply}")
        return reply

    def receive(self) -> object:
        """Wait for the next reply or message; errors are returned, not raised."""
        reply: object = self._get()
        while reply is False:
            try:
                data = self._socket.recv(READ_BYTES)
            except OSError as error:
                raise self._lost(_reason(error)) from None
            if not data:
                raise ClientError(f"{self._address} closed the connection")
            self._reader.feed(data)
            reply = self._get()
        return reply

    def wait_closed(self, timeout_s: float) -> bool:
        """Wait until the server ends the connection, whatever else it sends; False if it has not by then."""
        deadline_s = time.monotonic() + timeout_s
        try:
            while (rest_s := deadline_s - time.monotonic()) > 0:
                self._socket.settimeout(rest_s)
                if not self._socket.recv(READ_BYTES):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True  # a reset is an end, too
        return False

    def wait_for_ever(self) -> None:
        """Let ``receive`` wait as long as it takes: for subscribers."""
        self._socket.settimeout(None)

    def _send(self, wire: bytes) -> None:
        try:
            self._socket.sendall(wire)
        except OSError as error:
            raise self._lost(_reason(error)) from None

    def _lost(self, reason: str) -> ClientError:
        tls = self._address.tls
        return ClientError(f"lost {self._address}: {reason}{tls.hint(reason) if tls else ''}")

    def _get(self) -> object:
        """Return a complete reply, or False; RESP2 has no truth values, so False is never a reply."""
        try:
            reply: object = self._reader.gets()
        except hiredis.ProtocolError as error:
            raise ClientError(f"{self._address} does not speak Redis' protocol: {error}") from None
        return reply


def _connect(address: Address, timeout_s: float) -> socket.socket:
    if not address.socket_path:
        opened = socket.create_connection((address.host, address.port), timeout_s)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened if address.tls is None else _greeted(opened, address.tls)
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(timeout_s)
    try:
        opened.connect(address.socket_path)
    except OSError:
        opened.close()
        raise
    return opened


def _greeted(opened: socket.socket, tls: ClientTls) -> socket.socket:
    try:
        return tls.context().wrap_socket(opened, server_hostname=tls.name or None)
    except OSError:
        opened.close()
        raise


def _reason(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else reason_of(error)
