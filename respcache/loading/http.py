"""Loads missing keys over HTTP: one GET for each, several at once; or one request for many.

httpx2 does the talking and is an extra of its own (``respcache[http]``): it is imported when there is a table ``[[loading.http]]``.
What is asked is decided in ``http_requests.py``, what an answer says in ``http_answers.py``, and what can be set in ``http_options.py``; here are the
connections, the time and the limits:

- a request has its time as a whole: connecting, waiting, and the last byte of the answer;
- of an answer no more is read than ``max_body``;
- a source that asks to be left in peace (Retry-After) is, and one that takes no connection is not asked for
  the rest of a batch;
- redirections, where they are followed, take the operator's headers to nobody but the source itself.
"""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from types import ModuleType
from typing import Any, Final, TypeAlias

import msgspec
import trio

from .http_answers import Answer, Result, UnavailableError
from .http_options import HttpSettings, read_table
from .http_requests import Asking
from .loader import Loader, LoadError, Mark, Missing
from .options import LoaderSettingsError
from .values import WrongAnswerError

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
THAT_KEEP_THE_METHOD: Final = frozenset({307, 308})

MOST_REDIRECTS: Final = 5
"""One for the name, one for TLS, one for the path; more than these are a circle."""

MOST_LEFTOVER_BYTES: Final = 64 * 1024
LONGEST_LEFTOVER_S: Final = 0.2
"""A body that nobody needs is read as far as this, so that its connection can be used again: a new one costs more, a long body does not."""

MOST_REASON_CHARACTERS: Final = 120


def http_loader(
    table: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> tuple["HttpLoader", dict[str, Any]]:
    """Return the loader that a table ``[[loading.http]]`` describes, and the general settings in it, for ``options_of``.

    Raises LoaderSettingsError, in one line.
    """
    settings, general = read_table(table, environ)
    return HttpLoader(settings), general


class _UnreachableError(UnavailableError):
    """There is no connection to be had, and a second try right behind would have none either."""


Outcome: TypeAlias = Answer | Mark | LoadError
"""What came of a request: an answer with its body; or what its status alone, or its failure, says of all keys."""


class HttpLoader(Loader):
    """Asks one source."""

    def __init__(self, settings: HttpSettings) -> None:
        self.pattern = settings.glob
        self.name = settings.name
        self.batch_size = settings.batch_size
        self._settings = settings
        self._httpx2 = _httpx2(settings.name)
        self._client: Any = None  # httpx2 is not there to be named when types are checked without it
        self._peace_until_s = 0.0
        try:
            self._httpx2.URL(settings.plan.example)
        except (self._httpx2.InvalidURL, ValueError) as error:
            raise LoaderSettingsError(f"loader {self.name}: its address is wrong: {error}") from None

    async def start(self) -> None:
        """Make the client; connections are made when they are needed."""
        await self.close()  # it may be started again
        settings = self._settings
        limits = self._httpx2.Limits(
            max_connections=settings.connections, max_keepalive_connections=settings.connections
        )
        self._client = self._httpx2.AsyncClient(
            headers=settings.headers,
            verify=settings.tls if settings.tls is not None else False,  # without one, the address is http:
            limits=limits,
            timeout=None,  # httpx2's own start anew with every byte
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one answer is not to alter another
        )

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, Result]:
        """Return a value, Missing or a LoadError for each key; raises UnavailableError if the source let us know of none."""
        found: dict[bytes, Result] = dict.fromkeys(keys, Missing)
        askings = self._settings.plan.askings(keys)
        if not askings:
            return found
        batch = _Batch(self, askings, found, trio.current_time() + self._settings.batch_timeout_s)
        async with trio.open_nursery() as nursery:
            for _ in range(min(len(askings), self._settings.concurrency)):
                nursery.start_soon(batch.work)
        asked = [found[key] for asking in askings for key in asking.keys.values()]
        failures = [result for result in asked if isinstance(result, UnavailableError)]
        if len(failures) == len(asked):
            raise failures[0]
        return found

    def refusal(self) -> UnavailableError | None:
        """Return why nobody is to be asked now, if there is a reason."""
        if self._client is None:
            return UnavailableError("the loader is not running")
        left_s = self._peace_until_s - trio.current_time()
        if left_s > 0:
            return UnavailableError(
                f"the source has asked for a pause, of which {left_s:.1f} s are left", left_s
            )
        return None

    async def ask(self, asking: Asking) -> Outcome:
        """Make one request."""
        timeout_s = self._settings.request_timeout_s
        try:
            with trio.fail_after(timeout_s):
                outcome = await self._fetch(asking)
        except trio.TooSlowError:
            return UnavailableError(f"the source has not answered within {timeout_s:g} s")
        except self._httpx2.ConnectError as error:
            return _UnreachableError(f"the source cannot be reached: {self._reason(error)}")
        except self._httpx2.HTTPError as error:
            return UnavailableError(f"the source has not answered: {self._reason(error)}")
        if isinstance(outcome, UnavailableError) and outcome.pause_s:
            self._peace_until_s = max(self._peace_until_s, trio.current_time() + outcome.pause_s)
        return outcome

    def results(self, asking: Asking, outcome: Outcome) -> dict[bytes, Result]:
        """Return what came of a request for each of its keys."""
        if isinstance(outcome, Answer):
            return self._settings.reader.read(asking, outcome)
        return dict.fromkeys(asking.keys.values(), outcome)

    async def _fetch(self, asking: Asking) -> Outcome:
        """Make a request, and those that it is redirected to."""
        httpx2 = self._httpx2
        first = url = httpx2.URL(asking.url)
        for _ in range(1 + MOST_REDIRECTS):
            headers = self._settings.secrets if _origin(url) == _origin(first) else {}
            async with self._client.stream(
                asking.method, url, headers=headers, content=asking.content
            ) as response:
                answer = Answer(response.status_code, response.headers)
                if not self._leads_on(asking, answer):
                    return await self._read(response, answer)
                await self._skip(response)
            try:
                url = url.join(answer.headers["location"])
            except (httpx2.InvalidURL, ValueError):
                return WrongAnswerError("the source redirects to what is no address")
            if url.scheme not in ("https", first.scheme) or not url.host:
                return WrongAnswerError("the source redirects to another protocol, which is not followed")
        return WrongAnswerError(f"the source redirects more than {MOST_REDIRECTS} times")

    def _leads_on(self, asking: Asking, answer: Answer) -> bool:
        if not self._settings.follow_redirects or "location" not in answer.headers:
            return False
        return answer.status in (REDIRECTS if asking.method == "GET" else THAT_KEEP_THE_METHOD)

    async def _read(self, response: Any, answer: Answer) -> Outcome:
        verdict = self._settings.reader.verdict(answer, time.time())
        if verdict is not None:
            await self._skip(response)
            return verdict
        most_bytes = self._settings.max_body_bytes
        body = await _body(response, most_bytes)
        if body is None:
            return WrongAnswerError(f"the source's answer is longer than {most_bytes} bytes (max_body)")
        return msgspec.structs.replace(answer, body=body)

    async def _skip(self, response: Any) -> None:
        with trio.move_on_after(LONGEST_LEFTOVER_S), suppress(self._httpx2.HTTPError):
            await _body(response, MOST_LEFTOVER_BYTES)

    def _reason(self, error: BaseException) -> str:
        """Say what is wrong; the libraries between us and the system often leave that to what they were caused by."""
        kind, text = type(error).__name__, ""
        if isinstance(error, self._httpx2.LocalProtocolError):
            return kind  # it may quote what we have sent
        cause: BaseException | None = error
        while cause is not None and not text:
            text, cause = " ".join(str(cause).split()), cause.__cause__ or cause.__context__
        return f"{kind}: {text[:MOST_REASON_CHARACTERS]}"


class _Batch:
    """The requests for one ``bulk_load``, and the workers that make them."""

    def __init__(
        self, loader: HttpLoader, askings: Iterable[Asking], found: dict[bytes, Result], end_s: float
    ) -> None:
        self._loader = loader
        self._askings = iter(askings)
        self._found = found
        self._end_s = end_s
        self._lost: _UnreachableError | None = None

    async def work(self) -> None:
        """Make one request after the other, until there are no more."""
        for asking in self._askings:
            outcome = self._refusal() or await self._loader.ask(asking)
            if isinstance(outcome, _UnreachableError):
                self._lost = outcome
            self._found.update(self._loader.results(asking, outcome))

    def _refusal(self) -> UnavailableError | None:
        if trio.current_time() >= self._end_s:
            return UnavailableError("there was no time left to ask the source")
        return self._lost or self._loader.refusal()


async def _body(response: Any, most_bytes: int) -> bytes | None:
    """Read a body; None if it is longer. Who breaks off leaves generators of the library to the garbage collector; cancelling unwinds them."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most_bytes:
        return None
    body = bytearray()
    with trio.CancelScope() as scope:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > most_bytes:
                scope.cancel()
    return bytes(body) if len(body) <= most_bytes else None


def _origin(url: Any) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _httpx2(name: str) -> ModuleType:
    try:
        httpx2 = import_module("httpx2")
    except ImportError:
        raise LoaderSettingsError(
            f"loader {name}: it needs httpx2, which is not installed: pip install 'respcache[http]'"
        ) from None
    # It would log each request with its whole URL.
    for logger in ("httpx2", "httpcore2"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    return httpx2
