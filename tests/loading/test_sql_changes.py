from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.loading import Change, LoadError
from respcache.loading.sql_changes import Changes
from respcache.loading.sql_options import SqlTable
from tests.rows import every_row


def changes(value: str = "hash", *, as_text: bool = True, **settings: Any) -> Changes:
    table = {
        "url": "sqlite:///x",
        "query": "",
        "pattern": "user:{id}",
        "key_type": "integer",
        "upsert": "insert into users values (:id, :name, :age) on conflict (id) do nothing",
        **settings,
    }
    return Changes(msgspec.convert(table | {"value": value}, SqlTable), as_text=as_text)


def change(value: bytes | dict[bytes, bytes] | None, key: bytes = b"user:42") -> Change:
    return Change(key, value)


def refusal_of(made: Changes, value: bytes | dict[bytes, bytes], key: bytes = b"user:42") -> str:
    with pytest.raises(LoadError) as refusal:
        made.parameters_of(change(value, key))
    return str(refusal.value)


def test_fields_of_a_hash_are_texts_and_what_is_missing_is_null() -> None:
    written = change({b"name": "Zoë'; --".encode(), b"unknown": b"x", b"id": b"7"})
    assert changes().parameters_of(written) == {"id": 42, "name": "Zoë'; --", "age": None}


def test_members_of_a_document_are_texts_without_a_type() -> None:
    written = change(b'{"id":7,"name":{"a":[1.50,null]},"age":123456789012345678.10}')
    parameters = changes("json").parameters_of(written)
    assert parameters == {"id": 42, "name": '{"a":[1.50,null]}', "age": "123456789012345678.10"}


@every_row(
    ("member", "as_text", "otherwise"),
    [
        (b"5", "5", 5),
        (b"-1.50", "-1.50", -1.5),
        (b"true", "true", True),
        (b"null", None, None),
        (b'"5"', "5", "5"),
        (b"[1,true]", "[1,true]", "[1,true]"),
        (b"9223372036854775808", "9223372036854775808", "9223372036854775808"),
        (b"1e400", "1E+400", "1E+400"),
    ],
)
def test_members_are_bound_as_the_database_likes_them(member: bytes, as_text: Any, otherwise: Any) -> None:
    for choice, expected in ((True, as_text), (False, otherwise)):
        parameters = changes("json", as_text=choice).parameters_of(change(b'{"age":%b}' % member))
        assert parameters == {"id": 42, "name": None, "age": expected}
        assert type(parameters["age"]) is type(expected)


def test_a_column_is_written_by_its_name() -> None:
    made = changes("name", upsert="insert into users values (:id, :name)")
    assert made.parameters_of(change(b"Ann")) == {"id": 42, "name": "Ann"}


def test_a_deletion_binds_the_placeholders() -> None:
    made = changes(pattern="{shop}:{id}", key_type={"shop": "text", "id": "integer"})
    assert made.parameters_of(change(None, b"a'b:7")) == {"shop": "a'b", "id": 7}


@pytest.mark.parametrize("key", [b"user:042", b"user:abc", b"user:", b"user:\xff"])
def test_what_can_have_no_row_need_not_be_deleted_and_cannot_be_written(key: bytes) -> None:
    assert changes().parameters_of(change(None, key)) is None
    assert "no row has such a key: they are like 'user:{id}'" in refusal_of(changes(), {b"name": b"x"}, key)


@pytest.mark.parametrize(
    ("type_name", "text", "bound"),
    [
        ("integer", b"-42", -42),
        ("real", b"1.5", 1.5),
        ("boolean", b"True", True),
        ("boolean", b"0", False),
        ("bytes", b"\xff\x00", b"\xff\x00"),
        (
            "array",
            b'["a,b","{c}",null,1.50,true,"",[],["\\"\\\\"]]',
            '{"a,b","{c}",NULL,"1.50","true","",{},{"\\"\\\\"}}',
        ),
        ("array", b"[]", "{}"),
    ],
)
def test_a_type_that_is_set(type_name: str, text: bytes, bound: Any) -> None:
    parameters = changes(types={"age": type_name}).parameters_of(change({b"age": text}))
    assert parameters == {"id": 42, "name": None, "age": bound}


@every_row(
    ("type_name", "text"),
    [
        ("integer", b"4.2"),
        ("integer", b"042"),
        ("real", b"nan"),
        ("real", b"1_0"),
        ("real", b"x"),
        ("boolean", b"yes"),
        ("array", b"x"),
        ("array", b"{}"),
        ("array", b"[" * 7 + b"]" * 7),
        ("array", b"[" * 9000),
    ],
)
def test_what_is_not_of_its_type(type_name: str, text: bytes) -> None:
    made = changes(types={"age": type_name})
    assert refusal_of(made, {b"age": text}) == f"'age' is not of type {type_name!r}"


def test_types_of_members() -> None:
    made = changes("json", types={"age": "integer", "name": "bytes"}, as_text=False)
    assert made.parameters_of(change(b'{"age":"7","name":"/w=="}')) == {"id": 42, "age": 7, "name": b"\xff"}
    assert refusal_of(made, b'{"name":"\xc3\xab"}') == "'name' is no base64"
    assert refusal_of(made, b'{"age":1.5}') == "'age' is not of type 'integer'"


@pytest.mark.parametrize(
    "value",
    [b"", b"[1]", b"{", b"\xff", b'{"a":"\\ud800"}', b'{"a":' + b"[" * 5000, b'{"a":1e9999999999999999999}'],
)
def test_what_is_no_document(value: bytes) -> None:
    assert refusal_of(changes("json"), value) == "the value is no JSON object"


def test_a_value_of_the_other_kind_is_refused() -> None:
    assert refusal_of(changes("json"), {b"name": b"x"}) == "the database takes strings for such keys"
    assert refusal_of(changes("hash"), b"{}") == "the database takes hashes for such keys"


def test_bytes_that_are_no_text_need_a_type() -> None:
    assert refusal_of(changes(), {b"name": b"\xff"}) == "'name' is no UTF-8, and its type is not \"bytes\""


def test_a_nul_is_refused_where_the_database_cannot_hold_it() -> None:
    assert refusal_of(changes(), {b"name": b"a\0b"}) == "'name' has a NUL character"
    parameters = changes(as_text=False).parameters_of(change({b"name": b"a\0b"}))
    assert parameters is not None
    assert parameters["name"] == "a\0b"


@given(st.dictionaries(st.sampled_from([b"id", b"name", b"age"]), st.binary()))
def test_any_hash_is_bound_or_refused_by_the_name_of_a_field(value: dict[bytes, bytes]) -> None:
    made = changes(types={"age": "integer"})
    try:
        parameters = made.parameters_of(change(value))
    except LoadError:
        parameters = None
        assert refusal_of(made, value).startswith(("'name'", "'age'"))
    assert parameters is None or parameters.keys() == {"id", "name", "age"}
