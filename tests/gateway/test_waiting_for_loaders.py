"""A request for a key that is missing waits until it is loaded; nothing else does, and loaders hear of no other keys."""

import json
from pathlib import Path

from tests.conftest import StartServer
from tests.gateway.test_gateway import HttpServer, read_all
from tests.gateway.visitor import request
from tests.servers import free_port

SECONDS = 0.5


def test_missing_keys_are_loaded_once_for_all_who_ask(start_respcache: StartServer, tmp_path: Path) -> None:
    log, port = tmp_path / "calls", free_port()
    table = {
        "class": "tests.cluster.e2e.loaders:Slow",
        "options": {"log": str(log), "seconds": SECONDS},
        "pattern": "*",
    }
    server = start_respcache("--http", str(port), "--loading-loaders", json.dumps([table]))
    http = HttpServer(server, port)
    last = {"Connection": "close"}
    asked = [http.connect() for _ in range(10)]
    for sock in asked:
        sock.sendall(request("GET", "/v1/keys/slow:1", headers={"Accept": "*/*"}))
        sock.sendall(request("GET", "/healthcheck", headers=last))
    assert http.ask(request("GET", "/healthcheck", headers=last))[0].status == 200
    for sock in asked:
        with sock:
            answers = read_all(sock)
        assert [one.body for one in answers] == [b"value of slow:1", b"{}"]
    http.ask(
        request("PUT", "/v1/keys/slow:2", b"1", last | {"Cache-Tags": "x", "Content-Type": "text/plain"})
    )
    for tag in ("x", "none"):
        http.ask(request("DELETE", f"/v1/keys?tag={tag}", headers=last))
    calls = [keys for _, keys in map(json.loads, log.read_text().splitlines())]
    assert calls[0] == ["slow:1"]
    assert all(not key.startswith("respcache:") for keys in calls for key in keys)
    assert sum("slow:1" in keys for keys in calls) == 1


def test_of_two_who_create_a_key_that_the_database_has_none_wins(
    start_respcache: StartServer, tmp_path: Path
) -> None:
    port = free_port()
    table = {
        "class": "tests.cluster.e2e.loaders:Slow",
        "options": {"log": str(tmp_path / "calls"), "seconds": SECONDS},
    }
    http = HttpServer(start_respcache("--http", str(port), "--loading-loaders", json.dumps([table])), port)
    asked = [http.connect() for _ in range(2)]
    for sock in asked:
        only_new = {"Connection": "close", "If-None-Match": "*"}
        sock.sendall(request("PUT", "/v1/keys/slow:1", b"mine", only_new))
    for sock in asked:
        with sock:
            assert [one.status for one in read_all(sock)] == [412]
