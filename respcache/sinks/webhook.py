"""POSTs events to an HTTP receiver, in batches, as JSON.

    {"node": "alpha", "batch": "5f1e...-7", "events": [...]}

A batch is tried several times: a receiver that is away, slow, or answers 429 or 5xx may
well take it later. Any other answer than 2xx is a no for good. A try whose answer
was lost may have been taken all the same, so a receiver can see a batch twice; the batch's
name, which the header Idempotency-Key repeats, tells.

httpx2 does the talking and is an extra of its own (``respcache[webhook]``): it is imported only when
somebody sets up a webhook.
"""

import logging
import random
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import msgspec
import trio

from respcache.backoff import Backoff
from respcache.events.encoding import to_document
from respcache.events.record import Event

from .settings import SinkSettingsError, WebhookSettings

OK: Final = range(200, 300)
NO_CONTENT: Final = 204
LATER: Final = frozenset({408, 425, 429, *range(500, 600)})
"""Answers that mean: not now. 408, 425 and 429 by their definition, 5xx as the receiver's own trouble."""

MOST_ANSWER_BYTES: Final = 64 * 1024
"""An answer is read only so that its connection can be used again; a longer one costs more than a new connection."""


class WebhookError(Exception):
    """A batch could not be delivered. The text leaves out the URL's path, which often is a secret."""


class WebhookOutlet:
    """One receiver, and one connection that is kept open to it."""

    def __init__(self, settings: WebhookSettings, node: str, chance: random.Random) -> None:
        self._settings = settings
        self._node = node
        self._chance = chance
        self._life = f"{chance.getrandbits(64):016x}"  # so that names differ from those before a restart
        self._batches = 0
        self._httpx2 = _httpx2(settings.name)
        self._client = self._make_client()

    async def write(self, events: Sequence[Event]) -> None:
        self._batches += 1
        batch = f"{self._life}-{self._batches}"
        documents = [to_document(event, self._settings.value_limit_bytes) for event in events]
        body = msgspec.json.encode({"node": self._node, "batch": batch, "events": documents})
        backoff = Backoff(self._chance, self._settings.first_pause_s, self._settings.longest_pause_s)
        for attempt in range(1, self._settings.attempts + 1):
            trouble = await self._trouble_with(body, batch)
            if trouble is None:
                return
            if attempt < self._settings.attempts:
                await trio.sleep(backoff.next_pause_s())
        raise WebhookError(f"gave up after {self._settings.attempts} attempts: {trouble}")

    def reopen(self) -> None:
        """Do nothing: there is no file."""

    async def close(self) -> None:
        await self._client.aclose()

    async def _trouble_with(self, body: bytes, batch: str) -> str | None:
        """Try once; return None for success and otherwise what should be better next time."""
        try:
            with trio.fail_after(self._settings.timeout_s):
                status = await self._post(body, batch)
        except trio.TooSlowError:
            return f"no answer within {self._settings.timeout_s} s"
        except self._httpx2.TransportError as error:
            return f"{type(error).__name__}: {error}"
        if status in OK:
            return None
        if status in LATER:
            return f"the answer was {status}"
        raise WebhookError(f"refused with {status}")

    async def _post(self, body: bytes, batch: str) -> int:
        headers = {"Idempotency-Key": batch}
        async with self._client.stream("POST", self._settings.url, content=body, headers=headers) as answer:
            if _is_worth_reading(answer.status_code, answer.headers.get("content-length")):
                async for _ in answer.aiter_raw():  # raw: nobody needs it unpacked
                    pass
            return int(answer.status_code)

    def _make_client(self) -> Any:  # httpx2 is not there to be named when types are checked without it
        headers = {"Content-Type": "application/json", "User-Agent": "respcache", **self._settings.headers}
        try:
            self._httpx2.URL(self._settings.url)
            # The timeout is ours, round the whole attempt: httpx2's own start anew with every byte.
            return self._httpx2.AsyncClient(headers=headers, timeout=None)
        except (self._httpx2.InvalidURL, ValueError, TypeError) as error:
            raise SinkSettingsError(f"sink {self._settings.name}: {error}") from error


def _is_worth_reading(status: int, content_length: str | None) -> bool:
    """Say whether the rest of an answer is known to be short, or not there."""
    if content_length is None:
        return status == NO_CONTENT
    return content_length.isdecimal() and int(content_length) <= MOST_ANSWER_BYTES


def _httpx2(sink_name: str) -> ModuleType:
    try:
        httpx2 = import_module("httpx2")
    except ImportError as error:
        raise SinkSettingsError(
            f"sink {sink_name}: a webhook needs httpx2, which is not installed: pip install 'respcache[webhook]'"
        ) from error
    # It would log each request with its whole URL, which often is a secret.
    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx2
