"""Opening the sockets that clients connect to, and looking at those who do."""

import logging
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)


class CannotListenError(OSError):
    """An address could not be opened; the text says which and why."""


class PeerAddress(msgspec.Struct, frozen=True):
    """Who is at the other end, as CLIENT LIST spells it."""

    address: str
    local_address: str
    is_local: bool


def open_tcp_listeners(
    hosts: Sequence[str], port: int, backlog: int, *, is_shared: bool = False
) -> list[socket.socket]:
    """Bind every host; one with a leading ``-`` may be missing on this machine, as in Redis. ``*`` is all.

    With ``is_shared`` other processes of the same user may bind the same, and the system deals clients out among all.
    """
    opened: list[socket.socket] = []
    try:
        for name in hosts:
            is_optional, host = name.startswith("-"), name.removeprefix("-")
            try:
                listener = _open_tcp(host, port, backlog, is_shared=is_shared)
            except OSError as error:
                if is_optional:
                    continue
                raise CannotListenError(
                    f"cannot listen on {host}:{port}: {error.strerror or error}"
                ) from error
            opened.append(listener)
            if port == 0:
                port = listener.getsockname()[1]
    except BaseException:
        for listener in opened:
            listener.close()
        raise
    return opened


def _open_tcp(host: str, port: int, backlog: int, *, is_shared: bool) -> socket.socket:
    if host in ("*", ""):
        host = "0.0.0.0"  # asked for in so many words
    elif host == "::*":
        host = "::"
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def open_unix_listener(path: str, permissions: int | None, backlog: int) -> socket.socket:
    """Bind a Unix socket; one left over from a server that has died is replaced."""
    old = Path(path)
    if old.exists() and stat.S_ISSOCK(old.stat().st_mode) and not _somebody_listens(path):
        old.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        if permissions is not None:
            os.chmod(path, permissions)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise CannotListenError(f"cannot listen on {path}: {error.strerror or error}") from error
    return listener


def close_listener(listener: socket.socket) -> None:
    """Close a socket that clients connect to; a Unix socket's file goes with it."""
    if listener.family == socket.AF_UNIX:
        Path(listener.getsockname()).unlink(missing_ok=True)
    listener.close()


def _somebody_listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def address_of(sock: socket.socket) -> PeerAddress:
    """Tell who is at the other end of an accepted socket."""
    if sock.family == socket.AF_UNIX:
        path = f"{sock.getsockname()}:0"
        return PeerAddress(path, path, is_local=True)
    try:
        peer, local = sock.getpeername(), sock.getsockname()
    except OSError:
        return PeerAddress("?:0", "?:0", is_local=False)
    host = str(peer[0])
    is_local = host == "::1" or host.startswith(("127.", "::ffff:127."))
    return PeerAddress(_spell(peer), _spell(local), is_local)


def _spell(address: tuple[str | int, ...]) -> str:
    host = str(address[0])
    return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"


def prepare_client_socket(sock: socket.socket, keepalive_seconds: int) -> None:
    """Set what every accepted TCP socket needs."""
    if sock.family == socket.AF_UNIX:
        return
    # Replies are whole before we send them; waiting for more would only add 40 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if keepalive_seconds > 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepalive_seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(keepalive_seconds // 3, 1))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
