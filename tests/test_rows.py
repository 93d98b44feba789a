import inspect

import pytest

from tests.rows import every_row


def test_every_row_is_tried_and_each_that_fails_is_named() -> None:
    seen = []

    @every_row("number", [1, 2, 3, 4])
    def claim(number: int) -> None:
        seen.append(number)
        assert number % 2

    with pytest.raises(ExceptionGroup, match="2 of 4 rows: 2, 4") as caught:
        claim()
    assert seen == [1, 2, 3, 4]
    assert [error.__notes__ for error in caught.value.exceptions] == [["row: 2"], ["row: 4"]]


def test_a_row_may_be_called_by_a_name() -> None:
    @every_row(("text", "size"), [("a", 1), ("bc", 1)], called=lambda row: f"<{row[0]}>")
    def claim(text: str, size: int) -> None:
        if len(text) != size:
            pytest.fail("that is another size")

    with pytest.raises(BaseExceptionGroup, match="1 of 2 rows: <bc>"):
        claim()


def test_all_pairs_of_two_tables_are_tried() -> None:
    seen = []

    @every_row("first", "ab")
    @every_row("second", "cd")
    def claim(first: str, second: str) -> None:
        seen.append(first + second)

    claim()
    assert seen == ["ac", "ad", "bc", "bd"]


@pytest.fixture(params=["x", "y"])
def letter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@every_row("count", range(3))
def test_fixtures_are_given_to_every_row(count: int, letter: str) -> None:
    assert len(letter * count) == count


def test_a_test_asks_for_nothing_that_a_row_gives() -> None:
    assert list(inspect.signature(test_fixtures_are_given_to_every_row).parameters) == ["letter"]


def test_a_table_without_rows_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="proves nothing"):
        every_row("nothing", [])(lambda nothing: None)
