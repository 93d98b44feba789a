"""``/v1/openapi.json`` and ``/v1/docs``: what can be asked, told from the routes themselves, for programs and for people."""

import base64
import html
import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from inspect import getdoc
from typing import Any, Final

from .describing import Described, answers
from .messages import Request, Response, Steps, json_response
from .routing import Route, Routes

PROBLEM_SCHEMA: Final[Described] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}

STYLE: Final = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem 1rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid var(--line); }
b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
"""

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(sha256(STYLE.encode()).digest()).decode()}';"
    " frame-ancestors 'none'; base-uri 'none'"
)


def document_of(routes: Iterable[Route], version: str) -> Described:
    """Return the OpenAPI document of some routes."""
    paths: dict[str, Described] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "respcache", "version": version, "description": "A cache, over HTTP."},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": PROBLEM_SCHEMA},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{}, {"basic": []}, {"bearer": []}],
    }


def _operation(route: Route) -> Described:
    told = getdoc(route.handler) or ""
    summary, _, more = told.partition("\n\n")
    name = f"{route.method} {route.path}".lower()
    operation: Described = {
        "operationId": "_".join("".join(c if c.isalnum() else " " for c in name).split()),
        "summary": " ".join(summary.split()).rstrip("."),
    }
    if more:
        operation["description"] = more
    if route.is_open:
        operation["security"] = [{}]
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.names
    ]
    parameters = [*places, *route.document.get("parameters", ())]
    if parameters:
        operation["parameters"] = parameters
    rest = {name: value for name, value in route.document.items() if name != "parameters"}
    return operation | {"responses": answers(s200="Done")} | rest


def page_of(document: Mapping[str, Any]) -> bytes:
    """Return a page that shows a document: of HTML alone, without a script."""
    body = "".join(
        _shown(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>respcache over HTTP</title><style>{STYLE}</style><main><h1>respcache over HTTP</h1>"
        f"<p>Version {_text(document['info']['version'])}. For programs: "
        f'<a href="/v1/openapi.json">openapi.json</a>.</p>{body}</main></html>'
    ).encode()


def _shown(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<p>{_text(operation.get('description', ''))}</p>"] if "description" in operation else []
    rows = [
        f"<tr><td><code>{_text(one['name'])}</code><td>{_text(one['in'])}<td>{_text(one.get('description', ''))}"
        for one in operation.get("parameters", ())
    ]
    if rows:
        parts.append(f"<table><tr><th>Name<th>In<th>Is{''.join(rows)}</table>")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = json.dumps(content["schema"], indent=2)
        parts.append(f"<p>Body: <code>{_text(kind)}</code></p><pre>{_text(schema)}</pre>")
    statuses = [
        f"<tr><td><code>{_text(status)}</code><td>{_text(told['description'])}"
        for status, told in operation["responses"].items()
    ]
    parts.append(f"<table><tr><th>Status<th>Means{''.join(statuses)}</table>")
    head = f"<b>{_text(method.upper())}</b> <code>{_text(path)}</code> {_text(operation['summary'])}"
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _text(value: object) -> str:
    return html.escape(str(value))


def openapi_routes(all_routes: Callable[[], Iterable[Route]], version: str) -> Routes:
    """Return the routes that tell of all routes."""
    routes = Routes()

    @routes.add("GET", "/v1/openapi.json", {"responses": answers(s200=("The document", {"type": "object"}))})
    def openapi_document(request: Request) -> Steps:
        """Return this description."""
        return json_response(document_of(all_routes(), version), headers={"Cache-Control": "no-cache"})
        yield []  # a handler is a generator

    @routes.add(
        "GET", "/v1/docs", {"responses": {"200": {"description": "A page", "content": {"text/html": {}}}}}
    )
    def docs_page(request: Request) -> Steps:
        """Return this description as a page."""
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(200, page_of(document_of(all_routes(), version)), "text/html; charset=utf-8", headers)
        yield []  # a handler is a generator

    return routes
