"""HTTP loaders of the tests, at work with a source that answers as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from respcache.loading import LoadError
from respcache.loading.http import HttpLoader, http_loader
from respcache.loading.http_answers import UnavailableError
from respcache.loading.options import options_of
from tests.http_server import Answerer, HttpServer


@asynccontextmanager
async def loader_to(source: HttpServer, **table: Any) -> AsyncIterator[HttpLoader]:
    usual = {"pattern": "p:{id}", "value_type": "text"}
    usual |= {} if "batch_url" in table else {"url": source.url + "/p/{id}"}
    loader, general = http_loader({**usual, **table})
    options_of(loader, general)
    await loader.start()
    try:
        yield loader
    finally:
        await loader.close()


@asynccontextmanager
async def loading(answer: Answerer, **table: Any) -> AsyncIterator[tuple[HttpServer, HttpLoader]]:
    """Run a source and a loader for it; ``{source}`` in the table is the source's address."""
    async with HttpServer(answer).running() as source:
        filled = {
            name: value.replace("{source}", source.url) if isinstance(value, str) else value
            for name, value in table.items()
        }
        async with loader_to(source, **filled) as loader:
            yield source, loader


async def load(loader: HttpLoader, *names: str) -> list[Any]:
    """Return what there is for each name, errors by their text; the text of the error if there is nothing for any."""
    keys = [f"p:{name}".encode() for name in names]
    try:
        found = await loader.bulk_load(keys)
    except UnavailableError as error:
        return [f"all: {error}"]
    assert list(found) == keys
    return [str(one) if isinstance(one, LoadError) else one for one in found.values()]
