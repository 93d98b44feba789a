"""The loaders that the settings ask for, as LOADER shows them."""

from respcache.app.loaders import join_loaders
from tests.commands.harness import Harness

ROWS = "tests.app.loaders:Rows"
TABLE = f'[{{"class": "{ROWS}", "name": "second", "pattern": "other:*", "db": 1}}]'


def joined(**settings: str) -> Harness:
    harness = Harness(None, **settings)
    join_loaders(harness.settings, harness.composition, lambda: None)
    return harness


def test_commands_know_of_the_loaders_in_the_order_of_the_settings() -> None:
    client = joined(loader=ROWS, loading_loaders=TABLE).client()
    assert [(one[b"name"], one[b"db"]) for one in client("LOADER LIST")] == [(b"rows", 0), (b"second", 1)]
    assert client("LOADER STATE row:1 other:1") == [b"unknown", None]
    client("SELECT 1")
    assert client("LOADER STATE row:1 other:1") == [None, b"unknown"]


async def test_a_missing_key_is_waited_for_where_a_loader_is_there_for_it() -> None:
    client = joined(loader=ROWS).client()
    assert client("GET elsewhere") is None
    assert client.send("GET row:1") == []
    assert client.send("GET elsewhere") == []  # replies keep their order
