import tomllib

import pytest

from respcache.settings.errors import InvalidValueError
from respcache.settings.memory_share import MemoryShare, SizeOrPercent

KIND = SizeOrPercent()
NONE = MemoryShare()


@pytest.mark.parametrize(
    ("text", "share", "shown"),
    [
        ("0", NONE, "0"),
        ("0%", NONE, "0"),
        ("5%", MemoryShare(percent=5), "5%"),
        ("1mb", MemoryShare(1024**2), "1048576"),
    ],
)
def test_a_share_is_a_size_or_a_percentage(text: str, share: MemoryShare, shown: str) -> None:
    assert KIND.parse(text, NONE) == share
    assert KIND.show(share) == shown


@pytest.mark.parametrize("text", ["%", "-5%", "5%5", "1.5%", "abc", "-1", "5 %"])
def test_what_is_neither_is_refused_in_redis_words(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^argument must be a memory or percent value$"):
        KIND.parse(text, NONE)


def test_no_more_than_all_of_it_can_be_asked_for() -> None:
    with pytest.raises(InvalidValueError, match=r"^percentage argument must be less or equal to 100$"):
        KIND.parse("101%", NONE)


def test_a_percentage_is_one_of_maxmemory() -> None:
    assert MemoryShare(percent=5).limit_bytes(1000) == 50
    assert MemoryShare(64).limit_bytes(1000) == 64
    assert MemoryShare(percent=5).limit_bytes(0) == 0


@pytest.mark.parametrize("share", [NONE, MemoryShare(percent=5), MemoryShare(1000), MemoryShare(1024**3)])
def test_a_share_survives_toml(share: MemoryShare) -> None:
    written = tomllib.loads(f"value = {KIND.toml(share)}")["value"]
    assert KIND.parse(KIND.text_of_toml(written), NONE) == share


def test_a_number_in_toml_is_a_size() -> None:
    assert KIND.text_of_toml(1024) == "1024"
    with pytest.raises(InvalidValueError):
        KIND.text_of_toml(True)
