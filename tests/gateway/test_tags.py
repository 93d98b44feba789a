from typing import Any

from respcache.commands.resources import TAG_PREFIX
from respcache.gateway.messages import Request, Together
from respcache.gateway.tags import KEYS_PER_STEP, invalidate, tags_of
from tests.gateway.visitor import HttpHarness


def asked(header: str = "", query: bytes = b"") -> Request:
    return Request("PUT", b"/", query, {"cache-tags": header}, b"")


def test_tags_are_read_once_each_from_both_places() -> None:
    assert tags_of(asked(" a, b ,,a", b"tags=b,c%20d")) == [b"a", b"b", b"c d"]
    assert tags_of(asked()) == []


def test_a_key_leaves_a_tag_before_it_is_deleted() -> None:
    """So who writes it again amid that keeps its tag."""
    steps = invalidate(b"x")
    assert next(steps) == [b"HSCAN", TAG_PREFIX + b"x", b"0", b"COUNT", b"100"]
    wanted: Any = steps.send([b"0", [b"k", b"v"]])
    assert isinstance(wanted, Together)
    assert [words[0] for words in wanted.commands] == [b"RESPCACHE.UNTAG", b"RESPCACHE.REMOVE"]


def test_a_large_tag_goes_in_steps() -> None:
    http = HttpHarness()
    client = http.client()
    for number in range(6 * KEYS_PER_STEP):
        http.visitor()("PUT", f"/v1/keys/{number}", b"1", cache_tags="x")
    session = http.visitor().session
    session.receive(b"DELETE /v1/keys?tag=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert session.is_hungry
    left = client("HLEN respcache:tag:x")
    assert left == client("DBSIZE") - 1 > 0
    while session.is_hungry:
        session.resume()
    assert b'{"deleted":600}' in b"".join(session.take_output())
    assert client("DBSIZE") == 0
