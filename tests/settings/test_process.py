from respcache.settings.clients import Clients
from respcache.settings.process import Process


def test_every_client_may_wait_for_the_same_key() -> None:
    assert Process.owner_mailbox_limit.default >= Clients.maxclients.default


def test_a_shutdown_is_over_before_service_managers_lose_patience() -> None:
    # Docker kills after 10 s, Kubernetes after 30 s, systemd after 90 s.
    assert Process.shutdown_timeout_seconds.default <= 10
