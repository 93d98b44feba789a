"""Promises that hold for every command, read from the table itself: a new command is checked once it is declared."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import respcache.commands
from respcache.commands import GROUPS
from respcache.commands.arguments import Access
from respcache.commands.spec import Command, CommandGroup, Trait
from respcache.commands.table import CommandTable
from respcache.protocol.replies import ErrorReply
from tests.commands.calls import least_call, name_words
from tests.commands.copies import Copy
from tests.commands.examples import Example, examples, show
from tests.commands.harness import Harness
from tests.commands.listeners import TouchedKeys
from tests.commands.snapshots import check_accounts, snapshot

TABLE = CommandTable(GROUPS)
EVERY = [command for group in GROUPS for command in group.commands]


def params(commands: Iterator[Command]) -> list[object]:
    return [pytest.param(command, id=command.full_name) for command in commands]


ALL = params(iter(EVERY))
SHOWN = params(one for one in EVERY if not one.hidden)
WRITES = params(one for one in EVERY if one.is_write)
WITH_EXAMPLES = params(one for one in EVERY if examples(one))
WITH_KEYS = params(one for one in EVERY if any(Access.NOT_KEY not in span.access for span in one.spans))
LONGER_THAN_THEIR_NAMES = params(one for one in EVERY if abs(one.arity) > len(name_words(one)))
EXACT = params(one for one in EVERY if one.arity > 0)
TYPED = params(one for one in EVERY if one.group in {"string", "hash"})

NOT_REFUSED = {
    "SET": "it replaces whatever there was",
    "MGET": "one key of another type must not spoil the answer about all others",
    "LCS": "it has an error of its own",
}
"""Commands of a type that answer a key of another type otherwise than with WRONGTYPE, as in Redis."""

GARBAGE = (b"", b"-1", b"x", b"9223372036854775808", b"\xff\x00\r\n")
"""Stands in for one word after another; each is wrong for some type of argument."""


def error_of(harness: Harness, words: list[bytes]) -> ErrorReply:
    (reply,) = harness.client().send(words[0], *words[1:])
    assert isinstance(reply, ErrorReply), (words, reply)
    return reply


# -- what is written about them --------------------------------------------


def test_every_name_is_used_once() -> None:
    assert len({command.name.upper() for command in EVERY}) == len(EVERY)


def test_every_group_in_the_package_is_served() -> None:
    modules = [
        importlib.import_module(f"respcache.commands.{one.name}")
        for one in pkgutil.iter_modules(respcache.commands.__path__)
    ]
    declared = {id(it) for module in modules for it in vars(module).values() if isinstance(it, CommandGroup)}
    assert declared == {id(group) for group in GROUPS}


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_is_explained(command: Command) -> None:
    docs = Harness().client()("COMMAND", "DOCS", command.full_name)[command.full_name.encode()]
    assert len(docs[b"summary"].split()) > 1
    assert re.fullmatch(rb"\d+\.\d+\.\d+", docs[b"since"])
    assert docs[b"group"].decode() == command.group


@pytest.mark.parametrize("command", SHOWN)
def test_every_parent_explains_its_subcommands(command: Command) -> None:
    children = TABLE.children(command)
    assert not children or f"{command.name} HELP" in [child.name for child in children]


@pytest.mark.parametrize("command", WRITES)
def test_every_write_command_has_an_example(command: Command) -> None:
    assert any(TABLE.resolve(one.words).name == command.name for one in examples(command))


@pytest.mark.parametrize("command", WITH_EXAMPLES)
def test_documented_examples_are_true(command: Command) -> None:
    client = Harness().client()
    for example in examples(command):
        assert show(client(example.line)) == example.shown, example.line


# -- keys ------------------------------------------------------------------


@pytest.mark.parametrize("command", WITH_KEYS)
def test_declared_keys_are_found(command: Command) -> None:
    words = least_call(command)
    assert command.keys_in(words) == [word for word in words if word.startswith(b"key")]


@pytest.mark.parametrize("command", WITH_EXAMPLES)
def test_no_key_is_touched_that_is_not_declared(command: Command) -> None:
    harness = Harness()
    client, touched = harness.client(), TouchedKeys(harness)
    for example in examples(command):
        touched.keys.clear()
        client(example.line)
        called = TABLE.resolve(example.words)
        if Trait.RUNS_TRANSACTION not in called.traits:
            assert touched.keys <= set(called.keys_in(example.words)), example.line


# -- refusals --------------------------------------------------------------


@pytest.mark.parametrize("command", LONGER_THAN_THEIR_NAMES)
def test_one_word_too_few_is_an_arity_error(command: Command) -> None:
    words = least_call(command)[: abs(command.arity) - 1]
    expected = ErrorReply("ERR", f"wrong number of arguments for '{command.full_name}' command")
    assert error_of(Harness(), words) == expected


@pytest.mark.parametrize("command", EXACT)
def test_one_word_too_many_is_an_arity_error(command: Command) -> None:
    error = error_of(Harness(), [*least_call(command), b"more"])
    # EXEC says besides that the transaction is over.
    assert error.message.endswith(f"wrong number of arguments for '{command.full_name}' command")


@pytest.mark.parametrize("command", TYPED)
def test_the_wrong_type_is_refused_and_stays(command: Command) -> None:
    harness = Harness()
    words = least_call(command)
    for key in command.keys_in(words):
        harness.client()(b"HSET" if command.group == "string" else b"SET", key, *other_type(command))
    before = snapshot(harness.node.keyspace)
    (reply,) = harness.client().send(words[0], *words[1:])
    is_refused = isinstance(reply, ErrorReply) and reply.code == "WRONGTYPE"
    replaces = all(Access.OW in span.access for span in command.spans)
    assert is_refused != (replaces or command.name in NOT_REFUSED), reply
    assert not is_refused or snapshot(harness.node.keyspace) == before


def other_type(command: Command) -> tuple[bytes, ...]:
    return (b"field", b"value") if command.group == "string" else (b"value",)


@pytest.mark.parametrize("command", WITH_EXAMPLES)
def test_an_error_leaves_the_keyspace_as_it_was(command: Command) -> None:
    harness = Harness()
    session = examples(command)
    for at, example in enumerate(session):
        for words in bent(example):
            harness.node.keyspace.flush_all()
            harness.node.pause.stop()
            client = harness.client()
            for earlier in session[:at]:
                client(earlier.line)
            before, changes = snapshot(harness.node.keyspace), harness.node.keyspace.journal.changes
            replies = client.send(words[0], *words[1:])
            if replies and isinstance(replies[0], ErrorReply):
                assert snapshot(harness.node.keyspace) == before, words
                assert harness.node.keyspace.journal.changes == changes, words
    check_accounts(harness.node.keyspace)


def bent(example: Example) -> Iterator[list[bytes]]:
    """Yield the example's words with each one but the first replaced, left out, or followed by another."""
    words = example.words
    for at in range(1, len(words)):
        for garbage in GARBAGE:
            yield [*words[:at], garbage, *words[at + 1 :]]
        yield words[:at] + words[at + 1 :]
    yield [*words, b"x"]


# -- copies ----------------------------------------------------------------


@pytest.mark.parametrize("command", params(one for one in EVERY if one.is_write and one.name != "SWAPDB"))
def test_a_copy_ends_with_the_same_keys(command: Command) -> None:
    leader = Harness()
    copy = Copy(leader)
    client = leader.client()
    for example in examples(command):
        client(example.line)
        leader.clock.advance(1_000)
    leader.sweep()
    assert copy.snapshot() == snapshot(leader.node.keyspace)
