import json
import threading
from itertools import islice

import pytest

from respcache.app import follow
from respcache.app.client import Address, ClientError, packed
from respcache.app.follow import event_line, messages
from respcache.events.loading import LOADING
from tests.app.fakes import scripted_server
from tests.servers import Server

ON = b"*2\r\n$14\r\nevents-channel\r\n$3\r\nyes\r\n"
OFF = b"*2\r\n$14\r\nevents-channel\r\n$2\r\nno\r\n"
SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$16\r\nrespcache:events\r\n:1\r\n"


def published(message: bytes) -> bytes:
    # A message looks like a command with three words.
    return packed(b"message", b"respcache:events", message)


def line_of(**fields: object) -> str:
    event = {"kind": "created", "at_ms": 0, "node": "n1", "db": 0, "key": "k", **fields}
    return event_line(json.dumps(event).encode()).plain


def test_an_event_is_one_line_with_time_node_kind_database_and_key() -> None:
    assert line_of(notice="set") == '1970-01-01T00:00:00.000000Z n1 created  db0 "k" notice=set'


def test_values_are_shown_and_structured_ones_as_json() -> None:
    assert line_of(value="v").endswith(" value=v")
    assert line_of(value={"f": "v"}, value_truncated=True).endswith(' value={"f":"v"} value_truncated=true')


def test_a_key_that_is_no_text_is_shown_by_its_bytes() -> None:
    event = b'{"kind":"read","at_ms":0,"node":"n","db":0,"key_base64":"/wA="}'
    assert '"\\xff\\x00"' in event_line(event).plain


def test_a_reason_is_shown_where_there_is_one() -> None:
    assert line_of(kind="loaded", loader="users", reason="").endswith('loaded   db0 "k" loader=users')
    failed = line_of(kind="failed", loader="users", reason="no\nroute")
    assert failed.endswith(r'failed   db0 "k" loader=users reason=no\x0aroute')
    assert line_of(value="").endswith("value=")


def test_what_loaders_do_has_its_colours() -> None:
    assert {event.kind for event in LOADING} <= follow.COLOURS.keys()


def test_keys_cannot_steer_the_terminal_nor_be_taken_for_markup() -> None:
    assert '"\\x1b[2J[red]"' in line_of(key="\x1b[2J[red]")


@pytest.mark.parametrize(
    "message", [b"", b"no json", b"[]", b'{"kind": 1}', b'{"kind":"x","at_ms":"y","node":1}', b"\xff"]
)
def test_a_message_of_strangers_is_shown_as_it_is(message: bytes) -> None:
    assert event_line(message).plain.startswith('"')


def test_messages_are_followed_in_order() -> None:
    with scripted_server([ON, SUBSCRIBED + published(b"1") + published(b"2")]) as address:
        stream = messages(address)
        assert list(islice(stream, 2)) == [b"1", b"2"]
        stream.close()


def test_a_lost_server_is_waited_for_and_the_gap_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "FIRST_PAUSE_S", 0)
    first, second = [ON, SUBSCRIBED + published(b"1")], [ON, SUBSCRIBED + published(b"2")]
    with scripted_server(first, second) as address:
        stream = messages(address)
        assert list(islice(stream, 2)) == [b"1", b"2"]
        stream.close()
    told = capsys.readouterr().err
    assert "events are missed until it is back" in told
    assert f"following {address} again" in told


@pytest.mark.parametrize(
    ("answer", "warning"), [(OFF, "events-channel is off"), (b"*0\r\n", "this server is no respcache")]
)
def test_a_server_that_will_be_silent_is_told(
    answer: bytes, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server([answer, SUBSCRIBED + published(b"1")]) as address:
        stream = messages(address)
        assert next(stream) == b"1"
        stream.close()
    assert warning in capsys.readouterr().err


def test_a_first_connection_that_fails_is_an_error() -> None:
    with (
        scripted_server([b"-NOPERM CONFIG\r\n", b"-NOAUTH Authentication required.\r\n"]) as address,
        pytest.raises(ClientError, match="NOAUTH"),
    ):
        next(messages(address))


def test_json_is_passed_on_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([ON, SUBSCRIBED + published(b'{"a":1}') + published(b"{}")]) as address:
        follow.follow(address, as_json=True, count=2)
    assert capsys.readouterr().out == '{"a":1}\n{}\n'


def test_what_happens_to_a_real_cache_is_followed(
    respcache_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    address = Address(port=respcache_server.port)
    follower = threading.Thread(
        target=lambda: follow.follow(address, as_json=False, count=1), name="follower", daemon=True
    )
    follower.start()
    with respcache_server.client() as client:
        while b":0\r\n" in client.call("PUBSUB", "NUMSUB", follow.EVENTS.channel):
            pass  # each turn is a round trip; the test's own timeout ends it
        client.call("SET", "followed", "x")
        follower.join(10)
        client.call("DEL", "followed")
    assert ' created  db0 "followed" ' in capsys.readouterr().out
