"""The lines of CLIENT LIST."""

from respcache.commands.client_listing import client_line, client_type, flag_letters
from tests.commands.harness import START_MS, Harness, HarnessClient


def fields(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.split(" "))


def test_a_line_has_the_fields_of_redis_in_their_order(client: HarnessClient) -> None:
    names = list(fields(client_line(client.record, START_MS, is_caller=True)))
    assert " ".join(names).startswith(
        "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp"
        " obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
    )


def test_a_line_tells_what_the_client_has_done(client: HarnessClient) -> None:
    for command in (
        "CLIENT SETNAME me",
        "CLIENT SETINFO LIB-VER 1.2",
        "SELECT 3",
        "WATCH a b",
        "MULTI",
        "PING",
    ):
        client(command)
    found = fields(client_line(client.record, START_MS + 2500, is_caller=False))
    expected = {"name": "me", "lib-ver": "1.2", "db": "3", "watch": "2", "multi": "1", "flags": "x"}
    assert expected.items() <= found.items()
    assert (found["age"], found["idle"], found["cmd"], found["resp"]) == ("2", "2", "ping", "3")
    assert int(found["multi-mem"]) > len("PING")


def test_whoever_asks_is_not_idle(client: HarnessClient) -> None:
    assert fields(client_line(client.record, START_MS + 2500, is_caller=True))["idle"] == "0"


def test_subscriptions_are_counted_by_kind(client: HarnessClient) -> None:
    for command in ("SUBSCRIBE a b", "PSUBSCRIBE c*", "SSUBSCRIBE d"):
        client.send(command)
    found = fields(client_line(client.record, START_MS, is_caller=True))
    assert (found["sub"], found["psub"], found["ssub"], found["flags"]) == ("2", "1", "1", "P")
    assert client_type(client.record) == b"pubsub"


def test_an_ordinary_client_has_the_letter_n(client: HarnessClient) -> None:
    assert flag_letters(client.record) == "N"
    assert client_type(client.record) == b"normal"


def test_letters_stand_in_the_order_of_redis(harness: Harness, client: HarnessClient) -> None:
    for command in ("CLIENT NO-EVICT on", "CLIENT NO-TOUCH on", "WATCH h", "HSET h f 1", "MULTI"):
        client(command)
    assert flag_letters(client.record) == "xdeT"
    client("DISCARD")
    client("QUIT")
    assert flag_letters(client.record) == "ceT"


def test_a_unix_socket_is_told_from_its_address(client: HarnessClient) -> None:
    client.record.address = "/tmp/respcache.sock:0"
    assert flag_letters(client.record) == "U"
