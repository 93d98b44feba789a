import logging
import resource

import pytest

from respcache.app.open_files import RESERVED_FILES, provide_files, raise_limit
from respcache.settings.errors import ChangeRefusedError
from respcache.settings.settings import Settings


def test_enough_files_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(maxclients="100")
    provide_files(settings, lambda wanted: wanted)
    assert settings.maxclients == 100
    assert not caplog.records


def test_too_few_files_mean_fewer_clients_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(maxclients="100")
    with caplog.at_level(logging.WARNING):
        provide_files(settings, lambda wanted: min(wanted, RESERVED_FILES + 40))
    assert settings.maxclients == 40
    assert "maxclients is 40 instead of 100" in caplog.text


def test_more_clients_than_files_are_refused_in_redis_words() -> None:
    settings = Settings(maxclients="10")
    provide_files(settings, lambda wanted: min(wanted, RESERVED_FILES + 40))
    with pytest.raises(ChangeRefusedError) as caught:
        settings.set_many([("maxclients", "41")])
    assert str(caught.value) == (
        "CONFIG SET failed (possibly related to argument 'maxclients') - "
        "The operating system is not able to handle the specified number of clients, try with 40"
    )
    assert settings.maxclients == 10


def test_one_client_is_let_in_whatever_the_limit() -> None:
    settings = Settings(maxclients="10")
    provide_files(settings, lambda wanted: 3)
    assert settings.maxclients == 1


def test_the_real_limit_is_raised_as_far_as_the_system_lets_us() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        assert raise_limit(100) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 128
        assert raise_limit(200) == 200
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
