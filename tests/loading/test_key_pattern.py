import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.keyspace.glob import compile_glob
from respcache.loading.key_pattern import KeyPattern
from tests.rows import every_row

LITERALS = st.text(alphabet=":a*?[]\\^-{}é\n", max_size=4)


@every_row(
    ("pattern", "key", "values"),
    [
        ("product:{id}", "product:7", {"id": "7"}),
        ("product:{id}", "product:a:b", {"id": "a:b"}),
        ("product:{id}", "product:", None),
        ("product:{id}", "products:7", None),
        ("{id}", "anything\nat all", {"id": "anything\nat all"}),
        ("{a}:{b}", "1:2:3", {"a": "1", "b": "2:3"}),
        ("{a}:{b}", ":2:3", {"a": ":2", "b": "3"}),
        ("{a}:{b}", "1:", None),
        ("{a}:{b}:end", "1:2:3:end", {"a": "1", "b": "2:3"}),
        ("{a}:{b}:end", "1:end", None),
        ("{a}--{b}", "1---2", {"a": "1", "b": "-2"}),
        ("{id}.json", "7.json.json", {"id": "7.json"}),
        ("user:{{{id}}}:name", "user:{42}:name", {"id": "42"}),
        ("é{id}", "éü", {"id": "ü"}),
    ],
)
def test_a_placeholder_stands_for_as_few_characters_as_what_follows_leaves(
    pattern: str, key: str, values: dict[str, str] | None
) -> None:
    assert KeyPattern(pattern).values(key.encode()) == values


def test_a_key_that_is_not_utf_8_does_not_match() -> None:
    assert KeyPattern("{id}").values(b"\xff") is None


def test_names_are_in_their_order() -> None:
    assert KeyPattern("b:{second}:{_first}").names == ("second", "_first")


def test_characters_of_globs_stand_for_themselves() -> None:
    assert KeyPattern("a*{b}?[c]{d}\\").glob == "a\\**\\?\\[c]*\\\\"


@every_row(
    ("pattern", "text"),
    [
        ("", "'' has no {placeholder}"),
        ("user:*", "'user:*' has no {placeholder}"),
        ("{{id}}", "has no {placeholder}"),
        ("user:{", "a brace that is no {placeholder} at character 5 of 'user:{'"),
        ("user:}", "at character 5"),
        ("{}", "at character 0"),
        ("{a b}", "at character 0"),
        ("{1}", "at character 0"),
        ("{a}{b}", "nothing divides {a} and {b} in '{a}{b}'"),
        ("{a}:{a}", "{a} stands in '{a}:{a}' twice"),
    ],
)
def test_what_is_no_pattern_is_told(pattern: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        KeyPattern(pattern)


def written(literals: list[str]) -> str:
    """Return the pattern with these literals around placeholders."""
    texts = [literal.replace("{", "{{").replace("}", "}}") for literal in literals]
    return "".join(text + f"{{p{at}}}" for at, text in enumerate(texts[:-1])) + texts[-1]


@given(LITERALS, st.lists(LITERALS.filter(bool), max_size=3), LITERALS, st.data())
@example("", ["a"], "a", None)
def test_it_reads_keys_as_lazy_regular_expressions_do(
    first: str, between: list[str], last: str, data: st.DataObject | None
) -> None:
    literals = [first, *between, last]
    pattern = KeyPattern(written(literals))
    expression = re.compile("(.+?)".join(map(re.escape, literals)) + r"\Z", re.DOTALL)
    for key in ["aaa"] if data is None else data.draw(keys_like(literals)):
        found = expression.match(key)
        expected = dict(zip(pattern.names, found.groups(), strict=True)) if found else None
        assert pattern.values(key.encode()) == expected
        if expected is not None:
            assert compile_glob(pattern.glob.encode())(key.encode())


def keys_like(literals: list[str]) -> st.SearchStrategy[list[str]]:
    """Draw keys from the literals in their order, something between them, and now and then nothing."""
    fillers = st.lists(LITERALS | st.sampled_from(literals), min_size=len(literals), max_size=len(literals))
    joined = fillers.map(lambda fill: "".join(a + b for a, b in zip(literals, ["", *fill[1:]], strict=True)))
    spread = fillers.map(lambda fill: "".join(a + b for a, b in zip(literals, [*fill[1:], ""], strict=True)))
    return st.lists(joined | spread, min_size=1, max_size=5)


@given(st.binary())
def test_no_key_is_an_error(key: bytes) -> None:
    KeyPattern("{a}:{b}").values(key)


def test_a_hostile_key_takes_no_more_than_one_pass() -> None:
    pattern = KeyPattern("{a}ab{b}ab{c}ab{d}ab{e}abc")
    assert pattern.values(b"a" * 1_000_000 + b"ab" * 1_000_000) is None
