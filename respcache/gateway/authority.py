"""Who may ask over HTTP: passwords as the Redis port has them, hosts that are ours, and pages of other sites only if told so."""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Final

from .messages import HttpError, Request
from .routing import Route

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="respcache", charset="UTF-8"'}

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Authority:
    """Asked for every request."""

    def __init__(self, password: Callable[[], str], hosts: Callable[[], frozenset[str]]) -> None:
        """``password`` returns that of now, empty for none; ``hosts`` the names that a request may be addressed to, empty for any."""
        self._password = password
        self._hosts = hosts

    def admit(self, request: Request, route: Route) -> None:
        """Raise HttpError 421 for another server's request, and 401 for one without the right password."""
        hosts = self._hosts()
        if hosts and _without_port(request.headers.get("host", "")) not in hosts:
            # A page of a stranger whose name suddenly leads to this machine (DNS rebinding) ends here.
            raise HttpError(421, "This server does not answer to that name; see http-hosts.")
        password = self._password()
        if (
            password
            and not route.is_open
            and not _is_right(request.headers.get("authorization", ""), password)
        ):
            raise HttpError(401, "This needs a password, as Basic or Bearer.", CHALLENGE)


def _without_port(host: str) -> str:
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_right(header: str, password: str) -> bool:
    scheme, _, given = header.partition(" ")
    secret = password.encode("utf-8", "surrogateescape")
    if scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode("latin-1", "replace"), secret)
    if scheme.lower() != "basic":
        return False
    try:
        user, _, word = base64.b64decode(given.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(word, secret) and user in (b"", b"default")
