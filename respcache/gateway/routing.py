"""Which handler answers which address: the one list from which the OpenAPI document is made as well."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

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


PLACE: Final = b"{}"
"""Stands in a pattern for any part."""

Pattern: TypeAlias = tuple[list[bytes], dict[str, Route], list[int]]
"""The parts of a path, its methods, and where the places are."""


class Table:
    """Finds the route of a request: by the whole path where it has no places, else part by part."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[bytes, dict[str, Route]] = {}
        self._by_parts: dict[int, list[Pattern]] = {}
        for route in self.routes:
            methods = self._methods_at(route.path)
            assert route.method not in methods, f"{route.method} {route.path} is declared twice"
            methods[route.method] = route

    def _methods_at(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._exact.setdefault(path.encode(), {})
        parts = [PLACE if part.startswith("{") else part.encode() for part in path.split("/")]
        patterns = self._by_parts.setdefault(len(parts), [])
        for known, methods, _ in patterns:
            if known == parts:
                return methods
        patterns.append((parts, {}, [at for at, part in enumerate(parts) if part is PLACE]))
        return patterns[-1][1]

    def find(self, request: Request) -> Route:
        """Return the route, and note what stands in its places. Raises HttpError 404 or 405."""
        methods = self.methods_of(request)
        method = request.method
        route = methods.get(method)
        if route is None and method == "HEAD":
            route = methods.get("GET")
        if route is None:
            allowed = {"Allow": ", ".join(self.allowed(methods))}
            raise HttpError(405, f"Nothing here answers to {method}.", allowed)
        return route

    def methods_of(self, request: Request) -> Mapping[str, Route]:
        """Return the routes of an address by their methods, and note what stands in its places. Raises HttpError 404."""
        methods = self._exact.get(request.path)
        if methods is not None:
            return methods
        parts = request.path.split(b"/")
        for pattern, methods, places in self._by_parts.get(len(parts), ()):
            for want, have in zip(pattern, parts, strict=True):
                if want != have and want is not PLACE:
                    break
            else:
                request.params = [decoded(parts[at]) for at in places]
                return methods
        raise HttpError(404, "There is nothing at this address.")

    @staticmethod
    def allowed(methods: Iterable[str]) -> list[str]:
        """Return what may be asked for where these methods are declared."""
        return sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])})
