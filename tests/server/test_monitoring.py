"""MONITOR: what is shown, to whom."""

from respcache.server.monitoring import monitor_line, quoted
from tests.commands.harness import Harness


def test_strange_bytes_are_escaped() -> None:
    assert quoted(b'a"\\\r\n\t\x07\x08\x00\xff') == '"a\\"\\\\\\r\\n\\t\\a\\b\\x00\\xff"'


def test_a_line_tells_when_where_who_and_what() -> None:
    client = Harness().client().record
    line = monitor_line(1_700_000_000_123, client, [b"SET", b"a", b"1"])
    assert line.text == '1700000000.123000 [0 127.0.0.1:50000] "SET" "a" "1"'


def test_a_monitor_sees_the_commands_of_others() -> None:
    harness = Harness()
    monitor, client = harness.client(2), harness.client()
    monitor("MONITOR")
    client("SET a 1")
    assert monitor.replies() == [b'1700000000.000000 [0 127.0.0.1:50000] "SET" "a" "1"']


def test_passwords_are_not_shown() -> None:
    harness = Harness(requirepass="secret")
    monitor, client = harness.client(2), harness.client()
    monitor("AUTH secret")
    monitor("MONITOR")
    client("AUTH secret")
    client("CONFIG SET requirepass other")
    assert monitor.replies() == [b'1700000000.000000 [0 127.0.0.1:50000] "AUTH" "(redacted)"']


def test_a_monitor_that_leaves_opens_the_short_way_again() -> None:
    harness = Harness()
    monitor = harness.client(2)
    monitor("MONITOR")
    assert not harness.dispatcher.fast
    monitor.close()
    assert harness.dispatcher.fast
