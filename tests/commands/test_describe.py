"""What COMMAND INFO and DOCS say about every command of ours, beside what redis-server says of its own."""

from typing import Any

import pytest

from respcache.commands import GROUPS
from respcache.commands.arguments import Access, KeySpan
from respcache.commands.describe import CATEGORIES, acl_categories, describe, document, legacy_key_range
from respcache.commands.spec import Command
from respcache.commands.table import CommandTable
from respcache.protocol.encoder import encode
from tests.rows import every_row
from tests.wire import Node, RawClient, parse

TABLE = CommandTable(GROUPS)

each_that_is_shown = every_row(
    "command", [c for c in TABLE if not c.hidden], called=lambda command: command.full_name
)

NEWEST = (7, 0, 15)
"""What is newer than this, a redis-server 7.0 cannot confirm."""

PROSE = {"summary", "complexity", "history", "notes", "replaced_by"}
"""Sentences are our own."""


def simple(node: Node) -> Any:
    """Bring a reply of RESP3 to Python's types with its kinds kept: sets unordered, maps as dictionaries without prose."""
    if node.is_null:
        return None
    if node.kind == "%":
        named = {key.text.decode(): value for key, value in node.pairs()}
        return {name: simple(value) for name, value in named.items() if name not in PROSE}
    if node.kind == "~":
        return "set", sorted((simple(child) for child in node.children), key=repr)
    if node.kind == "*":
        return [simple(child) for child in node.children]
    return node.kind, node.text


def ours(reply: Any) -> Any:
    return simple(parse(encode(reply, 3)))


def is_newer(since: str) -> bool:
    return tuple(map(int, since.split("."))) > NEWEST


def without_newer_arguments(entry: dict[str, Any]) -> dict[str, Any]:
    kept = dict(entry)
    if "arguments" in entry:
        old = [
            one for one in entry["arguments"] if not ("since" in one and is_newer(one["since"][1].decode()))
        ]
        kept["arguments"] = [without_newer_arguments(one) for one in old]
    return kept


def is_known_to_redis(command: Command, real: RawClient) -> bool:
    return not parse(real.call("COMMAND", "INFO", command.full_name)).children[0].is_null


@pytest.mark.redis
@each_that_is_shown
def test_what_redis_does_not_know_is_newer(command: Command, real: RawClient) -> None:
    for one in [command, *TABLE.children(command)]:
        assert one.hidden or is_newer(one.since) or is_known_to_redis(one, real), one.name


@pytest.mark.redis
@each_that_is_shown
def test_command_info_is_that_of_redis(command: Command, real: RawClient) -> None:
    if not is_known_to_redis(command, real):
        return  # test_what_redis_does_not_know_is_newer
    *theirs, real_children = simple(parse(real.call("COMMAND", "INFO", command.full_name)))[0]
    *mine, children = ours(describe(TABLE, command))
    assert mine == theirs
    if isinstance(children, list):
        for child in children:
            assert child in real_children or is_newer(TABLE[child[0][1].decode().replace("|", " ")].since)
    else:
        assert children == real_children


@pytest.mark.redis
@each_that_is_shown
def test_command_docs_are_those_of_redis(command: Command, real: RawClient) -> None:
    if not is_known_to_redis(command, real):
        return  # test_what_redis_does_not_know_is_newer
    theirs = simple(parse(real.call("COMMAND", "DOCS", command.full_name)))[command.full_name]
    mine = ours(document(TABLE, command))
    children = mine.pop("subcommands", {})
    real_children = theirs.pop("subcommands", {})
    assert without_newer_arguments(mine) == theirs
    for name, child in children.items():
        if name in real_children:
            assert without_newer_arguments(child) == real_children[name], name


@pytest.mark.redis
def test_the_categories_are_those_of_redis(real: RawClient) -> None:
    assert [word.text.decode() for word in parse(real.call("ACL", "CAT")).children] == list(CATEGORIES)


def test_every_category_is_a_known_one() -> None:
    for command in TABLE.everything():
        assert acl_categories(TABLE, command) <= set(CATEGORIES), command.name


def span(first: int, last: int = 0, step: int = 1, *, counted: bool = False) -> KeySpan:
    return KeySpan(first, last, step, counted, Access.RO)


@pytest.mark.parametrize(
    ("spans", "legacy"),
    [
        ([], (0, 0, 0)),
        ([span(1)], (1, 1, 1)),
        ([span(1, -1)], (1, -1, 1)),
        ([span(1, -1, 2)], (1, -1, 2)),
        ([span(1), span(2)], (1, 2, 1)),
        ([span(1), span(2, -1)], (1, -1, 1)),
        ([span(2, counted=True)], (0, 0, 0)),
        ([span(1), span(3, counted=True)], (1, 1, 1)),
        ([span(1), span(4)], (1, 1, 1)),
    ],
)
def test_old_clients_get_one_range_of_keys(spans: list[KeySpan], legacy: tuple[int, int, int]) -> None:
    assert legacy_key_range(spans) == legacy
