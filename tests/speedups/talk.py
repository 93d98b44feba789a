"""What tests of the compiled loop say to a server, and how they know who has run it."""

from collections.abc import Callable

import pytest
import trio

from respcache.server.session import Session
from tests.server.served import receive_exactly


async def ask(stream: trio.SocketStream, request: bytes, length: int) -> bytes:
    """Send bytes, and return as many as the answer should have; a longer answer fails."""
    await stream.send_all(request)
    return await receive_exactly(stream, length)


async def expect(stream: trio.SocketStream, request: bytes, answer: bytes) -> None:
    assert await ask(stream, request, len(answer)) == answer


def note_left(monkeypatch: pytest.MonkeyPatch, note: Callable[[list[bytes]], None]) -> None:
    """Tell of each command that is left to the Python session, as they come."""
    run = Session._run

    def run_noted(session: Session, commands: list[list[bytes]]) -> None:
        for argv in commands:
            note(argv)
        run(session, commands)

    monkeypatch.setattr(Session, "_run", run_noted)
