import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.loading import Loaded, LoadError, Missing
from respcache.loading.http_answers import (
    LONGEST_PAUSE_S,
    Answer,
    AnswerReader,
    UnavailableError,
    life_of,
    pause_of,
)
from respcache.loading.http_requests import Asking
from respcache.loading.json_path import JsonPath
from respcache.loading.values import WrongAnswerError
from tests.rows import every_row
from tests.thoroughness import examples

ALONE = Asking("GET", "", {"": b"k"})
BATCH = Asking("POST", "", {"1": b"k1", "2": b"k2", "3": b"k3"})


def reader(value: str = "$", batch_items: str | None = None, **settings: Any) -> AnswerReader:
    usual = {"value_type": "json", "missing_status": frozenset({404, 410})}
    items = JsonPath(batch_items) if batch_items else None
    return AnswerReader(value=JsonPath(value), batch_items=items, **{**usual, **settings})


def alone(body: bytes, headers: Mapping[str, str] = MappingProxyType({}), **settings: Any) -> Any:
    """Return what the answer to a single request says."""
    return reader(**settings).read(ALONE, Answer(200, headers, body))[b"k"]


def batch(body: bytes, **settings: Any) -> list[Any]:
    """Return what an answer says of each of three keys, errors by their text."""
    results = reader(**{"batch_items": "$", **settings}).read(BATCH, Answer(200, {}, body))
    assert list(results) == [b"k1", b"k2", b"k3"]
    return [str(one) if isinstance(one, LoadError) else one for one in results.values()]


@every_row(
    ("value_type", "body", "value"),
    [
        ("json", b' {"a": 1.10} ', b'{"a": 1.10}'),
        ("json", b'"x"', b'"x"'),
        ("json", b"12345678901234567890123", b"12345678901234567890123"),
        ("json", b"\xef\xbb\xbf[1]", b"[1]"),
        ("json", b" null", Missing),
        ("text", b'"a\\n\\u00fc"', "a\nü"),
        ("text", b"1.10", "1.10"),
        ("text", b"false", "false"),
        ("text", b'""', ""),
        ("text", b"null", Missing),
        (
            "hash",
            b'{"name": "Ada", "age": 1.10, "none": null, "tags": [1, 2]}',
            {"name": "Ada", "age": "1.10", "tags": "[1, 2]"},
        ),
        ("hash", b"{}", Missing),
        ("hash", b'{"a": null}', Missing),
        ("body", b"\xff\0", b"\xff\0"),
        ("body", b"", b""),
        ("body", b"\xef\xbb\xbfx", b"\xef\xbb\xbfx"),
    ],
)
def test_values_by_their_type(value_type: str, body: bytes, value: object) -> None:
    assert alone(body, value_type=value_type) == value


@every_row(
    ("value_type", "body"),
    [
        ("json", b""),
        ("json", b"{"),
        ("json", b"<html>"),
        ("json", b'"\xff"'),
        ("text", b"[]"),
        ("text", b'{"a":1}'),
        ("text", b'"\\ud800"'),
        ("text", b'"\xff"'),
        ("hash", b"[]"),
        ("hash", b'"x"'),
        ("hash", b'{"a": "\xff"}'),
        ("json", b"[" * 100_000),
    ],
)
def test_what_is_not_as_expected_is_an_error_that_is_not_tried_again(value_type: str, body: bytes) -> None:
    error = alone(body, value_type=value_type)
    assert isinstance(error, WrongAnswerError)
    assert re.match("the source's answer is not as expected: it ", str(error))


def test_the_value_is_sought_at_its_path() -> None:
    assert alone(b'{"data": {"price": 1.10}}', value="$.data.price") == b"1.10"
    assert alone(b'{"data": null}', value="$.data.price") is Missing
    assert (
        str(alone(b"{}", value="$.data"))
        == "the source's answer is not as expected: it has nothing at $.data"
    )


def test_a_batch_that_is_a_map() -> None:
    body = b'{"1": {"v": "a"}, "2": null, "4": {"v": "no one has asked"}}'
    assert batch(body, value="$.v", value_type="text") == ["a", Missing, Missing]


def test_a_batch_that_is_a_list() -> None:
    body = b'{"found": [{"id": 2, "v": "b"}, {"id": "1", "v": "a"}, {"id": 4}, null]}'
    results = batch(body, batch_items="$.found", batch_key="id", value="$.v", value_type="text")
    assert results == ["a", "b", Missing]


def test_one_bad_item_fails_its_key_alone() -> None:
    assert batch(b'{"1": {"v": 1}, "2": {}, "3": [], "4": 0}', value="$.v") == [
        b"1",
        *2 * ["the source's answer is not as expected: it has nothing at $.v"],
    ]


@pytest.mark.parametrize("item", [b"{}", b'{"id": null}', b'{"id": [1]}', b"7", b'"x"', b"[]"])
def test_an_item_without_a_name_may_be_that_of_any_key_that_is_not_there(item: bytes) -> None:
    results = batch(b'[{"id": 1}, null, ' + item + b"]", batch_key="id")
    error = "the source's answer is not as expected: 1 of its items have no id"
    assert results == [b'{"id": 1}', error, error]


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({}, b"[]"),
        ({}, b"x"),
        ({}, b""),
        ({"batch_key": "id"}, b"{}"),
        ({"batch_items": "$.data"}, b"{}"),
        ({"batch_key": "id"}, b'[{"id": "\xff"}]'),
    ],
)
def test_a_batch_that_is_none_fails_all_keys(settings: dict[str, Any], body: bytes) -> None:
    results = batch(body, **settings)
    assert [text.startswith("the source's answer is not as expected: ") for text in results] == [True] * 3


def test_a_batch_that_is_null_has_nothing() -> None:
    assert batch(b'{"data": null}', batch_items="$.data") == [Missing] * 3


@settings(max_examples=examples(50, 200))
@given(
    st.binary()
    | st.recursive(
        st.none() | st.integers(0, 3) | st.text(max_size=2),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "v", "1"]), inner),
    ).map(msgspec.json.encode)
)
def test_no_body_is_any_other_error(body: bytes) -> None:
    for value_type in ("json", "text", "hash"):
        alone(body, value_type=value_type, value="$.v")
        batch(body, value_type=value_type)
        batch(body, value_type=value_type, batch_key="id", value="$.v")


# -- statuses ------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 203, 204])
def test_these_answers_have_values(status: int) -> None:
    assert reader().verdict(Answer(status, {"content-encoding": "identity"}), 0) is None


@pytest.mark.parametrize("status", [404, 410])
def test_these_say_that_there_is_none(status: int) -> None:
    assert reader().verdict(Answer(status, {}), 0) is Missing


def test_which_say_so_can_be_chosen() -> None:
    chosen = reader(missing_status=frozenset({204, 500}))
    assert [chosen.verdict(Answer(status, {}), 0) for status in (204, 500)] == [Missing, Missing]
    assert str(chosen.verdict(Answer(404, {}), 0)) == "the source answers 404"


@every_row("status", [101, 202, 205, 206, 302, 304, 400, 401, 403, 451])
def test_refusals_are_about_the_key_and_final(status: int) -> None:
    assert isinstance(reader().verdict(Answer(status, {}), 0), WrongAnswerError)


@pytest.mark.parametrize("status", [408, 409, 423, 425])
def test_some_refusals_may_be_over_soon(status: int) -> None:
    verdict = reader().verdict(Answer(status, {}), 0)
    assert type(verdict) is LoadError


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_trouble_of_the_source_is_not_about_the_key(status: int) -> None:
    verdict = reader().verdict(Answer(status, {}), 0)
    assert isinstance(verdict, UnavailableError)
    assert (str(verdict), verdict.pause_s) == (f"the source answers {status}", 0)


@pytest.mark.parametrize(("status", "pause_s"), [(429, 5), (503, 5), (500, 0)])
def test_a_source_may_ask_for_a_pause(status: int, pause_s: int) -> None:
    verdict = reader().verdict(Answer(status, {"retry-after": "5"}), 0)
    assert isinstance(verdict, UnavailableError)
    assert verdict.pause_s == pause_s
    assert str(verdict).endswith(" and asks for a pause of 5 s") == (pause_s > 0)


def test_what_is_compressed_is_refused() -> None:
    verdict = reader().verdict(Answer(200, {"content-encoding": "gzip"}), 0)
    assert isinstance(verdict, WrongAnswerError)
    assert "compressed" in str(verdict)


NOW_S = 1_795_000_000.0


@every_row(
    ("headers", "pause_s"),
    [
        ({}, 0),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "99999999999999999999999"}, LONGEST_PAUSE_S),
        ({"retry-after": "-1"}, 0),
        ({"retry-after": "1.5"}, 0),
        ({"retry-after": "²"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:10 GMT"}, 30),
        ({"retry-after": "Wed, 18 Nov 2020 11:07:10 GMT"}, 0),
        ({"retry-after": "Wed, 18 Nov 2046 11:07:10 GMT"}, LONGEST_PAUSE_S),
        ({"retry-after": "Wed, 18 Nov 2020 11:07:10 GMT", "date": "Wed, 18 Nov 2020 11:07:00 GMT"}, 10),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:10 GMT", "date": "nonsense"}, 30),
    ],
)
def test_pauses(headers: dict[str, str], pause_s: int) -> None:
    assert pause_of(headers, NOW_S) == pause_s


@settings(max_examples=examples(50, 200))
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [A-Z]+"), st.text())
def test_no_header_is_an_error(told: str, date: str) -> None:
    assert 0 <= pause_of({"retry-after": told, "date": date}, NOW_S) <= LONGEST_PAUSE_S
    life_of({"cache-control": told, "age": date})
    life_of({"cache-control": f"max-age={told}", "age": date})


# -- lives -----------------------------------------------------------------------


@every_row(
    ("headers", "life_s"),
    [
        ({}, None),
        ({"cache-control": "public"}, None),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": 'public, Max-Age="60"'}, 60),
        ({"cache-control": "max-age=60", "age": "20"}, 40),
        ({"cache-control": "max-age=60", "age": "x"}, 60),
        ({"cache-control": "max-age=60", "age": "90"}, 1),
        ({"cache-control": "max-age=60, s-maxage=5"}, 5),
        ({"cache-control": "max-age=0"}, 1),
        ({"cache-control": "max-age=soon"}, 1),
        ({"cache-control": "max-age=-5"}, 1),
        ({"cache-control": "max-age=60, no-store"}, 1),
        ({"cache-control": "no-cache"}, 1),
        ({"cache-control": "max-age=" + "9" * 100}, 2**31),
        ({"cache-control": "x-max-age=60"}, None),
    ],
)
def test_lives(headers: dict[str, str], life_s: int | None) -> None:
    assert life_of(headers) == life_s


def test_a_life_is_given_to_values_only_and_only_if_it_is_wished() -> None:
    headers = {"cache-control": "max-age=60"}
    assert alone(b"1", headers) == b"1"
    assert alone(b"1", headers, use_max_age=True) == Loaded(b"1", 60)
    assert alone(b"1", {}, use_max_age=True) == b"1"
    assert alone(b"null", headers, use_max_age=True) is Missing
    assert isinstance(alone(b"", headers, use_max_age=True), LoadError)
