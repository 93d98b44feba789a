"""HTTP clients of a whole server without sockets: bytes in, answers out.

http = HttpHarness()
visitor = http.visitor()
assert visitor("GET", "/healthcheck").status == 200
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from respcache.app.gateway import make_gateway
from respcache.commands.client import Ending
from respcache.gateway.gateway import Gateway
from respcache.gateway.session import HttpSession
from tests.commands.harness import Harness, Task


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpHarness(Harness):
    """A server with an HTTP port that nobody can reach but its visitors."""

    def __init__(self, spawn: Callable[[Task], None] | None = None, **settings: str) -> None:
        super().__init__(spawn, **settings)
        self.gateway = make_gateway(self.settings, self.composition)

    def visitor(self) -> "Visitor":
        return Visitor(self.gateway)


def request(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    host: str = "localhost",
) -> bytes:
    """Spell a request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def split_answers(wire: bytes, methods: list[str]) -> tuple[list[Answer], bytes]:
    """Split what a server has sent; ``methods`` are those of the requests, for HEAD has no body. The rest is not whole yet."""
    found: list[Answer] = []
    while b"\r\n\r\n" in wire:
        head, _, rest = wire.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split(" ")[1])
        is_bodiless = (
            status < 200
            or status in (204, 304)
            or (len(found) < len(methods) and methods[len(found)] == "HEAD")
        )
        size = 0 if is_bodiless else int(headers["content-length"])
        if len(rest) < size:
            break
        found.append(Answer(status, headers, rest[:size]))
        wire = rest[size:]
    return found, wire


class Visitor:
    """One connection."""

    def __init__(self, gateway: Gateway) -> None:
        self.wakes = 0
        self.gateway = gateway
        self.session = HttpSession(gateway, self._woken, "127.0.0.1:50000", is_local=True)
        gateway.sessions[self.session] = None

    def __call__(
        self,
        method: str,
        target: str,
        body: bytes | str | object = b"",
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> Answer:
        """Ask once and return the only answer. A body that is no bytes is sent as JSON; ``if_match=`` is a header."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in more.items()}
        [answer] = self.send(request(method, target, body, {**(headers or {}), **named}), method)
        return answer

    def send(self, wire: bytes, *methods: str) -> list[Answer]:
        """Send bytes; return the answers there are now."""
        self.gateway.begin_turn()
        self.session.receive(wire)
        return self.answers(*methods)

    def answers(self, *methods: str) -> list[Answer]:
        while self.session.is_hungry:
            self.gateway.begin_turn()
            self.session.resume()
        found, rest = split_answers(b"".join(self.session.take_output()), list(methods))
        assert not rest, rest
        return found

    @property
    def is_ended(self) -> bool:
        return self.session.client.ending is not None

    def close(self) -> None:
        self.session.client.ending = Ending.AT_ONCE
        self.session.close()

    def _woken(self) -> None:
        self.wakes += 1
