from pathlib import Path

import pytest

from respcache.app.client import Address, ClientError, Connection, packed
from tests.app.fakes import scripted_server
from tests.servers import Server, free_port


def test_commands_are_packed_as_arrays_of_strings() -> None:
    assert packed("SET", b"\xff", 12) == b"*3\r\n$3\r\nSET\r\n$1\r\n\xff\r\n$2\r\n12\r\n"


def test_an_address_is_shown_as_people_write_it() -> None:
    assert str(Address()) == "127.0.0.1:6379"
    assert str(Address("::1", 1)) == "[::1]:1"
    assert str(Address(socket_path="/run/x.sock")) == "/run/x.sock"


def test_the_password_is_not_part_of_what_is_shown() -> None:
    assert "sesame" not in repr(Address(password="sesame")) + str(Address(password="sesame"))


def test_a_reply_may_come_in_pieces() -> None:
    with (
        scripted_server([b"+OK\r\n*2\r\n$1\r\na", b"\r\n:1\r\n"]) as address,
        Connection(Address(port=address.port, password="x")) as connection,
    ):
        assert connection.call("X") == [b"a", 1]


def test_an_error_reply_is_raised_with_its_text() -> None:
    with (
        scripted_server([b"-ERR no\r\n"]) as address,
        Connection(address) as connection,
        pytest.raises(ClientError, match="answered: ERR no"),
    ):
        connection.call("X")


def test_a_password_is_given_first() -> None:
    with (
        scripted_server([b"-WRONGPASS invalid\r\n"]) as address,
        pytest.raises(ClientError, match="WRONGPASS"),
    ):
        Connection(Address(port=address.port, password="x"))


def test_nobody_there_is_told() -> None:
    address = Address(port=free_port())
    with pytest.raises(ClientError, match=f"^cannot reach {address}: Connection refused$"):
        Connection(address)


def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="No such file or directory"):
        Connection(Address(socket_path=str(tmp_path / "no.sock")))


def test_a_server_that_hangs_up_is_told() -> None:
    with (
        scripted_server([]) as address,
        Connection(address) as connection,
        pytest.raises(ClientError, match=r"closed the connection|lost"),
    ):
        connection.receive()


def test_a_server_of_another_kind_is_told() -> None:
    with (
        scripted_server([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as address,
        Connection(address) as connection,
        pytest.raises(ClientError, match="does not speak Redis' protocol"),
    ):
        connection.call("PING")


def test_silence_is_told_after_the_timeout() -> None:
    with (
        scripted_server([b"", b""]) as address,
        Connection(address, timeout_s=0.01) as connection,
        pytest.raises(ClientError, match="no answer in time"),
    ):
        connection.call("PING")


def test_the_end_of_a_connection_is_waited_for_whatever_comes_before() -> None:
    with scripted_server([b"+OK\r\n+more\r\n"]) as address, Connection(address) as connection:
        connection.call("PING")
        assert connection.wait_closed(5.0)


def test_a_connection_that_does_not_end_is_not_waited_for_longer() -> None:
    with scripted_server([b"+OK\r\n", b""]) as address, Connection(address) as connection:
        connection.call("PING")
        assert not connection.wait_closed(0.01)


@pytest.mark.redis
def test_a_real_server_answers(redis_server: Server) -> None:
    with Connection(Address(port=redis_server.port)) as connection:
        assert connection.call("ECHO", "hello") == b"hello"
        assert connection.call("GET", "nothing-here") is None
