"""Who may ask over HTTP: passwords as the Redis port has them, hosts that are ours, and pages of other sites only if told so.

A page of another site can have its visitor's browser send requests to this machine. It cannot read the answers, but a
write has happened by then. Browsers say in ``Origin`` whose page it is, so that is asked before anything is run. For a picture or
a script, which a page takes from elsewhere without an ``Origin``, they say in ``Sec-Fetch-Site`` that it is another's.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import Final

from .messages import HttpError, Request, Response
from .routing import Route, Table

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="respcache", charset="UTF-8"'}

LOCAL_HOSTS: Final = frozenset({"localhost"})

ANY: Final = "*"

NOBODY: Final[frozenset[str]] = frozenset()

EXPOSED: Final = "ETag, Content-Range, Retry-After"
"""Headers of ours that scripts of allowed pages may read beside the harmless ones."""

FOREIGN: Final = frozenset({"cross-site", "same-site"})

PREFLIGHT_S: Final = 600

_HOST = re.compile(r"(?P<name>[^\s:@/?#\[\]]+|\[(?P<ip6>[0-9a-f:.]+)\])(?::[0-9]*)?", re.IGNORECASE)

_IP4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")

MOST_KNOWN: Final = 100


class Authority:
    """Asked for every request."""

    def __init__(
        self, password: Callable[[], str], hosts: frozenset[str], origins: frozenset[str] = NOBODY
    ) -> None:
        """Take the password of now, empty for none; the names that a request may be addressed to, empty for any; and the other
        sites whose pages may ask, such as ``https://shop.example``.
        """  # noqa: D205
        self._password = password
        self._hosts = hosts
        self._origins = origins
        self.has_origins = bool(origins)
        self._known: set[str] = set()
        """Hosts as they are spelled in requests that were for us."""

    def admit(self, request: Request, route: Route) -> None:
        """Raise HttpError 421 for another server's request, 403 for another site's, and 401 for one without the right password."""
        headers = request.headers
        host = headers.get("host")  # HTTP/1.0 need not have one, which no browser speaks
        if host is not None and host not in self._known:
            self._look_at(host)
        if "origin" in headers:
            origin = headers["origin"]
            if not self._is_allowed(origin) and (host is None or _host_of(origin) != host.lower()):
                raise _foreign()
        elif "sec-fetch-site" in headers and not self.has_origins and _is_embedded(request):
            raise _foreign()
        if not route.is_open:
            password = self._password()
            if password and not _is_right(headers.get("authorization", ""), password):
                raise HttpError(401, "This needs a password, as Basic or Bearer.", CHALLENGE)

    def preflight(self, request: Request, table: Table) -> Response:
        """Answer OPTIONS: what may be asked for at an address, and, for pages of allowed sites, that they may."""
        methods = list(table.methods_of(request)) if request.path != b"*" else ["GET"]
        allowed = ", ".join(table.allowed(methods))
        headers = {"Allow": allowed}
        if self._is_allowed(request.headers.get("origin", "")):
            headers["Access-Control-Allow-Methods"] = allowed
            headers["Access-Control-Max-Age"] = f"{PREFLIGHT_S}"
            wanted = request.headers.get("access-control-request-headers", "")
            if wanted:
                headers["Access-Control-Allow-Headers"] = wanted
        return Response(204, headers=headers)

    def mark(self, asked: Mapping[str, str], response: Response) -> None:
        """Tell the browser whose pages may read a response to a request with such headers; nothing to do where no other site may."""
        if not self.has_origins:
            return
        headers = response.headers
        origin = asked.get("origin", "")
        headers["Vary"] = f"{headers['Vary']}, Origin" if "Vary" in headers else "Origin"
        if self._is_allowed(origin):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED

    def lines_for(self, request: Request) -> str:
        """Return the same as lines of a head, for what is no response; nothing where no other site is allowed."""
        if not self.has_origins:
            return ""
        marked = Response(200)
        self.mark(request.headers, marked)
        return "".join(f"{name}: {value}\r\n" for name, value in marked.headers.items())

    def _is_allowed(self, origin: str) -> bool:
        return (
            bool(origin) and bool(self._origins) and (origin.lower() in self._origins or ANY in self._origins)
        )

    def _look_at(self, host: str) -> None:
        name = _name_in(host)
        if self._hosts and not (name in self._hosts or _is_address(name)):
            # A page of a stranger whose name suddenly leads to this machine (DNS rebinding) ends here. An address is no name: what has one
            # for its host was got from there.
            raise HttpError(421, "This server does not answer to that name; see http-hosts.")
        if len(self._known) < MOST_KNOWN:
            self._known.add(host)


def _name_in(host: str) -> str:
    """Return the name or address in a header ``Host`` without the port; empty where it is not spelled as the RFC wants."""
    match = _HOST.fullmatch(host)
    return match["name"].lower() if match else ""


def _is_address(name: str) -> bool:
    if not name.startswith("["):
        return _IP4.fullmatch(name) is not None
    try:
        IPv6Address(name[1:-1])
    except ValueError:
        return False
    return True


def _foreign() -> HttpError:
    return HttpError(403, "Pages of this site may not ask here; see http-cors-origins.")


def _is_embedded(request: Request) -> bool:
    """Say whether the page of another site wants this for a part of itself; a link that somebody follows is none."""
    headers = request.headers
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return headers["sec-fetch-site"].lower() in FOREIGN and not (
        is_link and request.method in ("GET", "HEAD")
    )


def _host_of(origin: str) -> str:
    return origin.partition("://")[2].lower()


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
