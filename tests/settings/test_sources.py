import pytest

from respcache.settings.errors import SettingsError
from respcache.settings.flags import parse_flags
from respcache.settings.nested import ExpirationRule
from respcache.settings.settings import PARAMETERS, Settings
from respcache.settings.sources import load, variable
from tests.rows import every_row


def mistake(toml: str = "", environ: dict[str, str] | None = None, flags: str = "") -> str:
    with pytest.raises(SettingsError) as caught:
        load(toml, file_name="my.toml", environ=environ, flags=parse_flags(flags.split()).settings)
    return str(caught.value)


def test_without_sources_all_is_default() -> None:
    settings = load()
    assert {settings.source(parameter) for parameter in PARAMETERS} == {"default"}


def test_the_environment_wins_over_the_file_and_flags_over_both() -> None:
    settings = load(
        'port = 1\ntimeout = 1\nmaxmemory = "1kb"',
        file_name="my.toml",
        environ={"RESPCACHE_TIMEOUT": "2", "RESPCACHE_MAXMEMORY": "2kb"},
        flags=[("maxmemory", "3kb")],
    )
    assert (settings.port, settings.timeout_seconds, settings.maxmemory_bytes) == (1, 2, 3072)
    assert settings.source(Settings.port) == "my.toml"
    assert settings.source(Settings.timeout_seconds) == "environment variable RESPCACHE_TIMEOUT"
    assert settings.source(Settings.maxmemory_bytes) == "flag --maxmemory"


def test_toml_takes_its_own_types() -> None:
    settings = load(
        'bind = ["127.0.0.1", "::1"]\nprotected-mode = false\nexpiration = 0.5\nmaxmemory = 1024\n'
        "latency-tracking-info-percentiles = [50, 99.5]\nappendonly = false\n"
    )
    assert settings.bind == ("127.0.0.1", "::1")
    assert not settings.protected_mode
    assert settings.expiration_ms == 500
    assert settings.latency_tracking_info_percentiles == (50.0, 99.5)


@pytest.mark.parametrize(
    "toml",
    [
        '[events]\nwebhook-url = "http://x"',
        '[events.webhook]\nurl = "http://x"',
        'events = { webhook = { url = "http://x" } }',
        'events.webhook.url = "http://x"',
        'events-webhook-url = "http://x"',
        '[Events]\nWebhook-URL = "http://x"',
    ],
)
def test_a_hyphen_in_a_name_may_be_a_table_in_the_file(toml: str) -> None:
    assert load(toml).events_webhook_url == "http://x"


def test_lives_by_pattern_come_as_tables_or_as_json() -> None:
    rules = (ExpirationRule("a:*", 60_000),)
    assert load('[[expirations]]\npattern = "a:*"\nseconds = 60').expirations == rules
    json = '[{"pattern": "a:*", "seconds": 60}]'
    assert load(environ={"RESPCACHE_EXPIRATIONS": json}).expirations == rules


def test_options_of_a_sink_come_in_a_table_of_their_own() -> None:
    settings = load('[[events.sinks]]\nclass = "a.b:C"\n[events.sinks.options]\ncolour = "red"\nsize = 3')
    (sink,) = settings.events_sinks
    assert (sink.class_path, sink.options) == ("a.b:C", {"colour": "red", "size": 3})


def test_old_names_are_understood_everywhere() -> None:
    assert load("hash-max-ziplist-entries = 5").hash_max_listpack_entries == 5
    assert load(flags=[("hash-max-ziplist-entries", "6")]).hash_max_listpack_entries == 6


def test_a_flag_for_yes_or_no_needs_no_value() -> None:
    assert load(flags=[("events-console", None)]).events_console


def test_limits_given_by_several_flags_add_up() -> None:
    flags = parse_flags(
        [
            "--client-output-buffer-limit",
            "pubsub",
            "1",
            "1",
            "1",
            "--client-output-buffer-limit",
            "normal",
            "2",
            "2",
            "2",
        ]
    )
    limits = load(flags=flags.settings).client_output_buffer_limit
    assert (limits.pubsub.hard_bytes, limits.normal.hard_bytes) == (1, 2)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load("port = 1", environ={"RESPCACHE_PORT": ""}).port == 1


def test_what_orchestrators_say_about_a_service_of_our_name_is_no_setting() -> None:
    environ = {
        "RESPCACHE_PORT": "tcp://10.0.0.1:6379",
        "RESPCACHE_SERVICE_HOST": "10.0.0.1",
        "RESPCACHE_SERVICE_PORT": "6379",
        "RESPCACHE_SERVICE_PORT_REDIS": "6379",
        "RESPCACHE_PORT_6379_TCP": "tcp://10.0.0.1:6379",
        "RESPCACHE_PORT_6379_TCP_ADDR": "10.0.0.1",
        "RESPCACHE_HEADLESS_PORT": "tcp://10.0.0.1:6379",
    }
    assert load(environ=environ).port == 6379


def test_other_variables_are_not_ours() -> None:
    load(environ={"PATH": "/bin", "REDIS_PORT": "1", "RESPCACHE_CONFIG": "x.toml", "RESPCACHE_PURE": "1"})


def test_every_setting_has_a_variable_of_its_own() -> None:
    assert len({variable(parameter) for parameter in PARAMETERS}) == len(PARAMETERS)
    assert variable(Settings.maxmemory_policy) == "RESPCACHE_MAXMEMORY_POLICY"


@every_row(
    ("toml", "message"),
    [
        (
            "# comment\n\nmaxmemroy = 1",
            'my.toml, line 3: there is no setting "maxmemroy"; did you mean maxmemory?',
        ),
        ("zzz = 1", 'my.toml, line 1: there is no setting "zzz"'),
        (
            "port = 70000",
            "my.toml, line 1: port is 70000, but must be a whole number from 0 to 65535",
        ),
        ("[events]\nchannel = 3", "my.toml, line 2: events-channel is 3, but must be yes or no"),
        (
            "[events]\nchanel = true",
            'my.toml, line 2: there is no setting "events-chanel"; did you mean events-channel?',
        ),
        ("port = 1\nPort = 2", "my.toml, line 1: port is given twice"),
        (
            "hash-max-ziplist-value = 1\nhash-max-listpack-value = 2",
            "my.toml, line 2: hash-max-listpack-value is given twice: hash-max-ziplist-value is the same setting",
        ),
        (
            "appendonly = true",
            'my.toml, line 1: appendonly is true, but must be "no" (respcache is a cache: it keeps nothing on disk.)',
        ),
        ("port = =", "my.toml is not valid TOML: Invalid value (at line 1, column 8)"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(toml: str, message: str) -> None:
    assert mistake(toml) == message


def test_a_mistake_in_a_table_is_told_with_its_place() -> None:
    message = mistake('port = 1\n[[expirations]]\npattern = "a"\nseconds = "soon"')
    assert message.startswith("my.toml, line 2: expirations: ")
    assert "$[0].seconds" in message


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"RESPCACHE_MAXMEMORYPOLICY": "x"},
            "environment variable RESPCACHE_MAXMEMORYPOLICY: there is no such setting; "
            "did you mean RESPCACHE_MAXMEMORY_POLICY?",
        ),
        (
            {"RESPCACHE_PORT": "six"},
            'environment variable RESPCACHE_PORT is "six", but must be a whole number from 0 to 65535',
        ),
    ],
)
def test_a_mistake_in_the_environment_is_told(environ: dict[str, str], message: str) -> None:
    assert mistake(environ=environ) == message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--prot 1", "flag --prot: there is no such setting; did you mean --port?"),
        ("--port", "flag --port needs a value: a whole number from 0 to 65535"),
        ("--port 1 2", 'flag --port is "1 2", but must be a whole number from 0 to 65535'),
    ],
)
def test_a_mistake_in_a_flag_is_told(flags: str, message: str) -> None:
    assert mistake(flags=flags) == message


def test_a_wrong_password_is_not_told() -> None:
    message = mistake("requirepass = 1234")
    assert "1234" not in message
    assert (
        message
        == "my.toml, line 1: requirepass has a value that cannot be used, but must be a text in quotes"
    )
