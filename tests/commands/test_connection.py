"""PING, ECHO, QUIT, SELECT, AUTH, HELLO, RESET."""

import pytest

from respcache import REDIS_COMPATIBLE_VERSION, __version__
from respcache.commands.client import Ending
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient

NO_AUTH = ErrorReply("NOAUTH", "Authentication required.")
WRONG_PASSWORD = ErrorReply("WRONGPASS", "invalid username-password pair or user is disabled.")


@pytest.fixture
def stranger() -> HarnessClient:
    """A client of a server that wants a password."""
    return Harness(requirepass="secret").client()


def test_ping_answers_its_message(client: HarnessClient) -> None:
    assert [client("PING"), client("PING hi"), client("ECHO ho")] == [b"PONG", b"hi", b"ho"]
    assert client("PING a b") == ErrorReply("ERR", "wrong number of arguments for 'ping' command")


def test_databases_are_apart(client: HarnessClient) -> None:
    client("HSET h f 1")
    assert client("SELECT 15") == b"OK"
    assert client("HLEN h") == 0


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("16", "DB index is out of range"),
        ("-1", "DB index is out of range"),
        ("x", "value is not an integer or out of range"),
        ("2147483648", "value is out of range, value must between -2147483648 and 2147483647"),
    ],
)
def test_a_database_that_is_none_is_refused(client: HarnessClient, index: str, message: str) -> None:
    assert client(f"SELECT {index}") == ErrorReply("ERR", message)
    assert client.record.db_index == 0


def test_quit_answers_and_then_closes(client: HarnessClient) -> None:
    assert client("QUIT now") == b"OK"
    assert client.record.ending is Ending.AFTER_REPLIES


def test_hello_says_who_we_are(client: HarnessClient) -> None:
    assert client("HELLO") == {
        b"server": b"redis",
        b"version": REDIS_COMPATIBLE_VERSION.encode(),
        b"proto": 3,
        b"id": client.record.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
        b"respcache": __version__.encode(),
    }


def test_hello_chooses_the_shape_of_its_own_answer(client: HarnessClient) -> None:
    assert client.raw("HELLO 2").startswith(b"*16\r\n$6\r\nserver\r\n")
    assert client.raw("HELLO 3").startswith(b"%8\r\n$6\r\nserver\r\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("4", ErrorReply("NOPROTO", "unsupported protocol version")),
        ("x", ErrorReply("ERR", "Protocol version is not an integer or out of range")),
        ("2 FOO", ErrorReply("ERR", "Syntax error in HELLO option 'FOO'")),
        ("2 auth default", ErrorReply("ERR", "Syntax error in HELLO option 'auth'")),
        ("2 AUTH nobody x", WRONG_PASSWORD),
        (
            "2 SETNAME 'a b'",
            ErrorReply("ERR", "Client names cannot contain spaces, newlines or special characters."),
        ),
        ("2 SETNAME me FOO", ErrorReply("ERR", "Syntax error in HELLO option 'FOO'")),
    ],
)
def test_a_hello_that_fails_does_nothing(client: HarnessClient, words: str, error: ErrorReply) -> None:
    assert client(f"HELLO {words}") == error
    assert (client.record.protocol, client.record.name) == (3, b"")


def test_only_the_password_lets_a_stranger_in(stranger: HarnessClient) -> None:
    assert stranger("PING") == NO_AUTH
    for attempt in ("AUTH wrong", "AUTH default wrong", "AUTH nobody secret", "AUTH ''", "AUTH secretly"):
        assert stranger(attempt) == WRONG_PASSWORD
        assert stranger("PING") == NO_AUTH
    assert stranger("AUTH secret") == b"OK"
    assert stranger("PING") == b"PONG"


def test_a_failed_attempt_does_not_log_out(stranger: HarnessClient) -> None:
    stranger("AUTH default secret")
    assert stranger("AUTH wrong") == WRONG_PASSWORD
    assert stranger("PING") == b"PONG"


def test_hello_logs_in_and_names_in_any_order(stranger: HarnessClient) -> None:
    refusal = stranger("HELLO 3")
    assert isinstance(refusal, ErrorReply)
    assert refusal.code == "NOAUTH"
    assert stranger("HELLO 3 AUTH default wrong SETNAME me") == WRONG_PASSWORD
    assert stranger("HELLO 3 SETNAME me AUTH default secret")[b"proto"] == 3
    assert stranger("CLIENT GETNAME") == b"me"


def test_a_hello_that_fails_lets_nobody_in(stranger: HarnessClient) -> None:
    stranger("HELLO 3 AUTH default secret SETNAME 'a b'")
    assert stranger("PING") == NO_AUTH


def test_without_a_password_any_is_right_for_the_default_user(client: HarnessClient) -> None:
    assert client("AUTH default anything") == b"OK"
    assert client("AUTH nobody anything") == WRONG_PASSWORD
    reply = client("AUTH anything")
    assert isinstance(reply, ErrorReply)
    assert reply.message.startswith("AUTH <password> called without any password configured")
    assert client("AUTH a b c") == ErrorReply("ERR", "syntax error")


def test_a_password_may_be_of_any_letters() -> None:
    client = Harness(requirepass="pässword").client()
    assert client(b"AUTH", "pässword".encode()) == b"OK"


def test_reset_makes_the_connection_as_good_as_new(client: HarnessClient) -> None:
    for command in ("SELECT 3", "CLIENT SETNAME me", "CLIENT NO-EVICT on", "CLIENT NO-TOUCH on", "WATCH h"):
        client(command)
    client.send("SUBSCRIBE a")
    client("MULTI")
    assert client("RESET") == b"RESET"
    record = client.record
    assert (record.db_index, record.name, record.protocol) == (0, b"", 2)
    assert (record.transaction, record.watched, record.is_subscriber) == (None, set(), False)
    assert (record.is_unevictable, record.leaves_no_trace) == (False, False)


def test_reset_keeps_the_library_s_name(client: HarnessClient) -> None:
    client("CLIENT SETINFO LIB-NAME redis-py")
    client("RESET")
    assert client.record.library_name == b"redis-py"


def test_reset_logs_out(stranger: HarnessClient) -> None:
    stranger("AUTH secret")
    stranger("RESET")
    assert stranger("PING") == NO_AUTH


@pytest.mark.parametrize(
    "line", ["AUTH secret", "AUTH default secret", "HELLO 3 AUTH default secret SETNAME me"]
)
def test_what_is_said_to_log_in_does_not_get_into_the_slow_log(line: str) -> None:
    client = Harness(slowlog_log_slower_than="0").client()
    client(line)
    _, _, _, words, *_ = client("SLOWLOG GET 1")[0]
    assert b"(redacted)" in words
    assert b"secret" not in words


def test_hello_tells_the_mode_of_the_port(client: HarnessClient) -> None:
    assert client("HELLO")[b"mode"] == b"standalone"
    client.record.is_redirected = True
    assert client("HELLO")[b"mode"] == b"cluster"
