"""Which requests become WebSockets."""

import base64

import pytest

from tests.gateway.live import KEY, Live, get, upgrade


def answer(request: bytes) -> str:
    return Live().open(request).read().decode()


def test_the_answer_of_the_rfc() -> None:
    head = answer(upgrade(key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert "Upgrade: websocket\r\n" in head
    assert "Connection: Upgrade\r\n" in head


def test_names_of_protocols_may_be_spelled_as_one_likes() -> None:
    request = upgrade().replace(b"Upgrade: websocket", b"UPGRADE: WebSocket")
    assert answer(request).startswith("HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "request_",
    [
        get("/v1/ws"),
        get("/v1/ws", "Upgrade: websocket"),
        get("/v1/ws", "Connection: Upgrade", "Upgrade: h2c"),
    ],
)
def test_who_does_not_ask_for_a_websocket_is_told_to(request_: bytes) -> None:
    head = answer(request_)
    assert head.startswith("HTTP/1.1 426 ")
    assert "Upgrade: websocket\r\n" in head


@pytest.mark.parametrize("version", ["8", "14", ""])
def test_another_version_is_told_ours(version: str) -> None:
    head = answer(upgrade(version=version))
    assert head.startswith("HTTP/1.1 426 ")
    assert "Sec-WebSocket-Version: 13\r\n" in head


@pytest.mark.parametrize(
    "key", ["", "x", "###", base64.b64encode(b"fifteen bytes..").decode(), KEY + ", " + KEY, "é" * 24]
)
def test_a_key_is_sixteen_bytes(key: str) -> None:
    assert answer(upgrade(key=key)).startswith("HTTP/1.1 400 ")


def test_two_keys_are_none() -> None:
    assert answer(upgrade(f"Sec-WebSocket-Key: {KEY}")).startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost", 101),
        ("https://LOCALHOST", 101),
        ("http://localhost:8379", 403),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("localhost", 403),
    ],
)
def test_pages_of_other_sites_may_not(origin: str, status: int) -> None:
    assert answer(upgrade(f"Origin: {origin}")).startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(("method", "status"), [("POST", 405), ("HEAD", 405), ("PUT", 405)])
def test_a_websocket_begins_with_get(method: str, status: int) -> None:
    assert answer(upgrade(method=method)).startswith(f"HTTP/1.1 {status} ")


def test_it_needs_the_password_and_a_name_of_ours() -> None:
    live = Live(requirepass="secret")
    assert live.open(upgrade()).read().startswith(b"HTTP/1.1 401 ")
    assert live.open(upgrade("Authorization: Bearer secret")).read().startswith(b"HTTP/1.1 101 ")
    strange = upgrade().replace(b"Host: localhost", b"Host: evil.example")
    assert Live().open(strange).read().startswith(b"HTTP/1.1 421 ")


def test_frames_may_come_with_the_request() -> None:
    live = Live()
    ping = b"\x89\x81\x00\x00\x00\x00!"
    assert live.open(upgrade() + ping).read().endswith(b"\r\n\r\n\x8a\x01!")
