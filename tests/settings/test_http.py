import pytest

from respcache.settings.errors import InvalidValueError
from respcache.settings.http import Http
from respcache.settings.settings import Settings


def test_nothing_listens_that_was_not_asked_for() -> None:
    assert Http.http_port.default == 0
    assert Http.http_cors_origins.default == ()


@pytest.mark.parametrize("text", ["https://shop.example", "http://localhost:3000, https://a.b", "*", ""])
def test_sites_are_named_by_their_origins(text: str) -> None:
    assert len(Settings(http_cors_origins=text).http_cors_origins) == len(text.split())


@pytest.mark.parametrize(
    "text", ["shop.example", "https://shop.example/path", "https://", "https://a b@c", "https://a?b"]
)
def test_other_words_are_no_origins(text: str) -> None:
    with pytest.raises(InvalidValueError):
        Settings(http_cors_origins=text)
