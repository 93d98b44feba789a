import pytest

from tests.commands.harness import Harness

REQUEST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:6379\r\nContent-Length: 9\r\n\r\nSET a 1\r\n"


@pytest.mark.parametrize("line", ["POST / HTTP/1.1", "Host: 127.0.0.1", "post", "host: x"])
def test_a_mark_of_http_ends_the_connection_without_a_word(line: str) -> None:
    client = Harness().client()
    assert client.send(line) == []
    assert client.record.ending is not None


def test_the_body_of_a_web_request_is_never_run() -> None:
    harness = Harness()
    assert harness.client().receive(REQUEST) == []
    assert harness.client()("EXISTS a") == 0


def test_it_needs_no_password_to_be_refused() -> None:
    client = Harness(requirepass="secret").client()
    assert client.receive(REQUEST) == []
