import pytest

from respcache.settings.errors import SettingsError
from respcache.settings.flags import parse_flags


def test_words_up_to_the_next_flag_belong_together() -> None:
    flags = parse_flags(
        [
            "--port",
            "6380",
            "--client-output-buffer-limit",
            "pubsub",
            "32mb",
            "8mb",
            "60",
            "--maxmemory",
            "1gb",
        ]
    )
    assert flags.settings == [
        ("port", "6380"),
        ("client-output-buffer-limit", "pubsub 32mb 8mb 60"),
        ("maxmemory", "1gb"),
    ]


def test_a_value_may_follow_an_equals_sign() -> None:
    assert parse_flags(["--requirepass=--a=b", "--save="]).settings == [
        ("requirepass", "--a=b"),
        ("save", ""),
    ]


def test_an_empty_word_and_a_negative_number_are_values() -> None:
    flags = parse_flags(["--save", "", "--slowlog-log-slower-than", "-1"])
    assert flags.settings == [("save", ""), ("slowlog-log-slower-than", "-1")]


def test_a_flag_without_a_value_is_told_apart_from_an_empty_one() -> None:
    assert parse_flags(["--events-console"]).settings == [("events-console", None)]


@pytest.mark.parametrize("arguments", [["my.toml"], ["--config", "my.toml"], ["--config=my.toml"]])
def test_the_file_stands_first_or_in_a_flag(arguments: list[str]) -> None:
    assert parse_flags([*arguments, "--port", "1"]).config == "my.toml"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "1"], 'unexpected argument "-p": settings are given as --name value'),
        (["my.toml", "port", "1"], 'unexpected argument "port": settings are given as --name value'),
        (["--"], 'unexpected argument "--": settings are given as --name value'),
        (["--config"], "flag --config needs the path of a file"),
        (["a.toml", "--config", "b.toml"], 'two settings files are given: "a.toml" and "b.toml"'),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_flags(arguments)
    assert str(caught.value) == message
