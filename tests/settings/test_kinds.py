import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import InvalidValueError
from respcache.settings.kinds import (
    Choice,
    Fixed,
    Integer,
    Kind,
    Lifetime,
    Octal,
    Size,
    Text,
    Value,
    Words,
    YesNo,
    parse_size,
    seconds_text,
    size_text,
    toml_string,
)
from tests.rows import every_row


def refusal(kind: Kind[Value], text: str, current: Value) -> str:
    with pytest.raises(InvalidValueError) as caught:
        kind.parse(text, current)
    return str(caught.value)


def through_toml(kind: Kind[Value], value: Value) -> Value:
    written = tomllib.loads(f"value = {kind.toml(value)}")["value"]
    return kind.parse(kind.text_of_toml(written), value)


@every_row(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("", 0),
        ("mb", 0),
        ("007", 7),
        ("100b", 100),
        ("1k", 1000),
        ("1kb", 1024),
        ("1KB", 1024),
        ("1m", 10**6),
        ("1mb", 1024**2),
        ("2g", 2 * 10**9),
        ("2Gb", 2 * 1024**3),
    ],
)
def test_sizes_take_redis_units(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@every_row("text", ["-1", "+1", "1.5gb", "1 gb", " 1", "1xb", "1t", "0x10", "abc", "10%", "\u0661"])
def test_what_is_no_size_is_refused_in_redis_words(text: str) -> None:
    assert refusal(Size(), text, 0) == "argument must be a memory value"


def test_a_size_below_its_least_is_refused_with_the_range() -> None:
    assert refusal(Size(1024**2), "1kb", 0) == (
        "argument must be between 1048576 and 9223372036854775807 inclusive"
    )


def test_a_size_beyond_64_bits_is_refused_rather_than_wrapped() -> None:
    assert "must be between" in refusal(Size(), "99999999999gb", 0)


@given(st.integers(0, 2**63 - 1))
def test_a_size_survives_being_written_down(size_bytes: int) -> None:
    assert parse_size(size_text(size_bytes)) == size_bytes
    assert through_toml(Size(), size_bytes) == size_bytes


@every_row("text", ["", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3", "1k", "abc", "9" * 20, "9" * 999])
def test_only_plain_integers_are_integers(text: str) -> None:
    assert refusal(Integer(), text, 0) == "argument couldn't be parsed into an integer"


def test_an_integer_out_of_its_range_is_refused_with_the_range() -> None:
    assert refusal(Integer(0, 65535), "65536", 0) == "argument must be between 0 and 65535 inclusive"
    assert refusal(Integer(-1), "-2", 0) == "argument must be between -1 and 2147483647 inclusive"


def test_an_integer_in_toml_may_be_a_number_or_its_text_but_not_a_truth() -> None:
    assert Integer().text_of_toml(7) == Integer().text_of_toml("7") == "7"
    with pytest.raises(InvalidValueError):
        Integer().text_of_toml(True)


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("YES", True), ("no", False), ("No", False)])
def test_yes_and_no_are_read_in_any_case(text: str, value: bool) -> None:
    assert YesNo().parse(text, current=not value) is value


@pytest.mark.parametrize("text", ["", "true", "1", "maybe"])
def test_nothing_but_yes_and_no_is_accepted(text: str) -> None:
    assert refusal(YesNo(), text, False) == "argument must be 'yes' or 'no'"


def test_truths_of_toml_are_yes_and_no() -> None:
    assert through_toml(YesNo(), True) is True
    assert through_toml(YesNo(), False) is False


def test_a_choice_is_one_of_its_words_in_any_case() -> None:
    kind = Choice("debug", "notice")
    assert kind.parse("NOTICE", "debug") == "notice"
    assert refusal(kind, "loud", "debug") == "argument(s) must be one of the following: debug, notice"


def test_a_choice_with_yes_and_no_takes_truths_of_toml() -> None:
    assert Choice("no", "yes", "local").text_of_toml(True) == "yes"
    with pytest.raises(InvalidValueError):
        Choice("debug", "notice").text_of_toml(True)


def test_a_number_in_toml_is_no_text() -> None:
    with pytest.raises(InvalidValueError):
        Text().text_of_toml(1234)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_toml(text: str) -> None:
    assert tomllib.loads(f"value = {toml_string(text)}")["value"] == text


def test_words_come_from_blanks_or_from_a_list() -> None:
    kind = Words()
    assert kind.parse(" a  b ", ()) == ("a", "b")
    assert kind.text_of_toml(["a", "b"]) == "a b"
    assert through_toml(kind, ("127.0.0.1", "-::1")) == ("127.0.0.1", "-::1")


def test_permissions_are_octal() -> None:
    assert Octal().parse("770", 0) == 0o770
    assert through_toml(Octal(), 0o755) == 0o755


@pytest.mark.parametrize("text", ["", "8", "0o7", "-7", "77777"])
def test_what_is_not_octal_is_refused(text: str) -> None:
    assert refusal(Octal(), text, 0) == "argument couldn't be parsed as an octal number"


def test_permissions_as_a_number_in_toml_are_refused_because_they_would_be_misread() -> None:
    with pytest.raises(InvalidValueError):
        Octal().text_of_toml(0o777)


@pytest.mark.parametrize(
    ("text", "life_ms"),
    [("infinity", None), ("Infinity", None), ("60", 60_000), ("0.5", 500), ("1.001", 1001)],
)
def test_lives_are_seconds_or_infinity(text: str, life_ms: int | None) -> None:
    assert Lifetime().parse(text, None) == life_ms


@every_row("text", ["", "0", "0.0", "-1", "1e3", "1.0001", "inf", "nan", "1h", "9" * 13])
def test_a_life_must_be_a_positive_number_of_seconds(text: str) -> None:
    assert "number of seconds greater than 0" in refusal(Lifetime(), text, None)


@given(st.one_of(st.none(), st.integers(1, 10**15 - 1)))
def test_a_life_survives_being_written_down(life_ms: int | None) -> None:
    assert Lifetime().parse(Lifetime().show(life_ms), None) == life_ms
    assert through_toml(Lifetime(), life_ms) == life_ms


def test_seconds_are_shown_without_needless_digits() -> None:
    assert [seconds_text(ms) for ms in (1000, 1500, 1, 90_000)] == ["1", "1.5", "0.001", "90"]


def test_a_fixed_value_may_be_told_again_but_not_changed() -> None:
    assert Fixed("no").parse("NO", "no") == "no"
    assert refusal(Fixed("no"), "yes", "no") == "respcache supports only 'no' here"


def test_a_fixed_value_takes_the_toml_types_that_its_text_has() -> None:
    assert Fixed("no").text_of_toml(False) == "no"
    assert Fixed("10").text_of_toml(10) == "10"
