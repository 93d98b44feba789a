"""What follows from a declaration of arguments: its widths, its arity, and where the keys stand."""

import pytest

from respcache.commands import arguments as arg
from respcache.commands.arguments import Access, Arg, KeySpan, arity, key_spans, width
from tests.rows import every_row

READ = Access.RO | Access.ACCESS
WRITE = Access.OW | Access.UPDATE
KEY = arg.key("key", READ)
KEYS = arg.key("key", READ, multiple=True)
VALUE = arg.string("value")
PAIRS = arg.block("pair", arg.key("key", WRITE), VALUE)
EX_OR_KEEP = arg.one_of("expiration", arg.integer("seconds", token="EX"), arg.flag("KEEPTTL"))

WIDTHS: dict[str, tuple[Arg, tuple[int, bool]]] = {
    "a word": (VALUE, (1, True)),
    "a bare flag": (arg.flag("NX"), (1, True)),
    "a word after its token": (arg.integer("count", token="COUNT"), (2, True)),
    "one word or more": (KEYS, (1, False)),
    "an option": (arg.integer("count", token="COUNT", optional=True), (0, False)),
    "a pair": (arg.block("pair", KEY, VALUE, multiple=False), (2, True)),
    "pairs": (PAIRS, (2, False)),
    "a block after its token": (arg.block("limit", VALUE, VALUE, token="LIMIT", multiple=False), (3, True)),
    "a block with an option in it": (arg.block("pair", KEY, EX_OR_KEEP, multiple=False), (1, False)),
    "alternatives of one width": (
        arg.one_of("s", arg.flag("ON"), arg.flag("OFF"), optional=False),
        (1, True),
    ),
    "alternatives of many": (arg.one_of("s", *EX_OR_KEEP.members, optional=False), (1, False)),
    "optional alternatives": (EX_OR_KEEP, (0, False)),
}

ARITIES: dict[str, tuple[tuple[Arg, ...], int]] = {
    "PING without words": ((), 1),
    "GET key": ((KEY,), 2),
    "SET key value": ((KEY, VALUE), 3),
    "SET key value [EX seconds]": ((KEY, VALUE, EX_OR_KEEP), -3),
    "DEL key ...": ((KEYS,), -2),
    "MSET key value ...": ((PAIRS,), -3),
}

SPANS: dict[str, tuple[tuple[Arg, ...], list[KeySpan]]] = {
    "no key": ((VALUE,), []),
    "GET key": ((KEY,), [KeySpan(1, 0, 1, False, READ)]),
    "DEL key ...": ((KEYS,), [KeySpan(1, -1, 1, False, READ)]),
    "BLPOP key ... timeout": ((KEYS, VALUE), [KeySpan(1, -2, 1, False, READ)]),
    "BITOP operation key key ...": (
        (VALUE, arg.key("destination", WRITE), KEYS),
        [KeySpan(2, 0, 1, False, WRITE), KeySpan(3, -1, 1, False, READ)],
    ),
    "MSET key value ...": ((PAIRS,), [KeySpan(1, -1, 2, False, WRITE)]),
    "EVAL script numkeys key ...": (
        (VALUE, arg.integer("numkeys"), KEYS),
        [KeySpan(3, -1, 1, True, READ)],
    ),
    "a key behind an option": ((VALUE, EX_OR_KEEP, KEY), []),
}


@every_row("declared", WIDTHS)
def test_a_width_is_the_fewest_words_and_whether_there_may_be_more(declared: str) -> None:
    one, expected = WIDTHS[declared]
    assert width(one) == expected


@pytest.mark.parametrize("declared", ARITIES)
def test_an_arity_is_exact_or_negative_for_a_minimum(declared: str) -> None:
    args, words = ARITIES[declared]
    assert arity(args, prefix=1) == words


@pytest.mark.parametrize("declared", ARITIES)
def test_a_subcommand_takes_a_word_more(declared: str) -> None:
    args, words = ARITIES[declared]
    assert arity(args, prefix=2) == words + (1 if words > 0 else -1)


@every_row("declared", SPANS)
def test_keys_are_found_in_the_declaration(declared: str) -> None:
    args, spans = SPANS[declared]
    assert list(key_spans(args, prefix=1)) == spans


def test_the_keys_of_a_subcommand_stand_a_word_later() -> None:
    assert key_spans((KEY,), prefix=2) == (KeySpan(2, 0, 1, False, READ),)


def test_no_key_is_guessed_behind_what_the_client_may_stretch() -> None:
    assert key_spans((KEYS, arg.key("destination", WRITE)), prefix=1) == (KeySpan(1, -2, 1, False, READ),)


def test_a_flag_is_named_after_its_token_unless_it_has_a_name() -> None:
    assert (arg.flag("KEEPTTL").name, arg.flag("GET", name="old").name) == ("keepttl", "old")


def test_alternatives_are_optional_unless_told_otherwise() -> None:
    assert EX_OR_KEEP.optional
    assert not arg.block("pair", KEY, VALUE).optional
