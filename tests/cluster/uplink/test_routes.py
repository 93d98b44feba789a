import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.uplink import registry as registry_module
from respcache.cluster.uplink.registry import Registry
from respcache.cluster.uplink.routes import Answer, Request, answer

ID = "ab" * 20
MEMBERS = "/v1/clusters/c/members"
BODY = b'{"bus": "10.0.0.1:1", "name": "10.0.0.1:2", "ttl_s": 60, "more": []}'
MEMBER = {"id": ID, "bus": "10.0.0.1:1", "name": "10.0.0.1:2"}


def ask(registry: Registry, method: str, target: str, body: bytes = b"", peer: str = "10.9.9.9") -> Answer:
    return answer(registry, Request(method, target, body, peer), 0)


def document(reply: Answer) -> Any:  # whatever JSON holds
    return json.loads(reply.body)


def test_a_member_can_be_put_got_listed_and_deleted() -> None:
    registry = Registry()
    assert document(ask(registry, "PUT", f"{MEMBERS}/{ID}", BODY)) == MEMBER
    assert document(ask(registry, "GET", f"{MEMBERS}/{ID}?pretty")) == MEMBER
    assert document(ask(registry, "GET", MEMBERS)) == {"members": [MEMBER]}
    assert document(ask(registry, "GET", "/healthz")) == {"status": "ok", "clusters": 1, "members": 1}
    assert ask(registry, "DELETE", f"{MEMBERS}/{ID}") == Answer(204)
    assert ask(registry, "DELETE", f"{MEMBERS}/{ID}") == Answer(204)
    assert ask(registry, "GET", f"{MEMBERS}/{ID}").status == 404


def test_a_cluster_that_nobody_knows_has_no_members() -> None:
    assert document(ask(Registry(), "GET", MEMBERS)) == {"members": []}


@pytest.mark.parametrize(
    ("bus", "peer", "expected"),
    [
        ("0.0.0.0:1", "10.9.9.9", "10.9.9.9:1"),
        ("[::]:1", "::ffff:10.9.9.9", "10.9.9.9:1"),
        ("*:1", "fd00::9", "[fd00::9]:1"),
        ("cache-0:1", "10.9.9.9", "cache-0:1"),
    ],
)
def test_a_bus_on_all_addresses_is_where_the_request_came_from(bus: str, peer: str, expected: str) -> None:
    body = json.dumps({"bus": bus}).encode()
    assert document(ask(Registry(), "PUT", f"{MEMBERS}/{ID}", body, peer))["bus"] == expected


def test_names_of_clusters_are_quoted_as_in_every_url() -> None:
    registry = Registry()
    ask(registry, "PUT", f"/v1/clusters/a%2Fb/members/{ID}", BODY)
    assert [member.id for member in registry.members("a/b", 0)] == [ID]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/", b"", 404),
        ("GET", "*", b"", 404),
        ("GET", "/v1/clusters//members", b"", 404),
        ("GET", f"{MEMBERS}/{ID}/more", b"", 404),
        ("GET", f"{MEMBERS}/{ID.upper()}", b"", 400),
        ("GET", "/v1/clusters/a%20b/members", b"", 400),
        ("GET", "/v1/clusters/%00/members", b"", 400),
        ("GET", f"/v1/clusters/{'x' * 65}/members", b"", 400),
        ("POST", "/healthz", b"", 405),
        ("PUT", MEMBERS, BODY, 405),
        ("PATCH", f"{MEMBERS}/{ID}", BODY, 405),
        ("PUT", f"{MEMBERS}/{ID}", b"", 400),
        ("PUT", f"{MEMBERS}/{ID}", b"\xff", 400),
        ("PUT", f"{MEMBERS}/{ID}", b"[" * 4000, 400),
        ("PUT", f"{MEMBERS}/{ID}", b"{}", 400),
        ("PUT", f"{MEMBERS}/{ID}", b'{"bus": "10.0.0.1"}', 400),
        ("PUT", f"{MEMBERS}/{ID}", b'{"bus": "a b:1"}', 400),
        ("PUT", f"{MEMBERS}/{ID}", b'{"bus": "10.0.0.1:1", "ttl_s": 0}', 400),
        ("PUT", f"{MEMBERS}/{ID}", b'{"bus": "10.0.0.1:1", "ttl_s": 1e9}', 400),
        ("PUT", f"{MEMBERS}/{ID}", b'{"bus": "10.0.0.1:1", "name": "' + b"x" * 271 + b'"}', 400),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    method: str, target: str, body: bytes, status: int
) -> None:
    registry = Registry()
    reply = ask(registry, method, target, body)
    assert reply.status == status
    assert document(reply)["error"]
    assert bool(reply.allow) == (status == 405)
    assert registry.count() == (0, 0)


def test_a_full_registry_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_MEMBERS", 0)
    assert ask(Registry(), "PUT", f"{MEMBERS}/{ID}", BODY).status == 507


@given(
    st.sampled_from(["GET", "PUT", "DELETE", "X"]),
    st.text() | st.text().map(lambda text: f"/v1/clusters/{text}/members/{ID}"),
    st.binary() | st.just(BODY),
)
def test_every_request_has_an_answer(method: str, target: str, body: bytes) -> None:
    assert ask(Registry(), method, target, body).status in (200, 204, 400, 404, 405)
