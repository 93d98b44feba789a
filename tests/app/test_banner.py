from pathlib import Path

from respcache import __version__
from respcache._speedups import DESCRIPTION
from respcache.app.banner import access, addresses, banner, events, expiration, memory
from respcache.app.configuration import Configuration
from respcache.settings.settings import Settings


def test_the_banner_says_version_path_address_and_process() -> None:
    text = banner(Configuration(Settings(), Path("/etc/my.toml")), 6380, 4711, has_colour=False)
    assert f"respcache {__version__}" in text
    assert f", {DESCRIPTION}, pid" in text
    assert "127.0.0.1:6380, [::1]:6380" in text
    assert "pid 4711" in text
    assert "/etc/my.toml" in text
    assert "\x1b" not in text


def test_colour_does_not_change_the_words() -> None:
    configuration = Configuration(Settings(), None)
    coloured = banner(configuration, 1, 2, has_colour=True)
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        coloured = coloured.replace(code, "")
    assert coloured == banner(configuration, 1, 2, has_colour=False)


def test_secrets_are_not_shown() -> None:
    settings = Settings(requirepass="sesame", events_webhook_url="https://x/?token=sesame")
    text = banner(Configuration(settings, None), 1, 2, has_colour=False)
    assert "sesame" not in text
    assert "with the password" in text


def test_a_unix_socket_is_an_address_too() -> None:
    assert addresses(Settings(unixsocket="/run/x.sock"), 0) == ["/run/x.sock"]


def test_an_open_door_is_called_one() -> None:
    assert access(Settings(protected_mode="no")).startswith("anybody")


def test_limits_and_lives_are_told_as_people_say_them() -> None:
    assert memory(Settings(maxmemory="2gb", maxmemory_policy="allkeys-lru")) == "2gb, then allkeys-lru"
    assert memory(Settings()) == "no limit (maxmemory 0)"
    rules = '[{"pattern": "a", "seconds": 1}]'
    assert expiration(Settings(expiration="90", expirations=rules)) == "90 s by default, 1 pattern"


def test_only_sinks_that_are_on_are_named() -> None:
    settings = Settings(events_console="yes", events_sinks='[{"class": "a.b:C"}]')
    assert events(settings) == ["channel respcache:events", "console", "a.b:C"]
    assert events(Settings(events_channel="no")) == []
