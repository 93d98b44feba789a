import pytest

from respcache.commands.loader_commands import NO_LOADER
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.loaders import FakeControls
from tests.commands.recorder import Recorder

QUESTIONS = [
    "LIST",
    "STATS",
    "STATS users",
    "STATE k",
    "PEEK k",
    "REQUEST k",
    "REFRESH k",
    "FORGET k",
    "PAUSE users",
    "RESUME users",
]


@pytest.fixture
def loads(harness: Harness) -> FakeControls:
    loads = FakeControls(users_1="loaded", users_2="absent", users_3="failed", users_4="unknown")
    harness.node.loads = loads
    return loads


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_server_without_loaders_says_so(words: str, client: HarnessClient) -> None:
    assert client(f"LOADER {words}") == ErrorReply("ERR", NO_LOADER)


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize(
    "words",
    [
        "LIST x",
        "STATS a b",
        "STATE",
        "PEEK",
        "PEEK a b",
        "REQUEST",
        "REFRESH",
        "FORGET",
        "PAUSE",
        "RESUME a b",
    ],
)
def test_a_wrong_number_of_words_is_told_as_redis_does(words: str, client: HarnessClient) -> None:
    name = words.split(maxsplit=1)[0].lower()
    expected = ErrorReply("ERR", f"wrong number of arguments for 'loader|{name}' command")
    assert client(f"LOADER {words}") == expected


def test_an_unknown_subcommand_is_told_as_redis_does(client: HarnessClient) -> None:
    assert client("LOADER NOSUCH") == ErrorReply("ERR", "unknown subcommand 'NOSUCH'. Try LOADER HELP.")
    assert client("LOADER") == ErrorReply("ERR", "wrong number of arguments for 'loader' command")


def test_tools_that_read_the_command_table_find_what_redis_has(client: HarnessClient) -> None:
    assert b"loader" not in client("COMMAND LIST")
    assert client("COMMAND INFO loader loader|state") == [None, None]
    assert client("COMMAND DOCS loader") == {}
    assert b"loader|peek" not in client("ACL CAT keyspace")
    assert client("COMMAND GETKEYS LOADER STATE a b") == [b"a", b"b"]


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    lines = client("LOADER HELP")
    forms = [line.split()[0].decode() for line in lines[1:] if not line.startswith(b" ")]
    asked = {words.split()[0] for words in QUESTIONS}
    assert forms == [*sorted(asked), "HELP"]


# -- keys --------------------------------------------------------------------


@pytest.mark.usefixtures("loads")
def test_states_come_in_the_order_of_the_keys(client: HarnessClient) -> None:
    expected = [b"failed", None, b"loaded", b"absent", b"loaded"]
    assert client("LOADER STATE users:3 other users:1 users:2 users:1") == expected


@pytest.mark.usefixtures("loads")
def test_loaders_are_asked_about_the_database_that_is_selected(client: HarnessClient) -> None:
    client("SELECT 1")
    assert client("LOADER STATE users:1") == [None]


@pytest.mark.usefixtures("loads")
def test_a_peek_shows_what_is_there(harness: Harness, client: HarnessClient) -> None:
    client("SET text value")
    client("SET appended a")
    client("APPEND appended b")
    client("HSET hash f 1 g 2")
    client("SET brief value PX 10")
    harness.clock.advance(10)
    shown = [client(f"LOADER PEEK {key}") for key in ("text", "appended", "hash", "none", "brief")]
    assert shown == [b"value", b"ab", {b"f": b"1", b"g": b"2"}, None, None]
    assert harness.client(protocol=2)("LOADER PEEK hash") == [b"f", b"1", b"g", b"2"]


@pytest.mark.usefixtures("loads")
def test_a_peek_is_no_use_of_a_key(harness: Harness, client: HarnessClient) -> None:
    client("SET text value")
    harness.clock.advance(5000)
    client("LOADER PEEK text")
    client("LOADER PEEK none")
    assert client("OBJECT IDLETIME text") == 5
    assert (harness.node.statistics.keyspace_hits, harness.node.statistics.keyspace_misses) == (0, 0)


@pytest.mark.parametrize("question", ["REQUEST", "REFRESH"])
def test_what_is_taken_is_counted(question: str, loads: FakeControls, client: HarnessClient) -> None:
    loads.refused = {b"users:2"}
    assert client(f"LOADER {question} users:1 users:2 other users:3") == 2
    asked = question.lower()
    keys = [b"users:1", b"users:2", b"other", b"users:3"]
    assert loads.calls == [(asked, 0, key) for key in keys]


def test_what_is_forgotten_is_gone_from_the_cache(
    recorder: Recorder, loads: FakeControls, client: HarnessClient
) -> None:
    client("MSET users:1 a users:4 b other c")
    recorder.take()
    assert client("LOADER FORGET users:1 users:2 users:3 users:4 other users:1") == 4
    assert client("MGET users:1 users:4 other") == [None, b"b", b"c"]
    assert recorder.take() == ["del"]
    assert ("forget", 0, b"users:4") in loads.calls


# -- loaders -------------------------------------------------------------------


@pytest.mark.usefixtures("loads")
def test_loaders_are_listed_in_their_order(client: HarnessClient) -> None:
    assert client("LOADER LIST") == [
        {b"name": b"users", b"pattern": b"users:*", b"db": 0, b"state": b"closed"},
        {b"name": b"orders", b"pattern": b"orders:*", b"db": 3, b"state": b"open"},
    ]


@pytest.mark.usefixtures("loads")
def test_statistics_are_a_map_by_name(client: HarnessClient) -> None:
    assert set(client("LOADER STATS")) == {b"users", b"orders"}
    assert client("LOADER STATS users") == {
        b"users": {
            b"pattern": b"users:*",
            b"db": 0,
            b"state": b"closed",
            b"breaker": b"closed",
            b"now": {b"requested": 2, b"failed": 1},
            b"total": {b"calls": 7, b"failed": 3},
            b"last_failure": b"OSError: no route",
            b"settings": {b"batch_size": 1000, b"batch_window_ms": b"2.5", b"on_failure": b"error"},
        }
    }


def test_a_loader_is_paused_and_works_again(loads: FakeControls, client: HarnessClient) -> None:
    assert client("LOADER PAUSE users") == b"OK"
    assert loads.paused == ["users"]
    assert client("LOADER RESUME users") == b"OK"
    assert loads.paused == []


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize("question", ["STATS", "PAUSE", "RESUME"])
def test_a_name_that_no_loader_has_is_an_error(question: str, client: HarnessClient) -> None:
    reply = client("LOADER", question, b"no\n\0such")
    assert reply == ErrorReply("ERR", "no loader is called 'no '")


def test_pausing_is_for_those_who_may_do_everything_and_not_for_transactions(client: HarnessClient) -> None:
    client("MULTI")
    assert isinstance(client("LOADER PAUSE users"), ErrorReply)
