"""From words to the command they call. The answers to strange names were asked of redis-server 7.0.15."""

from collections.abc import Sequence

import pytest

from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.commands.spec import CommandGroup, Flag
from respcache.commands.table import CommandTable
from respcache.protocol.replies import OK, Reply
from tests.rows import every_row


def group_of(*names: str, containers: Sequence[str] = ()) -> CommandGroup:
    group = CommandGroup("test")
    for name in containers:
        group.container(name, since="1.0.0", complexity="O(1)", summary="A container.")
    for name in names:
        declared = group.command(
            name, since="1.0.0", complexity="O(1)", flags=Flag(0), args=(), raw=True, least_words=-1
        )
        declared(handle)
    return group


def handle(context: Context, argv: Sequence[bytes]) -> Reply:
    """Do nothing."""
    return OK


TABLE = CommandTable([group_of("GET", "LIST"), group_of("CLIENT LIST", "CLIENT ID", containers=["CLIENT"])])


def called(*argv: bytes) -> str:
    return TABLE.resolve(argv).name


@pytest.mark.parametrize("word", [b"GET", b"get", b"GeT"])
def test_a_command_may_be_spelled_in_any_case(word: bytes) -> None:
    assert called(word, b"a") == "GET"


@pytest.mark.parametrize("words", [(b"CLIENT", b"ID"), (b"client", b"id"), (b"cLiEnT", b"iD")])
def test_a_subcommand_may_be_spelled_in_any_case(words: tuple[bytes, bytes]) -> None:
    assert called(*words) == "CLIENT ID"


def test_a_subcommand_is_not_the_command_of_the_same_name() -> None:
    assert (called(b"LIST"), called(b"CLIENT", b"LIST")) == ("LIST", "CLIENT LIST")


def test_an_argument_is_not_taken_for_a_subcommand() -> None:
    assert called(b"GET", b"LIST") == "GET"


def test_a_parent_alone_is_the_parent_so_that_its_arity_is_the_fault() -> None:
    assert called(b"CLIENT") == "CLIENT"


@pytest.mark.parametrize("word", [b"", b"ID", b"GET ", b"client|list", b"CLIENT LIST", b"\xff"])
def test_what_is_no_command_is_unknown(word: bytes) -> None:
    with pytest.raises(CommandError, match=r"unknown command '.*', with args beginning with: 'a' "):
        TABLE.resolve([word, b"a"])


@pytest.mark.parametrize("word", [b"", b"GET", b"LIST ", b"\xff"])
def test_what_is_no_subcommand_is_unknown(word: bytes) -> None:
    with pytest.raises(CommandError, match=r"unknown subcommand '.*'\. Try CLIENT HELP\."):
        TABLE.resolve([b"client", word])


@pytest.mark.parametrize(
    ("name", "found"), [(b"get", "GET"), (b"Client", "CLIENT"), (b"client|list", "CLIENT LIST")]
)
def test_a_command_is_found_by_the_name_that_redis_prints(name: bytes, found: str) -> None:
    command = TABLE.find(name)
    assert command is not None
    assert command.name == found


@every_row(
    "name",
    [b"", b"|", b"get|", b"get|list", b"client|", b"client||", b"client|list|x", b"client list", b"|list"],
)
def test_a_name_with_a_bar_is_that_of_a_subcommand_or_of_nothing(name: bytes) -> None:
    assert TABLE.find(name) is None


@pytest.mark.parametrize("name", ["GET", "get", "CLIENT LIST", "client list", "client|list"])
def test_programs_may_write_a_name_as_they_like(name: str) -> None:
    assert TABLE[name] is TABLE.find(name.replace(" ", "|").encode())


def test_a_name_that_nobody_has_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="NOSUCH"):
        TABLE["NOSUCH"]


def test_a_table_goes_through_its_commands_once_and_without_subcommands() -> None:
    assert [command.name for command in TABLE] == ["GET", "LIST", "CLIENT"]


def test_subcommands_are_found_at_their_parent_once() -> None:
    assert [child.name for child in TABLE.children(TABLE["CLIENT"])] == ["CLIENT LIST", "CLIENT ID"]
    assert TABLE.children(TABLE["GET"]) == []


def test_a_parent_is_not_among_what_can_run() -> None:
    assert [one.name for one in TABLE.everything()] == ["GET", "LIST", "CLIENT LIST", "CLIENT ID"]


def test_a_parent_that_runs_by_itself_is() -> None:
    table = CommandTable([group_of("COMMAND", "COMMAND COUNT")])
    assert {one.name for one in table.everything()} == {"COMMAND", "COMMAND COUNT"}


@pytest.mark.parametrize("name", ["GET", "CLIENT LIST"])
def test_a_name_is_declared_once(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is declared twice"):
        CommandTable([group_of("GET", "CLIENT LIST", containers=["CLIENT"]), group_of(name)])


def test_tables_do_not_share_their_commands() -> None:
    assert CommandTable([group_of("SET")]).find(b"get") is None
