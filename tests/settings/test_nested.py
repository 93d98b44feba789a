import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import InvalidValueError
from respcache.settings.nested import (
    ExpirationRule,
    ExpirationRules,
    SinkSpecification,
    SinkSpecifications,
)

RULES = ExpirationRules()
SINKS = SinkSpecifications()

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def tables(toml: str, name: str) -> Any:  # whatever stands there
    return tomllib.loads(toml)[name]


def test_tables_of_lives_become_rules_in_their_order() -> None:
    toml = '[[e]]\npattern = "a:*"\nseconds = 60\n[[e]]\npattern = "b"\nseconds = "infinity"\n'
    rules = RULES.parse(RULES.text_of_toml(tables(toml, "e")), ())
    assert rules == (ExpirationRule("a:*", 60_000), ExpirationRule("b", None))


def test_rules_are_shown_as_json_and_read_from_it() -> None:
    rules = (ExpirationRule("a", 1500), ExpirationRule("b", None))
    shown = RULES.show(rules)
    assert shown == '[{"pattern":"a","seconds":1.5},{"pattern":"b","seconds":"infinity"}]'
    assert RULES.parse(shown, ()) == rules


def test_no_rules_are_shown_as_nothing() -> None:
    assert RULES.show(()) == ""
    assert RULES.parse("", (ExpirationRule("a", 1),)) == ()


@given(st.lists(st.builds(ExpirationRule, TEXTS.filter(bool), st.none() | st.integers(1, 10**14))))
def test_rules_survive_toml(rules: list[ExpirationRule]) -> None:
    written = tables(f"e = {RULES.toml(tuple(rules))}", "e")
    assert RULES.parse(RULES.text_of_toml(written), ()) == tuple(rules)


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_options_of_a_sink_survive_toml(options: dict[str, Any]) -> None:
    sinks = (SinkSpecification("package.module:Class", options),)
    written = tables(f"s = {SINKS.toml(sinks)}", "s")
    assert SINKS.parse(SINKS.text_of_toml(written), ()) == sinks


def test_a_sink_needs_no_options() -> None:
    assert SINKS.parse('[{"class": "a.b:C"}]', ()) == (SinkSpecification("a.b:C"),)


def test_one_table_is_not_a_list_of_tables() -> None:
    with pytest.raises(InvalidValueError):
        RULES.text_of_toml({"pattern": "a", "seconds": 1})


def test_options_that_toml_cannot_hold_are_refused() -> None:
    with pytest.raises(InvalidValueError):
        SINKS.toml((SinkSpecification("a:B", {"x": None}),))
