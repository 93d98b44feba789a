"""Promises that hold for every command, read from the table itself: a new command is checked once it is declared."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator

import respcache.commands
from respcache.commands import GROUPS
from respcache.commands.arguments import Access
from respcache.commands.spec import Command, CommandGroup, Trait
from respcache.commands.table import CommandTable
from respcache.protocol.replies import ErrorReply
from tests.commands.calls import least_call, name_words
from tests.commands.copies import Copy
from tests.commands.examples import Example, examples, show
from tests.commands.harness import Harness, HarnessClient
from tests.commands.listeners import TouchedKeys
from tests.commands.snapshots import check_accounts, snapshot
from tests.rows import Test, every_row

TABLE = CommandTable(GROUPS)
EVERY = [command for group in GROUPS for command in group.commands]


def each_of(commands: Iterator[Command]) -> Callable[[Test], Test]:
    return every_row("command", commands, called=lambda command: command.full_name)


each_that_is_shown = each_of(one for one in EVERY if not one.hidden)
each_with_examples = each_of(one for one in EVERY if examples(one))
each_with_keys = each_of(one for one in EVERY if any(Access.NOT_KEY not in span.access for span in one.spans))
each_that_writes = each_of(one for one in EVERY if one.is_write)
each_of_a_type = each_of(one for one in EVERY if one.group in {"string", "hash"})

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


@each_that_is_shown
def test_every_command_is_explained(command: Command, client: HarnessClient) -> None:
    docs = client("COMMAND", "DOCS", command.full_name)[command.full_name.encode()]
    assert len(docs[b"summary"].split()) > 1
    assert re.fullmatch(rb"\d+\.\d+\.\d+", docs[b"since"])
    assert docs[b"group"].decode() == command.group


@each_that_is_shown
def test_every_parent_explains_its_subcommands(command: Command) -> None:
    children = TABLE.children(command)
    assert not children or f"{command.name} HELP" in [child.name for child in children]


@each_that_writes
def test_every_write_command_has_an_example(command: Command) -> None:
    assert any(TABLE.resolve(one.words).name == command.name for one in examples(command))


@each_with_examples
def test_documented_examples_are_true(command: Command) -> None:
    client = Harness().client()
    for example in examples(command):
        assert show(client(example.line)) == example.shown, example.line


# -- keys ------------------------------------------------------------------


@each_with_keys
def test_declared_keys_are_found(command: Command) -> None:
    words = least_call(command)
    assert command.keys_in(words) == [word for word in words if word.startswith(b"key")]


@each_with_examples
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


@each_of(one for one in EVERY if abs(one.arity) > len(name_words(one)))
def test_one_word_too_few_is_an_arity_error(command: Command, harness: Harness) -> None:
    words = least_call(command)[: abs(command.arity) - 1]
    expected = ErrorReply("ERR", f"wrong number of arguments for '{command.full_name}' command")
    assert error_of(harness, words) == expected


@each_of(one for one in EVERY if one.arity > 0)
def test_one_word_too_many_is_an_arity_error(command: Command, harness: Harness) -> None:
    error = error_of(harness, [*least_call(command), b"more"])
    # EXEC says besides that the transaction is over.
    assert error.message.endswith(f"wrong number of arguments for '{command.full_name}' command")


@each_of_a_type
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


@each_with_examples
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


@each_of(one for one in EVERY if one.is_write and one.name != "SWAPDB")
def test_a_copy_ends_with_the_same_keys(command: Command) -> None:
    leader = Harness()
    copy = Copy(leader)
    client = leader.client()
    for example in examples(command):
        client(example.line)
        leader.clock.advance(1_000)
    leader.sweep()
    assert copy.snapshot() == snapshot(leader.node.keyspace)
