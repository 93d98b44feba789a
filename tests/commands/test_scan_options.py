"""Cursors and the options of SCAN and HSCAN."""

import pytest

from respcache.commands.errors import CommandError
from respcache.commands.scan_options import ScanOptions, parse_cursor, parse_scan_options


def options(*words: bytes) -> ScanOptions:
    return parse_scan_options(words, takes_type=True, takes_no_values=True)


@pytest.mark.parametrize(
    ("raw", "cursor"),
    [
        (b"0", 0),
        (b"", 0),
        (b"007", 7),
        (b"+3", 3),
        (b"-1", 2**64 - 1),
        (b"18446744073709551615", 2**64 - 1),
        (b"0" * 6000, 0),
    ],
)
def test_cursors_are_read_as_strtoul_reads_them(raw: bytes, cursor: int) -> None:
    assert parse_cursor(raw) == cursor


@pytest.mark.parametrize("raw", [b"x", b" 0", b"0 ", b"1x", b"+", b"18446744073709551616", b"9" * 6000])
def test_what_is_no_cursor_is_refused(raw: bytes) -> None:
    with pytest.raises(CommandError, match="invalid cursor"):
        parse_cursor(raw)


def test_the_last_of_a_repeated_option_counts() -> None:
    found = options(b"count", b"5", b"MATCH", b"a*", b"COUNT", b"7", b"match", b"b*")
    assert found.places == 7
    assert found.matches is not None
    assert found.matches(b"bee")
    assert not found.matches(b"ape")


@pytest.mark.parametrize("words", [(b"COUNT",), (b"COUNT", b"0"), (b"FOO", b"1"), (b"MATCH", b"a", b"TYPE")])
def test_wrong_options_are_syntax_errors(words: tuple[bytes, ...]) -> None:
    with pytest.raises(CommandError, match="syntax error"):
        options(*words)


def test_a_command_takes_only_its_own_options() -> None:
    for word in (b"TYPE", b"NOVALUES"):
        with pytest.raises(CommandError, match="syntax error"):
            parse_scan_options([word, b"hash"], takes_type=False, takes_no_values=False)
