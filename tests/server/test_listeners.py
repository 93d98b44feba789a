"""Opening sockets, and telling who is at the other end."""

import socket
from pathlib import Path

import pytest

from respcache.server.listeners import (
    CannotListenError,
    address_of,
    open_tcp_listeners,
    open_unix_listener,
    prepare_client_socket,
)


def test_every_host_is_bound_to_the_same_port() -> None:
    listeners = open_tcp_listeners(["127.0.0.1", "-::1"], 0, 16)
    assert len({listener.getsockname()[1] for listener in listeners}) == 1
    for listener in listeners:
        listener.close()


def test_an_optional_address_may_be_missing() -> None:
    [listener] = open_tcp_listeners(["127.0.0.1", "-192.0.2.1"], 0, 16)
    listener.close()


def test_a_missing_address_is_named() -> None:
    with pytest.raises(CannotListenError, match=r"cannot listen on 192\.0\.2\.1:0: "):
        open_tcp_listeners(["192.0.2.1"], 0, 16)


def test_a_port_in_use_is_named() -> None:
    [first] = open_tcp_listeners(["127.0.0.1"], 0, 16)
    port = first.getsockname()[1]
    with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}: Address already in use"):
        open_tcp_listeners(["127.0.0.1"], port, 16)
    first.close()


def test_a_shared_port_is_shared_with_those_who_share_it_and_nobody_else() -> None:
    [first] = open_tcp_listeners(["127.0.0.1"], 0, 16, is_shared=True)
    port = first.getsockname()[1]
    [second] = open_tcp_listeners(["127.0.0.1"], port, 16, is_shared=True)
    with pytest.raises(CannotListenError, match="Address already in use"):
        open_tcp_listeners(["127.0.0.1"], port, 16)
    first.close()
    second.close()


def test_a_socket_file_left_behind_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    open_unix_listener(path, 0o600, 16).close()
    listener = open_unix_listener(path, 0o600, 16)
    assert Path(path).stat().st_mode & 0o777 == 0o600
    listener.close()


def test_a_socket_file_in_use_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    first = open_unix_listener(path, None, 16)
    with pytest.raises(CannotListenError):
        open_unix_listener(path, None, 16)
    first.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(CannotListenError):
        open_unix_listener(str(path), None, 16)
    assert path.read_text() == "mine"


def test_loopback_clients_are_local_and_prepared() -> None:
    [listener] = open_tcp_listeners(["127.0.0.1"], 0, 16)
    client = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    peer = address_of(accepted)
    assert peer.is_local
    assert peer.address == f"127.0.0.1:{client.getsockname()[1]}"
    assert peer.local_address == f"127.0.0.1:{listener.getsockname()[1]}"
    prepare_client_socket(accepted, 300)
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    for sock in (client, accepted, listener):
        sock.close()
