"""Which handler answers which address: the one list from which the OpenAPI document is made as well."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from .messages import Handler, HttpError, Request, decoded

NO_DOCUMENT: Final[Mapping[str, Any]] = {}


class Route(msgspec.Struct, frozen=True):
    """One method at one address, such as ``/v1/keys/{key}``."""

    method: str
    path: str
    handler: Handler
    document: Mapping[str, Any]
    """What OpenAPI is told of it beside what follows from the path."""
    is_open: bool
    """Whether it is answered without a password."""

    @property
    def names(self) -> list[str]:
        """The places of the path, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


class Routes:
    """Collects handlers by decoration."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def add(
        self, method: str, path: str, document: Mapping[str, Any] = NO_DOCUMENT, *, is_open: bool = False
    ) -> Callable[[Handler], Handler]:
        """Declare the handler of a method at a path."""

        def register(handler: Handler) -> Handler:
            self.all.append(Route(method, path, handler, document, is_open))
            return handler

        return register


class Table:
    """Finds the route of a request: by the whole path where it has no places, else part by part."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[bytes, dict[str, Route]] = {}
        self._by_parts: dict[int, list[tuple[list[bytes], dict[str, Route]]]] = {}
        for route in self.routes:
            if "{" not in route.path:
                self._exact.setdefault(route.path.encode(), {})[route.method] = route
            else:
                self._methods_at(route.path.encode().split(b"/"))[route.method] = route

    def _methods_at(self, parts: list[bytes]) -> dict[str, Route]:
        places = self._by_parts.setdefault(len(parts), [])
        for known, methods in places:
            if known == parts:
                return methods
        places.append((parts, {}))
        return places[-1][1]

    def find(self, request: Request) -> Route:
        """Return the route, and note what stands in its places. Raises HttpError 404 or 405."""
        methods = self._exact.get(request.path)
        if methods is None:
            methods = self._match(request)
        method = "GET" if request.method == "HEAD" and "HEAD" not in methods else request.method
        route = methods.get(method)
        if route is None:
            allowed = sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
            raise HttpError(405, f"Nothing here answers to {request.method}.", {"Allow": ", ".join(allowed)})
        return route

    def _match(self, request: Request) -> dict[str, Route]:
        parts = request.path.split(b"/")
        for pattern, methods in self._by_parts.get(len(parts), ()):
            if all(want[:1] == b"{" or want == have for want, have in zip(pattern, parts, strict=True)):
                request.params = [
                    decoded(have) for want, have in zip(pattern, parts, strict=True) if want[:1] == b"{"
                ]
                return methods
        raise HttpError(404, "There is nothing at this address.")
