import pytest

from respcache.app import partition_watch
from respcache.app.client import Connection
from respcache.app.partition_watch import looks, watch_until_safe
from tests.app.fakes import scripted_server

SERVER = b"aa" * 20


def answer(safe: int) -> bytes:
    """Encode the answer of a cluster in which so many partitions are safe, and the rest move."""
    rows = [(0, safe - 1, b"safe"), (safe, 1023, b"moving")]
    told = [
        b"*8\r\n:%d\r\n:%d\r\n$%d\r\n%b\r\n:1\r\n:5\r\n" % (first, last, len(state), state)
        + b"$40\r\n%b\r\n*0\r\n*0\r\n" % SERVER
        for first, last, state in rows
        if first <= last
    ]
    return b"*%d\r\n%b" % (len(told), b"".join(told))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_watch, "PAUSE_S", 0)


def test_it_is_looked_at_until_all_is_safe() -> None:
    with scripted_server([answer(1000), answer(1020), answer(1024)]) as address, Connection(address) as node:
        assert [found["safe"] for found in looks(node)] == [1000, 1020, 1024]


def test_a_program_gets_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    script = [answer(1000), answer(1000), answer(1024)]
    with scripted_server(script) as address, Connection(address) as node:
        watch_until_safe(node)
    assert capsys.readouterr().out == "safe 1000, moving 24\nsafe 1024\n"
