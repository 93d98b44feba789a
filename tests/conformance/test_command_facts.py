"""What COMMAND tells clients about each command of ours is what redis-server tells them.

Facts only: names, arity, flags, keys, categories, argument trees. Sentences (summary, complexity, history) are our own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.differences import NEWER_ARGUMENTS, NEWER_COMMANDS
from tests.servers import TARGET, Server
from tests.wire import RawClient, parse

INFO_FIELDS = ["name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specs"]


@pytest.fixture
def reference_client(redis_server: Server) -> Iterator[RawClient]:
    with redis_server.client() as client:
        yield client


@pytest.fixture
def target_client(respcache_server: Server) -> Iterator[RawClient]:
    with respcache_server.client() as client:
        yield client


def ask(client: RawClient, *words: bytes) -> Any:  # Any: replies are as nested as COMMAND likes
    return parse(client.call(*words)).plain()


def fields_of(flat: list[Any]) -> dict[str, Any]:
    return {key.decode(): value for key, value in zip(flat[::2], flat[1::2], strict=True)}


def our_commands(client: RawClient) -> list[bytes]:
    """Return the names of all commands and subcommands that redis-server has, too."""
    return sorted(name for name in ask(client, b"COMMAND", b"LIST") if name.decode() not in NEWER_COMMANDS)


def key_spec(raw: list[Any]) -> dict[str, Any]:
    spec = fields_of(raw)
    spec.pop("notes", None)  # a sentence
    spec["flags"] = sorted(spec["flags"])
    for part in ("begin_search", "find_keys"):
        spec[part] = fields_of(spec[part])
        spec[part]["spec"] = fields_of(spec[part]["spec"])
    return spec


def info_facts(raw: list[Any] | None) -> dict[str, Any] | None:
    if raw is None:
        return None
    facts = dict(zip(INFO_FIELDS, raw, strict=False))
    for unordered in ("flags", "categories", "tips"):
        facts[unordered] = sorted(facts[unordered])
    facts["key specs"] = [key_spec(spec) for spec in facts["key specs"]]
    return facts


def argument(raw: list[Any]) -> dict[str, Any]:
    facts = fields_of(raw)
    facts.pop("display_text", None)  # how a page shows it
    facts["flags"] = sorted(facts.get("flags", []))
    facts["arguments"] = [argument(inner) for inner in facts.get("arguments", [])]
    return facts


def without_newer(command: bytes, arguments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [one for one in arguments if (command.decode(), one["name"].decode()) not in NEWER_ARGUMENTS]
    return [{**one, "arguments": without_newer(command, one["arguments"])} for one in kept]


def docs_facts(command: bytes, raw: list[Any]) -> dict[str, Any]:
    facts = fields_of(raw)
    return {
        "since": facts["since"],
        "group": facts["group"],
        "doc flags": facts.get("doc_flags"),
        "deprecated since": facts.get("deprecated_since"),
        "arguments": without_newer(command, [argument(one) for one in facts.get("arguments", [])]),
    }


def differences(ours: dict[bytes, Any], theirs: dict[bytes, Any]) -> list[str]:
    """List the facts that differ, one line each."""
    return [
        f"{name.decode()}, {field}: {mine.get(field)} where redis-server has {fact}"
        for name, mine in ours.items()
        for field, fact in (theirs[name] or {"name": None}).items()
        if mine.get(field) != fact
    ]


@pytest.mark.redis
def test_command_info_agrees(reference_client: RawClient, target_client: RawClient) -> None:
    names = our_commands(target_client)
    assert len(names) > 100
    ours, theirs = (
        {
            name: info_facts(raw)
            for name, raw in zip(names, ask(client, b"COMMAND", b"INFO", *names), strict=True)
        }
        for client in (target_client, reference_client)
    )
    assert not differences(ours, theirs), "\n".join(differences(ours, theirs))


@pytest.mark.redis
def test_command_docs_agree(reference_client: RawClient, target_client: RawClient) -> None:
    names = our_commands(target_client)
    ours, theirs = (
        {name: docs_facts(name, documented(client, name)) for name in names}
        for client in (target_client, reference_client)
    )
    assert not differences(ours, theirs), "\n".join(differences(ours, theirs))


def documented(client: RawClient, name: bytes) -> list[Any]:
    ((found, docs),) = parse(client.call("COMMAND", "DOCS", name)).pairs()
    assert found.text == name
    facts = docs.plain()
    assert isinstance(facts, list)
    return facts


@pytest.mark.redis
def test_subcommands_are_told_with_their_command(target_client: RawClient) -> None:
    names = ask(target_client, b"COMMAND", b"LIST")
    parents = sorted({name.split(b"|")[0] for name in names if b"|" in name})
    told = {
        subcommand[0] for info in ask(target_client, b"COMMAND", b"INFO", *parents) for subcommand in info[9]
    }
    assert told == {name for name in names if b"|" in name}


@pytest.mark.redis
def test_the_whole_table_is_what_info_tells_of_each(target_client: RawClient) -> None:
    table = ask(target_client, b"COMMAND")
    assert ask(target_client, b"COMMAND", b"COUNT") == len(table)
    assert table == ask(target_client, b"COMMAND", b"INFO", *[row[0] for row in table])


@pytest.mark.redis
def test_each_command_is_documented_in_a_sentence(target_client: RawClient) -> None:
    for name in our_commands(target_client):
        assert fields_of(documented(target_client, name))["summary"], name


@pytest.mark.redis
@pytest.mark.skipif(TARGET == "redis", reason="redis-server has none of them")
@pytest.mark.parametrize("name", NEWER_COMMANDS)
def test_a_newer_command_is_known_to_us_alone(
    name: str, reference_client: RawClient, target_client: RawClient
) -> None:
    assert ask(reference_client, b"COMMAND", b"INFO", name.encode()) == [None]
    assert ask(target_client, b"COMMAND", b"INFO", name.encode()) != [None]


@pytest.mark.redis
@pytest.mark.skipif(TARGET == "redis", reason="redis-server has none of them")
@pytest.mark.parametrize(("command", "name"), NEWER_ARGUMENTS)
def test_a_newer_argument_is_known_to_us_alone(
    command: str, name: str, reference_client: RawClient, target_client: RawClient
) -> None:
    ours, theirs = (
        repr(documented(client, command.encode())) for client in (target_client, reference_client)
    )
    assert f"'{name}'" in ours
    assert f"'{name}'" not in theirs
