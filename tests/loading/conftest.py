"""A shop in a real PostgreSQL, and loaders of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from respcache.loading.sql import SqlLoader, sql_loader

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQL

MakeLoader = Callable[..., SqlLoader]

SCHEMA = """
create table users (id integer primary key, name text unique, age smallint, born date);
insert into users values (1, 'Ann', 30, '1996-01-31'), (2, 'Zoë', null, null), (42, 'Bob', 7, null);
create table items (shop text, id bigint, name varchar(10), primary key (shop, id));
insert into items values ('a', 1, 'apple'), ('a', 2, 'pear'), ('b:c', 1, 'plum');
create type colour as enum ('red', 'green');
create table things (
  id uuid primary key, small smallint, big bigint, price numeric(30, 2), ratio double precision, ok boolean, colour colour,
  at timestamptz, local timestamp, day date, hour time, span interval, document jsonb, words text[], raw bytea, host inet,
  parent uuid references things
);
"""


@pytest.fixture
def postgresql_shop(postgresql: "PostgreSQL") -> str:
    name = postgresql.make_database()
    with postgresql.connect(name) as connection:
        connection.execute(SCHEMA.encode())
    return name


@pytest.fixture
def postgresql_loader(postgresql: "PostgreSQL", postgresql_shop: str) -> Iterator[MakeLoader]:
    from tests.postgresql import PASSWORD

    with ExitStack() as started:

        def make(**settings: Any) -> SqlLoader:
            table = {
                "url": f"postgresql://tester:${{PASSWORD}}@127.0.0.1:{postgresql.port}/{postgresql_shop}",
                "pattern": "user:{id}",
                "query": "select id, name, age from users where id in :keys",
            }
            made, _ = sql_loader(table | settings, {"PASSWORD": PASSWORD})
            made.start()
            started.callback(made.close)
            return made

        yield make
