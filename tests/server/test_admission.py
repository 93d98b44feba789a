"""Who may come in."""

import socket

import pytest

from respcache.server import admission
from respcache.server.admission import PROTECTED, TOO_MANY, Admission
from respcache.server.listeners import PeerAddress
from tests.commands.harness import Harness


def knock(harness: Harness) -> bytes:
    """Return what a client reads at once: nothing when it was let in."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(1)
        session = Admission(harness.settings, harness.dispatcher).open_session(ours, lambda: None)
        return b"" if session is not None else theirs.recv(1000)


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client seem to come from another machine."""
    address = PeerAddress("192.0.2.7:1234", "192.0.2.1:6379", is_local=False)
    monkeypatch.setattr(admission, "address_of", lambda sock: address)


def test_one_client_too_many_is_refused_and_counted() -> None:
    harness = Harness(maxclients="1")
    assert knock(harness) == b""
    assert knock(harness) == TOO_MANY
    assert harness.node.statistics.rejected_connections == 1


@pytest.mark.usefixtures("stranger")
def test_without_a_password_strangers_stay_outside() -> None:
    assert knock(Harness()) == PROTECTED


@pytest.mark.usefixtures("stranger")
def test_with_a_password_strangers_may_try() -> None:
    assert knock(Harness(requirepass="secret")) == b""


@pytest.mark.usefixtures("stranger")
def test_protected_mode_can_be_turned_off() -> None:
    assert knock(Harness(protected_mode="no")) == b""


def test_the_machine_itself_is_let_in() -> None:
    harness = Harness()
    assert knock(harness) == b""
    assert harness.node.statistics.total_connections_received == 1
