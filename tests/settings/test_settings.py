from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import ChangeRefusedError, SettingRefusedError
from respcache.settings.parameter import AnyParameter
from respcache.settings.settings import HIDDEN, PARAMETERS, PARAMETERS_BY_NAME, SECTIONS, Settings
from tests.conftest import StartServer
from tests.rows import every_row
from tests.servers import Server
from tests.wire import parse


def equals(pattern: bytes) -> Callable[[bytes], bool]:
    """Match a name itself, or every name that begins as a pattern does before its star."""
    return lambda name: name.startswith(pattern[:-1]) if pattern.endswith(b"*") else name == pattern


def refusal(settings: Settings, *changes: tuple[str, str]) -> str:
    with pytest.raises(ChangeRefusedError) as caught:
        settings.set_many(changes)
    return str(caught.value)


def test_a_setting_is_a_typed_attribute_with_its_unit() -> None:
    settings = Settings(maxmemory="1gb", bind="127.0.0.1 ::1")
    assert settings.maxmemory_bytes == 1024**3
    assert settings.bind == ("127.0.0.1", "::1")
    assert settings.port == 6379


def test_every_parameter_belongs_to_one_section_and_one_name() -> None:
    assert len(PARAMETERS) == sum(len(section.parameters) for section in SECTIONS)
    assert len(PARAMETERS_BY_NAME) == sum(1 + len(parameter.aliases) for parameter in PARAMETERS)
    assert all(issubclass(Settings, section) for section in SECTIONS)


@every_row("parameter", PARAMETERS)
def test_every_default_is_a_value_of_its_kind(parameter: AnyParameter) -> None:
    shown = parameter.kind.show(parameter.default)
    assert parameter.kind.parse(shown, parameter.default) == parameter.default


@every_row("parameter", PARAMETERS)
def test_every_setting_says_in_a_sentence_what_it_does_and_why(parameter: AnyParameter) -> None:
    assert parameter.doc.endswith(".")
    assert parameter.reason.endswith(".")


def test_settings_cannot_be_assigned_past_the_checks() -> None:
    with pytest.raises(AttributeError, match="set_many"):
        Settings().port = 1


def test_config_get_shows_each_setting_once_in_any_case() -> None:
    settings = Settings()
    found = settings.get(["MAXMEMORY", "maxmemory", "nosuch", "maxmemory-s*"], equals)
    assert found == [("maxmemory", "0"), ("maxmemory-samples", "5")]


def test_config_get_shows_a_setting_under_every_name_it_has() -> None:
    assert Settings().get(["hash-max-*"], equals) == [
        ("hash-max-listpack-entries", "512"),
        ("hash-max-ziplist-entries", "512"),
        ("hash-max-listpack-value", "64"),
        ("hash-max-ziplist-value", "64"),
    ]


def test_config_set_changes_several_at_once() -> None:
    settings = Settings()
    settings.set_many([("maxmemory", "100mb"), ("TIMEOUT", "5"), ("hash-max-ziplist-entries", "7")])
    assert (settings.maxmemory_bytes, settings.timeout_seconds) == (100 * 1024**2, 5)
    assert settings.hash_max_listpack_entries == 7
    assert settings.source(Settings.timeout_seconds) == "CONFIG SET"


def test_one_wrong_value_leaves_all_as_they_were() -> None:
    settings = Settings()
    assert "argument must be a memory value" in refusal(settings, ("timeout", "5"), ("maxmemory", "x"))
    assert settings.timeout_seconds == 0
    assert settings.source(Settings.timeout_seconds) == "default"


def test_hooks_hear_of_changes_and_of_nothing_else() -> None:
    settings = Settings()
    heard: list[int] = []
    settings.on_change(Settings.timeout_seconds, heard.append)
    settings.set_many([("timeout", "0"), ("maxmemory", "1")])
    settings.set_many([("timeout", "5")])
    assert heard == [5]


def test_what_names_a_file_is_heard_of_even_if_it_is_the_same_name() -> None:
    settings = Settings()
    heard: list[str] = []
    settings.on_change(Settings.tls_cert_file, heard.append)
    settings.set_many([("tls-cert-file", "")])
    assert heard == [""]


def test_a_hook_sees_all_new_values_at_once() -> None:
    settings = Settings()
    seen: list[tuple[int, int]] = []
    settings.on_change(
        Settings.maxmemory_bytes,
        lambda _: seen.append((settings.maxmemory_bytes, settings.timeout_seconds)),
    )
    settings.set_many([("maxmemory", "1"), ("timeout", "2")])
    assert seen == [(1, 2)]


def test_a_hook_that_refuses_takes_everything_back() -> None:
    settings = Settings()
    heard: list[int] = []

    def refuse(_: object) -> None:
        raise SettingRefusedError("not on this machine")

    settings.on_change(Settings.timeout_seconds, heard.append)
    settings.on_change(Settings.maxclients, refuse)
    reply = refusal(settings, ("timeout", "5"), ("MaxClients", "9"))
    assert reply == "CONFIG SET failed (possibly related to argument 'maxclients') - not on this machine"
    assert heard == [5, 0]
    assert (settings.timeout_seconds, settings.maxclients) == (0, 10000)


@pytest.mark.parametrize("flags", ["KAn", "Kg", ""])
def test_a_text_is_enough_to_set_the_value_again(flags: str) -> None:
    settings, other = Settings(notify_keyspace_events=flags), Settings()
    other.set_many([("notify-keyspace-events", settings.text(Settings.notify_keyspace_events))])
    assert other.notify_keyspace_events == settings.notify_keyspace_events


def test_the_password_is_shown_to_clients_but_not_in_listings() -> None:
    settings = Settings(requirepass="sesame")
    assert settings.text(Settings.requirepass) == "sesame"
    assert settings.shown(Settings.requirepass) == HIDDEN
    assert Settings().shown(Settings.requirepass) == ""


REFUSED = [
    ["nosuch", "1"],
    ["databases", "4", "nosuch", "3"],
    ["nosuch", "3", "databases", "4"],
    ["databases", "16"],
    ["DataBases", "16"],
    ["maxclients", "x", "databases", "4"],
    ["timeout", "x", "timeout", "5"],
    ["timeout", "5", "TimeOut", "6"],
    ["Timeout", "x"],
    ["timeout", "-1"],
    ["timeout", "99999999999"],
    ["slowlog-max-len", "5kb"],
    ["slowlog-log-slower-than", "-2"],
    ["latency-tracking", "maybe"],
    ["loglevel", "loud"],
    ["maxmemory", "1.5gb"],
    ["maxmemory-clients", "101%"],
    ["maxmemory-samples", "0"],
    ["maxclients", "0"],
    ["proto-max-bulk-len", "1"],
    ["client-query-buffer-limit", "x"],
    ["hash-max-ziplist-value", "-1"],
    ["notify-keyspace-events", "q"],
    ["client-output-buffer-limit", "pubsub 1 1"],
    ["latency-tracking-info-percentiles", "50 101"],
    ["latency-monitor-threshold", "-1"],
    ["lfu-log-factor", ""],
    ["tcp-keepalive", "1k"],
    ["shutdown-timeout", "-1"],
    ["daemonize", "yes"],
    ["unixsocket", "x"],
    ["logfile", "x"],
]
"""Each is refused by redis-server 7.0 too; the kinds' own tests have many more texts."""

ACCEPTED = [
    ["maxmemory", "1kb"],
    ["maxmemory", ""],
    ["maxmemory-policy", "ALLKEYS-LRU"],
    ["hash-max-ziplist-entries", "5", "hash-max-listpack-entries", "6"],
    ["notify-keyspace-events", "KEAn"],
    ["client-output-buffer-limit", "replica 1kb 1k 1 normal 0 0 7"],
    ["client-output-buffer-limit", ""],
    ["latency-tracking-info-percentiles", "50 99.123 100.0"],
    ["maxmemory-clients", "5%"],
    ["slowlog-log-slower-than", "-1"],
    ["protected-mode", "YES"],
    ["requirepass", ""],
    ["save", ""],
    ["appendonly", "no"],
]


@pytest.mark.redis
@every_row("words", REFUSED)
def test_refusals_are_redis_own(redis_server: Server, words: list[str]) -> None:
    with redis_server.client() as client:
        reply = client.call("CONFIG", "SET", *words)
    changes = list(zip(words[::2], words[1::2], strict=True))
    assert f"-ERR {refusal(Settings(), *changes)}\r\n".encode() == reply


@pytest.mark.redis
@every_row("words", ACCEPTED)
def test_what_redis_accepts_is_shown_as_redis_shows_it(redis_server: Server, words: list[str]) -> None:
    settings = Settings()
    names = words[::2]
    with redis_server.client() as client:
        before = {
            name: str(parse(client.call("CONFIG", "GET", name)).children[1].text, "utf-8") for name in names
        }
        assert client.call("CONFIG", "SET", *words) == b"+OK\r\n"
        settings.set_many(list(zip(names, words[1::2], strict=True)))
        for name in names:
            shown = parse(client.call("CONFIG", "GET", name)).children[1].text
            assert settings.get([name], equals) == [(name, shown.decode())]
        for name, text in before.items():
            client.call("CONFIG", "SET", name, text)


OUR_OWN_DEFAULTS = {"maxmemory-policy", "bind", "port", "dir"}
"""What a cache starts with in another way; bind, port and dir are the test server's."""


@pytest.mark.redis
def test_defaults_are_redis_own_where_they_are_a_matter_of_taste(start_redis: StartServer) -> None:
    settings = Settings()
    compared = [
        parameter
        for section in SECTIONS[:-1]
        for parameter in section.parameters
        if parameter.name not in OUR_OWN_DEFAULTS
    ]
    with start_redis().client() as client:
        for parameter in compared:
            answer = parse(client.call("CONFIG", "GET", parameter.name)).children
            assert not answer or answer[1].text.decode() == settings.text(parameter), parameter


@given(st.lists(st.sampled_from([["timeout", "5"], ["timeout", "x"], ["nosuch", "1"], ["maxmemory", "1k"]])))
def test_a_refused_change_changes_nothing(changes: list[list[str]]) -> None:
    settings = Settings()
    before = dict(vars(settings))
    try:
        settings.set_many([(name, text) for name, text in changes])
    except ChangeRefusedError:
        assert vars(settings) == before
