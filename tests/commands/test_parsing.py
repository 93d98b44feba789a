"""From raw words to a handler's arguments."""

from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.commands import arguments as arg
from respcache.commands.arguments import Access, Arg, Choice
from respcache.commands.context import Context
from respcache.commands.errors import NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX, CommandError
from respcache.commands.parsing import bind, compile_parser, parameter_name
from respcache.protocol.replies import OK, Reply
from tests.commands.harness import Harness
from tests.rows import every_row

HARNESS = Harness()
CONTEXT = Context(HARNESS.node, HARNESS.client().record)

KEY = arg.key("key", Access.RO)
KEYS = arg.key("key", Access.RO, multiple=True)
VALUE = arg.string("value")
COUNT = arg.integer("count")
LIKE_SET = (
    KEY,
    VALUE,
    arg.one_of("condition", arg.flag("NX"), arg.flag("XX")),
    arg.flag("GET", optional=True),
    arg.one_of(
        "expiration",
        arg.integer("seconds", token="EX"),
        arg.unix_time("unix-time-seconds", token="EXAT"),
        arg.flag("KEEPTTL"),
    ),
)
PAIRS = arg.block("pair", arg.string("field"), VALUE)
ON_OFF = arg.one_of("enabled", arg.flag("ON"), arg.flag("OFF"), optional=False)

Call = tuple[tuple[Any, ...], dict[str, Any]]  # Any: whatever the handler would be given


def call(args: tuple[Arg, ...], *words: bytes, prefix: int = 1) -> Call:
    """Return what a handler of ``args`` is given for these words, the command's name left out."""
    given: list[Call] = []

    def handler(context: Context, *positional: Any, **options: Any) -> Reply:
        given.append((positional, options))
        return OK

    assert bind("try", handler, args, prefix)(CONTEXT, [*[b"TRY"] * prefix, *words]) is OK
    (only,) = given
    return only


def refusal(args: tuple[Arg, ...], *words: bytes) -> str:
    with pytest.raises(CommandError) as caught:
        call(args, *words)
    return caught.value.message


SHAPES: dict[str, tuple[tuple[Arg, ...], tuple[bytes, ...]]] = {
    "nothing": ((), ()),
    "a key": ((KEY,), (b"a",)),
    "a key and a value": ((KEY, VALUE), (b"a", b"1")),
    "three words": ((KEY, VALUE, VALUE), (b"a", b"1", b"2")),
    "a number": ((COUNT,), (b"7",)),
    "a key and a number": ((KEY, COUNT), (b"a", b"7")),
    "a number and a key": ((COUNT, KEY), (b"7", b"a")),
    "two numbers": ((KEY, COUNT, COUNT), (b"a", b"7", b"8")),
    "many keys": ((KEYS,), (b"a", b"b")),
    "a switch": ((ON_OFF,), (b"on",)),
    "options unused": (LIKE_SET, (b"a", b"1")),
    "options used": (LIKE_SET, (b"a", b"1", b"NX", b"EX", b"7")),
    "an option after a key": ((KEY, arg.flag("GET", optional=True)), (b"a", b"GET")),
    "an option after a number": ((COUNT, arg.flag("GET", optional=True)), (b"7",)),
    "pairs": ((KEY, PAIRS), (b"a", b"f", b"v", b"g", b"w")),
}


@every_row("prefix", [1, 2])
@every_row("shape", SHAPES)
def test_the_shortest_binding_means_what_the_whole_parser_means(shape: str, prefix: int) -> None:
    args, words = SHAPES[shape]
    positional, options = compile_parser("try", args, prefix)([*[b"TRY"] * prefix, *words])
    assert call(args, *words, prefix=prefix) == (tuple(positional), options)


def test_words_that_need_no_converting_are_passed_as_they_are() -> None:
    word = b"a" * 100
    assert call((KEY, VALUE), word, word)[0][1] is word


def test_an_option_that_was_not_given_is_left_to_the_handlers_default() -> None:
    assert call(LIKE_SET, b"a", b"1") == ((b"a", b"1"), {})


@given(st.permutations([(b"GET",), (b"NX",), (b"EX", b"10")]))
def test_options_may_come_in_any_order(options: list[tuple[bytes, ...]]) -> None:
    assert call(LIKE_SET, b"a", b"1", *chain(*options)) == (
        (b"a", b"1"),
        {"get": True, "condition": Choice("NX", True), "expiration": Choice("EX", 10)},
    )


@pytest.mark.parametrize("spelled", [b"keepttl", b"KEEPTTL", b"kEEpTtl"])
def test_an_option_may_be_spelled_in_any_case(spelled: bytes) -> None:
    assert call(LIKE_SET, b"a", b"1", spelled)[1] == {"expiration": Choice("KEEPTTL", True)}


@pytest.mark.parametrize(
    "options",
    [(b"NX", b"XX"), (b"EX", b"1", b"EXAT", b"1"), (b"KEEPTTL", b"EX", b"1"), (b"EX", b"1", b"KEEPTTL")],
)
def test_two_alternatives_at_once_are_a_syntax_error(options: tuple[bytes, ...]) -> None:
    assert refusal(LIKE_SET, b"a", b"1", *options) == SYNTAX


def test_an_option_given_twice_counts_as_given_last() -> None:
    assert call(LIKE_SET, b"a", b"1", b"EX", b"1", b"NX", b"EX", b"2", b"NX")[1] == {
        "condition": Choice("NX", True),
        "expiration": Choice("EX", 2),
    }


@pytest.mark.parametrize("word", [b"", b"NOSUCH", b"\xff", "ﬀ".encode(), b"N X", b"EX\0", b"seconds"])
def test_a_word_that_is_no_option_is_a_syntax_error(word: bytes) -> None:
    assert refusal(LIKE_SET, b"a", b"1", word) == SYNTAX


def test_an_option_without_its_value_is_a_syntax_error() -> None:
    assert refusal(LIKE_SET, b"a", b"1", b"GET", b"EX") == SYNTAX


def test_the_value_of_an_option_is_never_taken_for_an_option() -> None:
    args = (KEY, arg.string("match", token="MATCH", optional=True))
    assert call(args, b"a", b"MATCH", b"MATCH")[1] == {"match": b"MATCH"}


def test_the_first_fault_is_the_one_that_is_told() -> None:
    assert refusal(LIKE_SET, b"a", b"1", b"EX", b"x", b"NOSUCH") == NOT_AN_INTEGER
    assert refusal(LIKE_SET, b"a", b"1", b"NOSUCH", b"EX", b"x") == SYNTAX


def test_words_are_converted_by_their_type() -> None:
    args = (arg.string("text"), COUNT, arg.double("score"), arg.unix_time("deadline"))
    assert call(args, b"7", b"7", b"7", b"7")[0] == (b"7", 7, 7.0, 7)


def test_a_conversion_of_its_own_goes_before_that_of_the_type() -> None:
    assert call((KEY, arg.double("increment", convert=bytes.upper)), b"a", b"1e3")[0] == (b"a", b"1E3")


@pytest.mark.parametrize(
    ("one", "message"),
    [(COUNT, NOT_AN_INTEGER), (arg.unix_time("t"), NOT_AN_INTEGER), (arg.double("d"), NOT_A_FLOAT)],
)
def test_what_does_not_convert_is_refused(one: Arg, message: str) -> None:
    assert refusal((KEY, one), b"a", b"x") == refusal((KEY, VALUE, one), b"a", b"1", b"x") == message


def test_many_words_leave_as_many_as_those_after_them_need() -> None:
    assert call((KEYS, COUNT), b"a", b"b", b"c", b"5")[0] == ([b"a", b"b", b"c"], 5)


def test_each_of_many_words_is_converted() -> None:
    assert call((arg.integer("index", multiple=True),), b"1", b"2")[0] == ([1, 2],)


def test_pairs_come_as_tuples() -> None:
    assert call((KEY, PAIRS), b"a", b"f", b"v", b"g", b"w")[0] == (b"a", [(b"f", b"v"), (b"g", b"w")])


def test_the_words_of_a_pair_are_converted_each_by_its_type() -> None:
    scores = arg.block("pair", arg.double("score"), arg.string("member"))
    assert call((KEY, scores), b"a", b"1.5", b"m", b"2", b"n")[0] == (b"a", [(1.5, b"m"), (2.0, b"n")])


def test_half_a_pair_is_a_wrong_number_of_arguments() -> None:
    assert refusal((KEY, PAIRS), b"a", b"f", b"v", b"g") == "wrong number of arguments for 'try' command"


def test_a_switch_takes_one_of_its_words_and_no_other() -> None:
    assert call((ON_OFF,), b"oFf")[0] == (Choice("OFF", True),)
    assert refusal((ON_OFF,), b"maybe") == SYNTAX


def test_an_option_without_a_token_cannot_be_declared() -> None:
    with pytest.raises(AssertionError, match="option count needs a token"):
        compile_parser("try", (KEY, arg.integer("count", optional=True)), 1)


def test_an_arguments_name_becomes_a_parameters() -> None:
    assert parameter_name(arg.string("unix-time:a/b")) == "unix_time_a_b"
