"""One HTTP request to a service of the cluster's surroundings, whose answer is bounded.

Each call has a connection of its own: it is made every few seconds, and who answers may be another one by then. Proxies
of the environment are not used, because they lead out of the network that peers live in. Redirections are not followed.
The time limit is the caller's.
"""

import logging
import ssl
from collections.abc import Mapping
from typing import Final

import httpx2
import trio

from .protocol import DiscoverySettingsError, SourceError

MOST_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""A thousand peers are some 200 KiB in a registry, and a MiB in Kubernetes, which tells more of each."""

MOST_REASON_CHARACTERS: Final = 120
"""Of a refusal's own words; the rest is rarely about the reason."""

# It would log each request, every few seconds for ever.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


async def call(
    method: str,
    url: str,
    *,
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> bytes:
    """Return the body of a 2xx answer; SourceError tells everything else, without the URL's user and password.

    The URL has passed ``check_url``.
    """
    # Unpacking would let a small answer become a huge one.
    all_headers = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    # Without a context httpx2 would load the system's authorities, 20 ms in which nobody is served.
    # Where there is none the URL begins with http:, and there is nothing to verify.
    verify: ssl.SSLContext | bool = tls if tls is not None else False
    try:
        async with (
            httpx2.AsyncClient(verify=verify, trust_env=False, timeout=None) as client,
            client.stream(method, url, headers=all_headers, params=parameters, content=content) as answer,
        ):
            body = await _bounded(answer)
    except httpx2.HTTPError as error:
        raise SourceError(f"{_whom(url)}: {_reason(error)}") from error
    if not 200 <= answer.status_code < 300:
        words = " ".join(body[:MOST_REASON_CHARACTERS].decode("utf-8", "replace").split())
        raise SourceError(f"{_whom(url)} answers {answer.status_code}: {words}")
    return body


async def _bounded(answer: httpx2.Response) -> bytes:
    """Read the body. Who breaks off leaves generators of the library to the garbage collector; cancelling unwinds them."""
    body = bytearray()
    with trio.CancelScope() as scope:
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MOST_ANSWER_BYTES:
                scope.cancel()
    if len(body) > MOST_ANSWER_BYTES:
        raise SourceError(f"{_whom(str(answer.url))} answers more than {MOST_ANSWER_BYTES} bytes")
    return bytes(body)


def check_url(url: str) -> None:
    """Raise DiscoverySettingsError unless ``call`` could use it."""
    try:
        address = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise DiscoverySettingsError(f"{url!r} is no URL: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise DiscoverySettingsError(f"{url!r} is no URL of http: or https:")


def _whom(url: str) -> str:
    return httpx2.URL(url).netloc.decode("ascii", "replace")


def _reason(error: BaseException) -> str:
    """Say what is wrong; the libraries between us and the system often leave that to what they were caused by."""
    kind, text = type(error).__name__, ""
    cause: BaseException | None = error
    while cause is not None and not text:
        text, cause = str(cause), cause.__cause__ or cause.__context__
    return f"{kind}: {text}"
