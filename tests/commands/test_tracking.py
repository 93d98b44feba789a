"""Who hears of which change, when, and in which form."""

import pytest

from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def reader(harness: Harness) -> HarnessClient:
    return harness.client()


@pytest.fixture
def writer(harness: Harness) -> HarnessClient:
    return harness.client()


def told(client: HarnessClient) -> list[object]:
    """Return what was pushed to a client since the last look: lists of keys, None for all."""
    client.replies()
    pushes, client.pushes = client.pushes, []
    assert all(push[0] == b"invalidate" for push in pushes)
    return [push[1] for push in pushes]


def test_a_key_is_told_of_once_after_it_was_read(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    reader("GET k")
    writer("SET k 1")
    writer("SET k 2")
    assert told(reader) == [[b"k"]]
    reader("GET k")
    writer("DEL k")
    assert told(reader) == [[b"k"]]


@pytest.mark.parametrize(
    "change",
    ["SET k 2", "APPEND k x", "EXPIRE k 100", "RENAME k z", "RENAME z k", "HSET h f 2", "COPY z k REPLACE"],
)
def test_every_kind_of_change_counts(reader: HarnessClient, writer: HarnessClient, change: str) -> None:
    for command in ("SET k 1", "SET z 1", "HSET h f 1"):
        writer(command)
    reader("CLIENT TRACKING on")
    reader("GET k")
    reader("HGETALL h")
    writer(change)
    assert told(reader) == [[b"h" if change.startswith("HSET") else b"k"]]


def test_each_key_of_a_read_is_noted_and_each_is_told_by_itself(
    reader: HarnessClient, writer: HarnessClient
) -> None:
    reader("CLIENT TRACKING on")
    reader("MGET a b c")
    writer("MSET b 1 a 1 x 1")
    assert told(reader) == [[b"b"], [b"a"]]


def test_writing_is_not_reading(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    reader("SET k 1")
    writer("SET k 2")
    assert told(reader) == []


def test_a_client_s_own_reply_comes_before_what_it_is_told(reader: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    reader("GET k")
    assert reader.raw("SET k 1") == b"+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"


def test_a_transaction_s_reply_comes_whole(reader: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    for command in ("MULTI", "GET k", "SET k 1"):
        reader(command)
    assert reader.raw("EXEC") == b"*2\r\n_\r\n+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"


def test_noloop_keeps_one_s_own_changes_quiet(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on NOLOOP")
    reader("GET k")
    reader("SET k 1")
    writer("SET k 2")
    assert told(reader) == []  # its own change has ended its interest, too
    reader("GET k")
    writer("SET k 2")
    assert told(reader) == [[b"k"]]


def test_expiry_is_nobody_s_own_change(harness: Harness, reader: HarnessClient) -> None:
    reader("SET k 1 PX 50")
    reader("CLIENT TRACKING on NOLOOP")
    reader("GET k")
    harness.clock.advance(100)
    assert reader("GET k") is None
    assert told(reader) == [[b"k"]]


def test_optin_notes_only_what_follows_caching_yes(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on OPTIN")
    for command in ("GET a", "CLIENT CACHING YES", "GET b", "GET c"):
        reader(command)
    writer("MSET a 1 b 1 c 1")
    assert told(reader) == [[b"b"]]


def test_optout_notes_all_but_what_follows_caching_no(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on OPTOUT")
    for command in ("GET a", "CLIENT CACHING NO", "GET b", "GET c"):
        reader(command)
    writer("MSET a 1 b 1 c 1")
    assert told(reader) == [[b"a"], [b"c"]]


@pytest.mark.parametrize("between", ["PING", "GET", "NONSENSE", "CLIENT NONSENSE"])
def test_any_command_uses_the_choice_up(reader: HarnessClient, writer: HarnessClient, between: str) -> None:
    reader("CLIENT TRACKING on OPTOUT")
    for command in ("CLIENT CACHING NO", between, "GET a"):
        reader(command)
    writer("SET a 1")
    assert told(reader) == [[b"a"]]


def test_a_choice_holds_for_a_whole_transaction(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on OPTIN")
    for command in ("CLIENT CACHING YES", "CLIENT ID", "MULTI", "GET a", "GET b", "EXEC", "GET c"):
        reader(command)
    writer("MSET a 1 b 1 c 1")
    assert told(reader) == [[b"a"], [b"b"]]


def test_broadcasting_tells_of_keys_nobody_has_read(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on BCAST PREFIX user: PREFIX page:")
    writer("MSET user:2 1 page:1 1 other 1 user:1 1")
    writer("SET user:1 2")
    assert told(reader) == [[b"page:1"], [b"user:1", b"user:2"], [b"user:1"]]


def test_broadcasting_without_prefix_tells_of_everything(
    reader: HarnessClient, writer: HarnessClient
) -> None:
    reader("CLIENT TRACKING on BCAST")
    writer("MSET a 1 b 1")
    assert told(reader) == [[b"a", b"b"]]


def test_broadcasting_with_noloop_leaves_out_one_s_own(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on BCAST NOLOOP")
    reader("MSET a 1 b 1")
    assert told(reader) == []
    writer("SET b 2")
    assert told(reader) == [[b"b"]]


def test_changes_outside_any_command_wait_for_the_next_flush(harness: Harness, reader: HarnessClient) -> None:
    reader("SET k 1 PX 50")
    reader("CLIENT TRACKING on BCAST")
    harness.clock.advance(1000)
    harness.sweep()
    assert harness.node.tracking.has_pending
    harness.node.tracking.flush()
    assert told(reader) == [[b"k"]]


def test_who_begins_hears_of_nothing_that_changed_before(
    harness: Harness, reader: HarnessClient, writer: HarnessClient
) -> None:
    reader("SET k 1 PX 50")
    reader("CLIENT TRACKING on BCAST")
    harness.clock.advance(1000)
    harness.sweep()
    writer("CLIENT TRACKING on BCAST")
    assert (told(reader), told(writer)) == ([[b"k"]], [])


def test_who_ends_hears_of_all_that_changed_before(harness: Harness, reader: HarnessClient) -> None:
    reader("SET k 1 PX 50")
    reader("CLIENT TRACKING on BCAST")
    harness.clock.advance(1000)
    harness.sweep()
    reader("CLIENT TRACKING off")
    assert told(reader) == [[b"k"]]


def test_a_flush_of_the_database_invalidates_everything(reader: HarnessClient, writer: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    reader("GET k")
    writer("SET other 1")
    writer("FLUSHALL")
    writer("SET k 1")
    assert told(reader) == [None]


def test_the_table_is_bounded_and_forgets_the_oldest(reader: HarnessClient, writer: HarnessClient) -> None:
    writer("CONFIG SET tracking-table-max-keys 2")
    reader("CLIENT TRACKING on")
    for key in "abc":
        reader(f"GET {key}")
    assert told(reader) == [[b"a"]]
    writer("MSET a 1 b 1 c 1")
    assert told(reader) == [[b"b"], [b"c"]]


def figures(harness: Harness) -> list[int]:
    return list(harness.node.tracking.statistics().values())


def test_figures_count_clients_keys_readers_and_prefixes(
    harness: Harness, reader: HarnessClient, writer: HarnessClient
) -> None:
    other = harness.client()
    other("CLIENT TRACKING on BCAST PREFIX a PREFIX b")
    for client in (reader, writer):
        client("CLIENT TRACKING on")
        client("MGET k k k")
    reader("GET j")
    assert figures(harness) == [3, 2, 3, 2]
    writer("DEL k j")
    assert figures(harness) == [3, 2, 3, 2]
    writer("MSET k 1 j 1")
    assert figures(harness) == [3, 0, 0, 2]


@pytest.mark.parametrize("ending", ["CLIENT TRACKING off", "RESET"])
def test_who_stops_hears_nothing_more(
    harness: Harness, reader: HarnessClient, writer: HarnessClient, ending: str
) -> None:
    reader("CLIENT TRACKING on BCAST PREFIX a")
    reader(ending)
    writer("SET a 1")
    assert told(reader) == []
    assert figures(harness) == [0, 0, 0, 0]


def test_who_leaves_is_forgotten_and_the_journal_rests(harness: Harness, reader: HarnessClient) -> None:
    was_attentive = harness.node.keyspace.journal.attentive
    reader("CLIENT TRACKING on")
    reader("GET k")
    reader.close()
    assert figures(harness) == [0, 0, 0, 0]
    assert harness.node.keyspace.journal.attentive is was_attentive


def test_a_tracking_client_takes_the_careful_way(reader: HarnessClient) -> None:
    reader("CLIENT TRACKING on")
    assert not reader.record.is_ordinary
    reader("CLIENT TRACKING off")
    assert reader.record.is_ordinary


def redirecting(harness: Harness, protocol: int, listener: HarnessClient) -> HarnessClient:
    client = harness.client(protocol)
    client(f"CLIENT TRACKING on REDIRECT {listener.record.id}")
    client("GET k")
    return client


def test_a_resp2_listener_gets_a_message_of_its_channel(harness: Harness, writer: HarnessClient) -> None:
    listener = harness.client(protocol=2)
    listener("SUBSCRIBE __redis__:invalidate")
    client = redirecting(harness, 2, listener)
    writer("SET k 1")
    assert listener.replies() == [[b"message", b"__redis__:invalidate", [b"k"]]]
    writer("FLUSHALL")
    assert listener.replies() == [[b"message", b"__redis__:invalidate", None]]
    assert client.replies() == []


def test_a_resp3_listener_gets_a_push(harness: Harness, reader: HarnessClient, writer: HarnessClient) -> None:
    redirecting(harness, 2, reader)
    writer("SET k 1")
    assert told(reader) == [[b"k"]]


@pytest.mark.parametrize("redirects", [False, True])
def test_a_resp2_client_that_does_not_listen_is_told_nothing(
    harness: Harness, writer: HarnessClient, redirects: bool
) -> None:
    listener = harness.client(protocol=2)
    client = redirecting(harness, 2, listener) if redirects else harness.client(protocol=2)
    client("CLIENT TRACKING on")
    client("GET k")
    writer("SET k 1")
    assert client.replies() == listener.replies() == []


def test_a_lost_listener_is_reported(harness: Harness, writer: HarnessClient) -> None:
    listener = harness.client()
    client = redirecting(harness, 3, listener)
    listener.close()
    writer("SET k 1")
    client.replies()
    assert client.pushes == [[b"tracking-redir-broken", listener.record.id]]
    assert b"broken_redirect" in client("CLIENT TRACKINGINFO")[b"flags"]
    assert b" flags=tR " in client("CLIENT INFO")
