from typing import Any

import pytest

from respcache.loading.options import LoaderSettingsError
from respcache.loading.sql_options import expanded_url, parameters_in, shown_name, sql_table_of
from tests.rows import every_row

USERS = {
    "url": "postgresql://app:secret@db/shop",
    "pattern": "user:{id}",
    "query": "select id, name from users where id in :keys",
}
WRITING = {
    **USERS,
    "write": "through",
    "key_type": "integer",
    "value": "hash",
    "upsert": "insert into users values (:id, :name) on conflict (id) do update set name = excluded.name",
    "delete": "delete from users where id = :id",
}
PAIRS = {"pattern": "item:{shop}:{id}", "query": "select * from items where (shop, id) in :keys"}


def test_settings_of_loaders_in_general_are_handed_on() -> None:
    settings, general = sql_table_of({**USERS, "expiration": 60, "name": "users", "write": "none"})
    assert (settings.query, settings.value) == (USERS["query"], "json")
    assert general == {"expiration": 60, "name": "users", "write": "none"}


@every_row(
    ("changes", "text"),
    [
        ({"quer": ""}, "loader sql-user-id: there is no setting 'quer'"),
        ({"name": "users", "keytype": "text"}, "loader users: there is no setting 'keytype'"),
        ({"url": 5}, "Expected `str`, got `int` - at `$.url`"),
        ({"pattern": "user:*"}, "loader sql-user: pattern: 'user:*' has no {placeholder}"),
        ({"pattern": "{a}{b}"}, "pattern: nothing divides {a} and {b}"),
        ({"query": "select 1"}, "query lacks :keys"),
        ({"query": "select x::keys, '\\:keys' from users"}, "query lacks :keys"),
        ({"query": "select * from users where id in ( :keys )"}, "without parentheses"),
        ({"query": "select * from users where id in :keys and x = :x"}, "query has :x, but only :keys"),
        ({"key": ["a", "b"]}, "key needs a column for each of the placeholders id"),
        ({**PAIRS, "key": "id"}, "key needs a column for each of the placeholders shop, id"),
        ({"key_type": "number"}, "Invalid enum value 'number' - at `$.key_type`"),
        ({"key_type": {"name": "text"}}, "key_type: the pattern has no placeholder 'name'"),
        ({"value": ""}, "at `$.value`"),
        ({"pool_size": 0}, "at `$.pool_size`"),
        ({"write": "through"}, 'write = "through" needs an upsert'),
        ({"upsert": WRITING["upsert"]}, 'upsert and delete are for write = "through"'),
        ({**WRITING, "key_type": None}, 'write = "through" needs a key_type'),
        ({**WRITING, **PAIRS, "key_type": {"id": "text"}}, 'write = "through" needs a key_type'),
        ({**WRITING, "upsert": "insert into users (name) values (:name)"}, "upsert lacks :id"),
        ({**WRITING, "delete": "delete from users"}, "delete lacks :id"),
        ({**WRITING, "delete": "delete from users where id = :id and a = :a"}, "delete has :a"),
        ({**WRITING, "value": "email"}, "upsert has :name, but only the placeholders and :email"),
        ({**WRITING, "types": {"age": "integer"}}, "types: upsert has no field :age"),
        ({**WRITING, "types": {"name": "varchar"}}, "Invalid enum value 'varchar'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(LoaderSettingsError) as refusal:
        sql_table_of({**USERS, **changes})
    assert text in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["url", "pattern", "query"])
def test_what_is_needed(name: str) -> None:
    with pytest.raises(LoaderSettingsError, match=f"missing required field `{name}`"):
        sql_table_of({key: value for key, value in USERS.items() if key != name})


def test_a_table_that_writes() -> None:
    settings, general = sql_table_of(WRITING)
    assert (settings.key_types(("id",)), general) == (["integer"], {"write": "through"})


def test_statements_may_stand_ready_while_nothing_is_written() -> None:
    settings, _ = sql_table_of({**WRITING, "write": "none"})
    assert settings.upsert == WRITING["upsert"]


def test_a_table_does_not_show_its_url() -> None:
    assert repr(sql_table_of(USERS)[0]) == "SqlTable('user:{id}')"


def test_key_columns_and_types_are_for_one_or_each() -> None:
    settings, _ = sql_table_of({**USERS, "key": "user_id", "key_type": "text"})
    assert (settings.key_columns, settings.key_types(("id",))) == (["user_id"], ["text"])
    settings, _ = sql_table_of({**USERS, **PAIRS, "key": ["a", "b"], "key_type": {"id": "uuid"}})
    assert (settings.key_columns, settings.key_types(("shop", "id"))) == (["a", "b"], [None, "uuid"])


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ({"pattern": "user:{id}"}, "sql-user-id"),
        ({"pattern": "{{user:{id}}}:a b"}, "sql-user-id-a-b"),
        ({"pattern": "x" * 200}, ("sql-" + "x" * 200)[:100]),
        ({"pattern": 5, "name": ""}, "sql-5"),
        ({}, "sql"),
        ({"name": "people", "pattern": "user:{id}"}, "people"),
    ],
)
def test_a_loader_is_called_after_its_pattern(table: dict[str, Any], name: str) -> None:
    assert shown_name(table) == name


ENVIRONMENT = {
    "USER": "a@b",
    "PASSWORD": "p:/${USER}?#%",
    "HOST": "db:5433",
    "PATH": "/var/lib",
    "WHOLE": "sqlite:////x@y",
}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("sqlite:///shop.db", "sqlite:///shop.db"),
        ("${WHOLE}", "sqlite:////x@y"),
        ("sqlite:///${PATH}/a@b", "sqlite:////var/lib/a@b"),
        (
            "postgresql://${USER}:x${PASSWORD}@${HOST}/shop?a=b@c",
            "postgresql://a%40b:xp%3A%2F%24%7BUSER%7D%3F%23%25@db:5433/shop?a=b@c",
        ),
        ("postgresql://$PASSWORD@db", "postgresql://$PASSWORD@db"),
    ],
)
def test_a_url_takes_variables_of_the_environment(template: str, url: str) -> None:
    assert expanded_url(template, ENVIRONMENT) == url


@pytest.mark.parametrize("template", ["postgresql://x:${PASSWORT}@db", "${PASSWORT}"])
@pytest.mark.parametrize("environment", [ENVIRONMENT, {"PASSWORT": ""}])
def test_a_variable_that_is_not_set_is_named(template: str, environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no variable PASSWORT"):
        expanded_url(template, environment)


@pytest.mark.parametrize("template", ["postgresql://x:${PASSWORD@db", "sqlite:///${PATH NAME}", "${}"])
def test_what_looks_like_a_variable_must_be_one(template: str) -> None:
    with pytest.raises(ValueError, match="begins no variable"):
        expanded_url(template, ENVIRONMENT)


def test_parameters_are_found_as_sqlalchemy_finds_them() -> None:
    from sqlalchemy import text

    statement = "select a::int, '\\:b', x[1:2], 'c:d', :e_1, (:f) from g where h=:i::text and ':j' = :e_1"
    assert parameters_in(statement) == set(text(statement).compile().params)
