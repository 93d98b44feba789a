"""CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: what they accept and answer."""

from typing import Any

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import HarnessClient

DIFFERENTLY = "before disabling tracking for this client, and then re-enabling it with a different mode."


def info(client: HarnessClient) -> tuple[Any, Any, Any]:
    reply = client("CLIENT TRACKINGINFO")
    return set(reply[b"flags"]), reply[b"redirect"], reply[b"prefixes"]


def test_a_client_does_not_track_unless_it_asks(client: HarnessClient) -> None:
    assert info(client) == ({b"off"}, -1, [])
    assert client("CLIENT GETREDIR") == -1


def test_the_shape_of_trackinginfo_is_that_of_redis(client: HarnessClient) -> None:
    client("CLIENT TRACKING on")
    assert client.raw("CLIENT TRACKINGINFO") == (
        b"%3\r\n$5\r\nflags\r\n~1\r\n$2\r\non\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n"
    )


def test_options_are_shown(client: HarnessClient) -> None:
    own_id = client.record.id
    client(f"CLIENT TRACKING on NOLOOP BCAST PREFIX b REDIRECT {own_id} PREFIX a")
    assert info(client) == ({b"on", b"bcast", b"noloop"}, own_id, [b"a", b"b"])
    assert client("CLIENT GETREDIR") == own_id


def test_prefixes_add_up_until_tracking_is_switched_off(client: HarnessClient) -> None:
    client("CLIENT TRACKING on BCAST PREFIX a")
    client("CLIENT TRACKING on BCAST PREFIX b")
    assert info(client)[2] == [b"a", b"b"]
    client("CLIENT TRACKING off")
    client("CLIENT TRACKING on BCAST")
    assert info(client)[2] == [b""]


def test_other_options_replace_the_old_ones(client: HarnessClient) -> None:
    client("CLIENT TRACKING on OPTIN NOLOOP")
    client("CLIENT TRACKING on")
    assert info(client) == ({b"on"}, 0, [])


def test_a_choice_is_shown_while_it_is_open(client: HarnessClient) -> None:
    client("CLIENT TRACKING on OPTIN")
    client("CLIENT CACHING YES")
    assert info(client)[0] == {b"on", b"optin", b"caching-yes"}
    client("PING")
    assert info(client)[0] == {b"on", b"optin"}
    client("CLIENT TRACKING off")
    client("CLIENT TRACKING on OPTOUT")
    client("CLIENT CACHING NO")
    assert info(client)[0] == {b"on", b"optout", b"caching-no"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("maybe", "syntax error"),
        ("on nonsense", "syntax error"),
        ("on REDIRECT", "syntax error"),
        ("on BCAST PREFIX", "syntax error"),
        ("on REDIRECT x", "value is not an integer or out of range"),
        ("on REDIRECT 999", "The client ID you want redirect to does not exist"),
        ("off REDIRECT 999", "The client ID you want redirect to does not exist"),
        ("on REDIRECT 1 REDIRECT 1", "A client can only redirect to a single other client"),
        ("on PREFIX a", "PREFIX option requires BCAST mode to be enabled"),
        ("on BCAST OPTIN", "OPTIN and OPTOUT are not compatible with BCAST"),
        ("on OPTIN OPTOUT", "You can't specify both OPTIN mode and OPTOUT mode"),
        (
            "on BCAST PREFIX c PREFIX cd",
            "Prefix 'c' overlaps with another provided prefix 'cd'. Prefixes for a single client must not overlap.",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(client: HarnessClient, words: str, message: str) -> None:
    assert client(f"CLIENT TRACKING {words}") == ErrorReply("ERR", message)
    assert info(client)[0] == {b"off"}


@pytest.mark.parametrize(
    ("before", "then", "message"),
    [
        ("on", "on BCAST", f"You can't switch BCAST mode on/off {DIFFERENTLY}"),
        ("on BCAST", "on", f"You can't switch BCAST mode on/off {DIFFERENTLY}"),
        ("on OPTIN", "on OPTOUT", f"You can't switch OPTIN/OPTOUT mode {DIFFERENTLY}"),
        (
            "on BCAST PREFIX a",
            "on BCAST PREFIX ab",
            "Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client must not overlap.",
        ),
    ],
)
def test_what_contradicts_the_mode_that_is_on_is_refused(
    client: HarnessClient, before: str, then: str, message: str
) -> None:
    client(f"CLIENT TRACKING {before}")
    shown = info(client)
    assert client(f"CLIENT TRACKING {then}") == ErrorReply("ERR", message)
    assert info(client) == shown


def test_off_ends_tracking_whatever_else_is_said(client: HarnessClient) -> None:
    client("CLIENT TRACKING on")
    assert client("CLIENT TRACKING off BCAST OPTIN PREFIX a") == b"OK"
    assert info(client)[0] == {b"off"}


NOT_ASKED_FOR = (
    "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
)


@pytest.mark.parametrize(
    ("mode", "choice", "message"),
    [
        ("OPTIN", "NO", "CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."),
        ("OPTOUT", "YES", "CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."),
        ("NOLOOP", "YES", NOT_ASKED_FOR),
        ("NOLOOP", "maybe", NOT_ASKED_FOR),
        ("OPTIN", "maybe", "syntax error"),
    ],
)
def test_a_choice_must_fit_the_mode(client: HarnessClient, mode: str, choice: str, message: str) -> None:
    client(f"CLIENT TRACKING on {mode}")
    assert client(f"CLIENT CACHING {choice}") == ErrorReply("ERR", message)
