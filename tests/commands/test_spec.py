"""What a declaration promises, and what it may not say."""

from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from respcache.commands import arguments as arg
from respcache.commands.arguments import Access, Arg, KeySpan
from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.commands.parsing import Handler
from respcache.commands.spec import REDACTED, Command, CommandGroup, Flag
from respcache.protocol.replies import OK, Reply
from tests.rows import every_row

READ = Access.RO | Access.ACCESS
WRITE = Access.OW | Access.UPDATE
KEY = arg.key("key", READ)
VALUE = arg.string("value")
KEYS = arg.key("key", READ, multiple=True)
GET = arg.flag("GET", optional=True)


def declare(
    handler: Handler,
    *args: Arg,
    name: str = "TRY",
    flags: Flag = Flag.READONLY,
    **more: Any,  # as Declaration
) -> Command:
    return Command(name, handler, "test", "1.0.0", "O(1)", flags, args, **more)


def take_words(context: Context, argv: Sequence[bytes]) -> Reply:
    """Take the words as they come.

    More could be said.
    """
    return list(argv)


def take_one(context: Context, key: bytes) -> Reply:
    """Take one key."""
    return key


def take_two(context: Context, key: bytes, value: bytes) -> Reply:
    """Take a key and a value."""
    return [key, value]


def take_option(context: Context, key: bytes, *, get: bool = False) -> Reply:
    """Take a key and perhaps an option."""
    return [key, get]


def words_of(*args: Arg, **more: Any) -> Command:
    """Declare a command of which only the words matter."""
    return declare(take_words, *args, raw=True, **more)


# -- declarations that do not fit --------------------------------------------


def test_a_handler_must_explain_itself() -> None:
    def silent(context: Context) -> Reply:
        return OK

    with pytest.raises(TypeError, match="TRY: the handler's docstring must start with a sentence"):
        declare(silent)


def test_an_explanation_is_a_sentence() -> None:
    def brief(context: Context) -> Reply:
        """Do it"""
        return OK

    with pytest.raises(TypeError, match="must start with a sentence"):
        declare(brief)


@every_row(
    ("handler", "args"),
    [
        (take_one, ()),
        (take_one, (KEY, VALUE)),
        (take_one, (VALUE,)),
        (take_two, (VALUE, KEY)),
        (take_option, (KEY,)),
        (take_one, (KEY, GET)),
        (take_option, (KEY, arg.flag("GET"))),
        (take_one, (arg.string("key", token="KEY", optional=True),)),
    ],
)
def test_words_and_parameters_must_agree(handler: Handler, args: tuple[Arg, ...]) -> None:
    with pytest.raises(TypeError, match="TRY: declares"):
        declare(handler, *args)


def test_a_handler_that_parses_by_itself_takes_all_the_words() -> None:
    with pytest.raises(TypeError, match="TRY: a raw handler takes"):
        declare(take_two, KEY, VALUE, raw=True)


def test_an_option_needs_a_token_that_tells_it_from_others() -> None:
    with pytest.raises(AssertionError, match="option get needs a token"):
        declare(take_option, KEY, arg.string("get", optional=True))


# -- what follows from one that does ------------------------------------------


def test_a_command_cannot_be_changed() -> None:
    command = declare(take_one, KEY)
    with pytest.raises(FrozenInstanceError):
        command.arity = 7  # type: ignore[misc]


def test_a_subcommand_is_printed_with_a_bar_and_takes_its_parents_word() -> None:
    command = declare(take_one, KEY, name="PARENT CHILD")
    assert (command.full_name, command.arity, command.spans[0].first) == ("parent|child", 3, 2)


def test_a_declaration_may_know_better_than_its_arguments() -> None:
    span = KeySpan(2, 0, 1, False, READ)
    command = words_of(KEY, least_words=-4, keys=(span,))
    assert (command.arity, command.spans) == (-4, (span,))


def test_only_the_flag_makes_a_write() -> None:
    commands = [declare(take_one, KEY, flags=flags) for flags in (Flag.READONLY, Flag.WRITE | Flag.FAST)]
    assert [command.is_write for command in commands] == [False, True]


def test_the_summary_is_the_first_line_of_the_docstring() -> None:
    assert words_of().summary == "Take the words as they come."


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (3, False)])
def test_an_exact_arity_takes_no_word_more_or_less(count: int, fits: bool) -> None:
    assert accepts(declare(take_one, KEY), count) == fits


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (100, True)])
def test_a_negative_arity_is_a_minimum(count: int, fits: bool) -> None:
    assert accepts(declare(take_option, KEY, GET), count) == fits


def accepts(command: Command, count: int) -> bool:
    try:
        command.check_arity([b"TRY"] * count)
    except CommandError as error:
        return error.message != "wrong number of arguments for 'try' command"
    return True


# -- keys -------------------------------------------------------------------


def test_keys_are_named_in_the_order_of_the_words() -> None:
    assert words_of(KEYS, VALUE).keys_in([b"TRY", b"a", b"b", b"c", b"1"]) == [b"a", b"b", b"c"]


def test_values_between_keys_are_no_keys() -> None:
    pairs = arg.block("pair", arg.key("key", WRITE), VALUE)
    assert words_of(pairs).key_positions([b"TRY", b"a", b"1", b"b", b"2"]) == [(1, WRITE), (3, WRITE)]


def test_each_key_has_the_access_of_its_place() -> None:
    command = words_of(arg.key("from", READ), arg.key("to", WRITE))
    assert command.key_positions([b"TRY", b"a", b"b"]) == [(1, READ), (2, WRITE)]


@pytest.mark.parametrize(
    ("count", "keys"), [(b"0", []), (b"1", [b"a"]), (b"2", [b"a", b"b"]), (b"9", [b"a", b"b"]), (b"-1", [])]
)
def test_a_count_says_how_many_keys_follow_it(count: bytes, keys: list[bytes]) -> None:
    command = words_of(arg.integer("numkeys"), KEYS)
    assert command.keys_in([b"TRY", count, b"a", b"b"]) == keys


def test_a_count_that_is_no_number_is_refused() -> None:
    with pytest.raises(CommandError, match="Invalid arguments specified for command"):
        words_of(arg.integer("numkeys"), KEYS).keys_in([b"TRY", b"x", b"a"])


def test_a_call_may_say_itself_what_it_does_to_its_keys() -> None:
    command = words_of(KEYS, access_of_call=lambda argv: WRITE if b"w" in argv else READ)
    assert command.key_positions([b"TRY", b"a"]) == [(1, READ)]
    assert command.key_positions([b"TRY", b"w"]) == [(1, WRITE)]


def test_a_call_that_is_too_short_names_no_key() -> None:
    assert declare(take_two, KEY, VALUE).keys_in([b"TRY"]) == []


# -- secrets ----------------------------------------------------------------


def test_a_call_without_secrets_is_shown_as_it_is() -> None:
    argv = [b"TRY", b"a"]
    assert declare(take_one, KEY).readable(argv) is argv


def test_secrets_are_hidden_and_nothing_else() -> None:
    command = words_of(secrets=lambda argv: range(2, len(argv), 2))
    argv = [b"TRY", b"user", b"password", b"more", b"password"]
    assert command.readable(argv) == [b"TRY", b"user", REDACTED, b"more", REDACTED]
    assert argv[2] == b"password"


# -- groups -----------------------------------------------------------------


def test_declaring_leaves_the_handler_as_it_was() -> None:
    group = CommandGroup("string")
    declaring = group.command("TRY", since="1.0.0", complexity="O(1)", flags=Flag.READONLY, args=(KEY,))
    assert declaring(take_one) is take_one
    (command,) = group.commands
    assert (command.name, command.group, command.handler) == ("TRY", "string", take_one)


def test_a_container_wants_a_subcommand() -> None:
    group = CommandGroup("connection")
    group.container("PARENT", since="2.0.0", complexity="Depends.", summary="A container for tests.")
    (command,) = group.commands
    assert (command.arity, command.summary) == (-2, "A container for tests.")
