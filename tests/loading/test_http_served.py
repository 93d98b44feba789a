"""A server that loads over HTTP, asked by a client as its page says."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis

from tests.servers import running_respcache

SETTINGS = """
[[loading.http]]
pattern = "product:{id}"
url = "URL/products/{id}"
headers = { Authorization = "Bearer ${SHOP_TOKEN}" }
expiration = 60
expiration_jitter = 0
tries = 2

[[loading.http]]
pattern = "price:{id}"
batch_url = "URL/find"
batch_items = "$.found"
batch_key = "id"
value = "$.price"
value_type = "text"

[[loading.http]]
pattern = "user:{{{id}}}"
url = "URL/products/{id}"
value_type = "hash"
"""

LAMP = {"id": 7, "name": "lamp", "price": 19.5}


class Shop(BaseHTTPRequestHandler):
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = {"/products/7": 200, "/products/500": 500}.get(self.path, 404)
        self.asked.append(f"{self.path} {self.headers['Authorization']}")
        self._answer(status, json.dumps(LAMP))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"{self.path} {body.decode()}")
        self._answer(200, json.dumps({"found": [LAMP, {"id": "8", "price": 3}]}))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[tuple[str, list[str]]]:
    """Run a shop; yield its address, and what it is asked."""
    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("OneShop", (Shop,), {"asked": asked})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("no_proxy")
def test_clients_get_what_the_shop_has(
    shop: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = shop
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    (tmp_path / "shop.toml").write_text(SETTINGS.replace("URL", url))
    with (
        running_respcache(tmp_path, str(tmp_path / "shop.toml")) as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        assert client.get("product:7") == json.dumps(LAMP)
        assert client.get("product:7") == json.dumps(LAMP)
        assert 50 < client.ttl("product:7") <= 60
        assert [client.get("product:9") for _ in range(2)] == [None, None]
        assert client.get("product:..") is None
        assert client.mget("price:7", "price:8", "price:9") == ["19.5", "3", None]
        assert client.hgetall("user:{7}") == {"id": "7", "name": "lamp", "price": "19.5"}
        with pytest.raises(redis.ResponseError, match="LOADFAILED the source answers 500"):
            client.get("product:500")
        assert client.get("product:7") == json.dumps(LAMP)
    assert asked == [
        "/products/7 Bearer s3cret",
        "/products/9 Bearer s3cret",
        '/find {"keys":["7","8","9"]}',
        "/products/7 None",
        *2 * ["/products/500 Bearer s3cret"],
    ]
