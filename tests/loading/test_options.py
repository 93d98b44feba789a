from pathlib import Path
from typing import Any

import pytest

from respcache.loading import Loader
from respcache.loading.options import OPTION_NAMES, OTHER_NAMES, LoaderSettingsError, milliseconds, options_of
from tests.rows import every_row

REPOSITORY = Path(__file__).parent.parent.parent
OTHER_NAMES_BACK = {attribute: name for name, attribute in OTHER_NAMES.items()}


class Users(Loader):
    pattern = "user:*"
    expiration = 60
    refresh_ahead = 0.25

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return {}


class Writing(Users):
    def write(self, key: bytes, value: object) -> None:
        """Do nothing: only that it is here counts."""


def test_each_attribute_of_a_loader_that_is_no_method_is_a_setting() -> None:
    attributes = {name for name, value in vars(Loader).items() if not callable(value) and name[0] != "_"}
    assert attributes == OPTION_NAMES


def test_every_setting_is_documented() -> None:
    page = (REPOSITORY / "docs" / "loading.md").read_text()
    names = {OTHER_NAMES_BACK.get(name, name) for name in OPTION_NAMES}
    assert {name for name in names if f"| `{name}` |" not in page} == set()


def test_settings_are_the_attributes_of_the_class() -> None:
    options = options_of(Users())
    assert (options.pattern, options.name, options.batch_size) == ("user:*", "Users", 1000)
    assert (options.life_ms, options.ahead_ms, options.stale_ms) == (60_000, 15_000, 0)


def test_what_the_file_says_comes_first() -> None:
    options = options_of(Users(), {"name": "people", "expiration": "infinity", "batch_size": 5})
    assert (options.name, options.life_ms, options.batch_size) == ("people", None, 5)


def test_a_stale_value_is_loaded_anew_from_the_end_of_its_life_on() -> None:
    options = options_of(Users(), {"on_failure": "stale", "stale_seconds": 100, "refresh_ahead": 0})
    assert (options.stale_ms, options.ahead_ms) == (100_000, 100_000)


@every_row(
    ("overrides", "text"),
    [
        ({"pattern": ""}, "loader Users has no pattern"),
        ({"batch": 3}, "loader Users: there is no setting 'batch'"),
        ({"batch_size": 0}, "loader Users: Expected `int` >= 1 - at `$.batch_size`"),
        ({"timeout_ms": "5s"}, "Expected `int`, got `str` - at `$.timeout_ms`"),
        ({"on_failure": "panic"}, "Invalid enum value 'panic' - at `$.on_failure`"),
        ({"name": "a b"}, "at `$.name`"),
        ({"expiration": 0}, "at `$.expiration`"),
        ({"write": "through"}, "write = 'through' needs a method write or bulk_write"),
    ],
)
def test_wrong_settings_are_refused_by_their_name(overrides: dict[str, Any], text: str) -> None:
    with pytest.raises(LoaderSettingsError) as refusal:
        options_of(Users(), overrides)
    assert text in str(refusal.value)


def test_writing_needs_a_method_for_it() -> None:
    assert options_of(Writing(), {"write": "behind"}).write_mode == "behind"


def test_lives_in_milliseconds() -> None:
    assert (milliseconds(1.5), milliseconds(0.0001), milliseconds("infinity")) == (1500, 1, None)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "for ever"])
def test_what_is_no_life(seconds: Any) -> None:
    with pytest.raises(ValueError, match="no life"):
        milliseconds(seconds)
