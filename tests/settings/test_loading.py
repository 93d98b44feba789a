"""Settings that name loaders."""

import pytest

from respcache.settings.loading import Loading
from respcache.settings.settings import Settings


def test_classes_are_named_one_after_another() -> None:
    settings = Settings(loader="shop.caches:Users, shop.caches:Orders")
    assert settings.loader == ("shop.caches:Users", "shop.caches:Orders")
    assert Settings().loader == ()


def test_tables_keep_what_they_say() -> None:
    settings = Settings(loading_loaders='[{"class": "a:B", "batch_size": 5}]', loading_sql="[]")
    assert [dict(table) for table in settings.loading_loaders] == [{"class": "a:B", "batch_size": 5}]
    assert tuple(settings.loading_sql) == tuple(settings.loading_http) == ()


@pytest.mark.parametrize("value", ["shop.caches", "shop:", "a:b!"])
def test_what_is_no_class_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="classes such as"):
        Settings(loader=value)


def test_loaders_are_chosen_at_the_start() -> None:
    chosen = (Loading.loader, Loading.loading_loaders, Loading.loading_sql, Loading.loading_http)
    assert not any(parameter.mutable for parameter in chosen)
