from respcache.settings.expiration import Expiration


def test_keys_live_for_ever_by_default_as_in_redis() -> None:
    assert Expiration.expiration_ms.default is None
    assert Expiration.expirations.default == ()


def test_a_default_life_is_renewed_by_writing() -> None:
    assert Expiration.expiration_renew.default == "on-write"
