"""The dashboard's files, and ``/`` itself: a page for browsers, an empty object for whoever else asks, as Smache answers.

All files are the package's own, read once. A page may load nothing from elsewhere, and run no script but these files: the policy
says so to the browser.
"""

from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from .describing import answers
from .messages import JSON, HttpError, Request, Response, Steps
from .routing import Routes

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)

GUARDED: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}

KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

PAGE: Final = "index.html"

FILE: Final = {"responses": answers(s200="The file", s304="The version is known")}

CACHING: Final = "no-cache"
"""Ask each time whether it is still the same: it costs nothing here, and after an update no page is of two versions."""


class Asset:
    """One file, ready to be sent."""

    __slots__ = ("body", "headers", "tag")

    def __init__(self, body: bytes, kind: str) -> None:
        self.body = body
        self.tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        self.headers = {"Content-Type": kind, "ETag": self.tag, "Cache-Control": CACHING, **GUARDED}

    def answer(self, request: Request) -> Response:
        """Return the file, or 304 to whoever has it."""
        known = request.headers.get("if-none-match", "")
        if self.tag in known.replace("W/", ""):
            return Response(304, headers=self.headers)
        return Response(200, self.body, headers=self.headers)


def read_assets() -> dict[bytes, Asset]:
    """Return the files of ``static/`` by name, those of ``static/vendor/`` among them as ``vendor/name``."""
    root = files(__package__) / "static"
    assets = {}
    for prefix, folder in (("", root), ("vendor/", root / "vendor")):
        for file in folder.iterdir():
            if file.is_file():
                assets[(prefix + file.name).encode()] = Asset(file.read_bytes(), _kind_of(file))
    return assets


def _kind_of(file: Traversable) -> str:
    return KINDS.get("." + file.name.rpartition(".")[2], KINDS[".txt"])


def page_routes() -> Routes:
    """Return the routes of the page and its files."""
    routes = Routes()
    assets = read_assets()

    @routes.add("GET", "/", {"responses": answers(s200="The page")})
    def get_page(request: Request) -> Steps:
        """Return the dashboard to a browser, and ``{}`` to anybody else."""
        if "text/html" in request.headers.get("accept", ""):
            response = assets[PAGE.encode()].answer(request)
        else:
            response = Response(200, b"{}", JSON)
        response.headers["Vary"] = "Accept"
        return response
        yield  # a handler is a generator

    def answer(request: Request, name: bytes) -> Response:
        asset = assets.get(name)
        if asset is None:
            raise HttpError(404, "There is no such file.")
        return asset.answer(request)

    @routes.add("GET", "/static/{name}", FILE)
    def get_asset(request: Request) -> Steps:
        """Return a file of the page."""
        [name] = request.params
        return answer(request, name)
        yield  # a handler is a generator

    @routes.add("GET", "/static/vendor/{name}", FILE)
    def get_vendored_asset(request: Request) -> Steps:
        """Return a file of others that the page uses."""
        [name] = request.params
        return answer(request, b"vendor/" + name)
        yield  # a handler is a generator

    return routes
