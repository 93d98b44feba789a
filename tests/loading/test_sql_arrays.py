import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.loading.sql_arrays import array_literal, array_of, query_by_array
from tests.postgresql import PostgreSQL
from tests.thoroughness import examples


@pytest.mark.parametrize(
    ("items", "literal"),
    [
        ([], "{}"),
        (["a,b", "{c}", "", "NULL"], '{"a,b","{c}","","NULL"}'),
        ([None, 1.5, True], '{NULL,"1.5","true"}'),
        (['"\\'], '{"\\"\\\\"}'),
        ([["a"], []], '{{"a"},{}}'),
        ([[[[[[1]]]]]], '{{{{{{"1"}}}}}}'),
        ([[[[[[[1]]]]]]], None),
    ],
)
def test_lists_are_literals(items: list[object], literal: str | None) -> None:
    assert array_literal(items) == literal


@pytest.mark.postgresql
@settings(max_examples=examples(50, 200))
@given(
    st.lists(
        st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1
    )
)
def test_postgresql_reads_what_is_written(postgresql: PostgreSQL, items: list[str | None]) -> None:
    with postgresql.connect() as connection:
        assert connection.execute("select %s::text[]", [array_literal(items)]).fetchone() == (items,)


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("select 1 where a in :keys", "select 1 where a = any(:keys)"),
        ("select 1 where a IN\n :keys or (b in :keys)", "select 1 where a = any(:keys) or (b = any(:keys))"),
        ("select 1 where a not  in :keys", None),
        ("select 1 where a in /* which? */ :keys", None),
        ("select 1 where a in :keys and b <> all :keys", None),
    ],
)
def test_queries_by_arrays(query: str, changed: str | None) -> None:
    assert query_by_array(query, query.count(":keys")) == changed


def test_integers_keep_their_type() -> None:
    assert array_of([(1,), (2**40,)]) == [1, 2**40]
    assert array_of([("1",), ("a'b",)]) == '{"1","a\'b"}'
    assert array_of([(None,)]) == "{NULL}"
