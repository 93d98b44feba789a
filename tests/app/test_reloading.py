"""SIGHUP: what changes, what needs a restart, and what a mistake in the file does."""

import logging

import pytest

from respcache.app.configuration import ConfigurationError
from respcache.app.reloading import reload_settings
from respcache.settings.settings import Settings


def test_what_can_change_changes_and_its_hooks_are_asked() -> None:
    settings = Settings()
    seen: list[int] = []
    settings.on_change(Settings.maxmemory_bytes, seen.append)
    reload_settings(settings, lambda: Settings(maxmemory="1mb", timeout="5"))
    assert settings.maxmemory_bytes == 1 << 20
    assert settings.timeout_seconds == 5
    assert seen == [1 << 20]


def test_what_needs_a_restart_is_named_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(port="6379")
    with caplog.at_level(logging.WARNING):
        reload_settings(settings, lambda: Settings(port="6380"))
    assert settings.port == 6379
    assert "port" in caplog.text


def test_a_mistake_in_the_file_changes_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(maxmemory="1mb")

    def read_again() -> Settings:
        raise ConfigurationError("respcache.toml: maxmemory: expected a size")

    reload_settings(settings, read_again)
    assert settings.maxmemory_bytes == 1 << 20
    assert "expected a size" in caplog.text


def test_what_config_set_had_changed_is_what_the_file_says_again() -> None:
    settings = Settings()
    settings.set_many([("timeout", "9")])
    reload_settings(settings, Settings)
    assert settings.timeout_seconds == 0
