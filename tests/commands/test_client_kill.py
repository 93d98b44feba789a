"""CLIENT KILL: whom it means, and how they go."""

import pytest

from respcache.commands.client import Ending
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def admin(harness: Harness) -> HarnessClient:
    return client_at(harness, "10.0.0.1:1000")


@pytest.fixture
def victim(harness: Harness) -> HarnessClient:
    return client_at(harness, "10.0.0.2:2000")


def client_at(harness: Harness, address: str) -> HarnessClient:
    client = harness.client()
    client.record.address = address
    return client


def is_gone(client: HarnessClient) -> bool:
    return client.record.ending is Ending.AT_ONCE


def test_the_old_form_names_an_address(admin: HarnessClient, victim: HarnessClient) -> None:
    assert admin("CLIENT KILL 10.0.0.9:1") == ErrorReply("ERR", "No such client")
    assert admin("CLIENT KILL 10.0.0.2:2000") == b"OK"
    assert is_gone(victim)


def test_filters_answer_how_many_went(admin: HarnessClient, victim: HarnessClient) -> None:
    assert admin("CLIENT KILL ADDR 10.0.0.2:2000") == 1
    assert is_gone(victim)
    assert admin("CLIENT KILL ADDR 10.0.0.2:2000") == 0


def test_every_filter_must_fit(admin: HarnessClient, victim: HarnessClient) -> None:
    assert admin(f"CLIENT KILL ID {victim.record.id} TYPE pubsub") == 0
    assert admin(f"CLIENT KILL ID {victim.record.id} ADDR 10.0.0.3:1") == 0
    assert admin(f"CLIENT KILL id {victim.record.id} type NORMAL laddr 127.0.0.1:6379 user default") == 1


def test_the_caller_is_spared_unless_told_otherwise(admin: HarnessClient, victim: HarnessClient) -> None:
    assert admin("CLIENT KILL TYPE normal") == 1
    assert admin.record.ending is None
    assert admin("CLIENT KILL TYPE normal SKIPME no") == 1
    assert admin.record.ending is Ending.AFTER_REPLIES


def test_the_old_form_spares_nobody(admin: HarnessClient) -> None:
    assert admin("CLIENT KILL 10.0.0.1:1000") == b"OK"
    assert admin.record.ending is Ending.AFTER_REPLIES


def test_subscribers_are_a_type(admin: HarnessClient, victim: HarnessClient) -> None:
    assert admin("CLIENT KILL TYPE pubsub") == 0
    victim.send("SUBSCRIBE a")
    assert admin("CLIENT KILL TYPE pubsub") == 1


@pytest.mark.parametrize("type", ["master", "slave", "replica"])
def test_nobody_is_a_master_or_a_replica(admin: HarnessClient, victim: HarnessClient, type: str) -> None:
    assert admin(f"CLIENT KILL TYPE {type}") == 0


def test_maxage_spares_the_young(harness: Harness, admin: HarnessClient) -> None:
    harness.clock.advance(60_000)
    young = client_at(harness, "10.0.0.3:1")
    harness.clock.advance(9_999)
    assert admin("CLIENT KILL MAXAGE 10") == 0
    harness.clock.advance(1)
    assert admin("CLIENT KILL MAXAGE 10") == 1
    assert is_gone(young)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("ID x", "client-id should be greater than 0"),
        ("ID 0", "client-id should be greater than 0"),
        ("TYPE foo", "Unknown client type 'foo'"),
        ("USER nobody", "No such user 'nobody'"),
        ("SKIPME maybe", "syntax error"),
        ("FOO bar", "syntax error"),
        ("ID 7 ADDR", "syntax error"),
        ("MAXAGE x", "maxage is not an integer or out of range"),
        ("MAXAGE 0", "maxage should be greater than 0"),
    ],
)
def test_a_wrong_filter_kills_nobody(
    admin: HarnessClient, victim: HarnessClient, words: str, message: str
) -> None:
    assert admin(f"CLIENT KILL TYPE normal {words}") == ErrorReply("ERR", message)
    assert not is_gone(victim)
