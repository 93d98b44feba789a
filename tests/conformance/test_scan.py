"""Whole iterations with SCAN and HSCAN: what a full turn of the cursor promises, whatever the cursors look like."""

from collections import Counter

import pytest

from tests.servers import Server
from tests.wire import RawClient, parse

KEYS = [b"key:%d" % number for number in range(500)]


def iterate(client: RawClient, *argv: bytes, between: list[list[bytes]] | None = None) -> Counter[bytes]:
    """Follow the cursor until it is 0 again; ``between`` holds commands to run, one after each page."""
    command, cursor, found = list(argv), b"0", Counter[bytes]()
    place = command.index(b"<cursor>")
    pages = 0
    while True:
        command[place] = cursor
        cursor_node, elements = parse(client.call(*command)).children
        found.update(element.text for element in elements.children)
        cursor, pages = cursor_node.text, pages + 1
        if cursor == b"0":
            return found
        assert pages < 10_000, "the cursor never comes back to 0"
        if between:
            client.call(*between.pop())


@pytest.fixture
def client(respcache_server: Server) -> RawClient:
    client = respcache_server.client()
    client.call("FLUSHALL")
    client.pipeline([[b"SET", key, b"v"] for key in KEYS])
    return client


@pytest.mark.redis
@pytest.mark.parametrize("count", [b"1", b"7", b"100", b"100000"])
def test_a_scan_finds_every_key(client: RawClient, count: bytes) -> None:
    with client:
        assert set(iterate(client, b"SCAN", b"<cursor>", b"COUNT", count)) == set(KEYS)


@pytest.mark.redis
def test_a_scan_of_a_quiet_database_finds_each_key_once(client: RawClient) -> None:
    with client:
        assert set(iterate(client, b"SCAN", b"<cursor>", b"COUNT", b"10").values()) == {1}


@pytest.mark.redis
def test_a_scan_with_a_pattern_finds_what_matches(client: RawClient) -> None:
    with client:
        found = iterate(client, b"SCAN", b"<cursor>", b"MATCH", b"key:1?", b"COUNT", b"10")
    assert set(found) == {b"key:%d" % number for number in range(10, 20)}


@pytest.mark.redis
def test_a_scan_by_type_finds_only_that_type(client: RawClient) -> None:
    with client:
        client.call("HSET", "a-hash", "f", "v")
        assert set(iterate(client, b"SCAN", b"<cursor>", b"TYPE", b"hash")) == {b"a-hash"}


@pytest.mark.redis
def test_keys_that_stay_are_found_while_others_come_and_go(client: RawClient) -> None:
    stay, go = KEYS[::2], KEYS[1::2]
    changes = [[b"DEL", key] for key in go] + [[b"SET", b"new:%d" % number, b"v"] for number in range(400)]
    with client:
        assert set(stay) <= set(iterate(client, b"SCAN", b"<cursor>", b"COUNT", b"5", between=changes))


@pytest.mark.redis
def test_a_scan_of_a_big_hash_finds_every_field(client: RawClient) -> None:
    with client:
        client.call("HSET", "h", *[word for key in KEYS for word in (key, b"value of " + key)])
        found = iterate(client, b"HSCAN", b"h", b"<cursor>", b"COUNT", b"10")
    assert set(found) == {word for key in KEYS for word in (key, b"value of " + key)}


@pytest.mark.redis
def test_fields_that_stay_are_found_while_others_go(client: RawClient) -> None:
    # More fields than a listpack holds: otherwise the whole hash is one page.
    fields = [b"field:%d" % number for number in range(1000)]
    with client:
        client.call("HSET", "h", *[word for field in fields for word in (field, b"v")])
        changes = [[b"HDEL", b"h", field] for field in fields[1::2]]
        assert set(fields[::2]) <= set(
            iterate(client, b"HSCAN", b"h", b"<cursor>", b"COUNT", b"3", between=changes)
        )
