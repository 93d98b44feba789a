"""The registry as a server: HTTP/1.1 by h11, on trio.

It holds few connections, each for a short while, and reads little from each. A request that is no HTTP, too long or too slow ends
its own connection and nothing else. What the answers are is for ``routes``.
"""

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Final

import h11
import trio

from .registry import Registry
from .routes import Answer, Request, answer, error_answer

log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 512
"""A node asks twice every few seconds, for some milliseconds each; further ones are turned away at once."""

MOST_HEAD_BYTES: Final = 8192
MOST_BODY_BYTES: Final = 4096
"""A registration takes a few hundred."""

REQUEST_S: Final = 10.0
"""To send a request, the pause before it included; who has no more to say keeps no connection."""

ANSWER_S: Final = 10.0
"""To take an answer, the longest of which is some 200 KiB."""

PARTING_S: Final = 1.0
PARTING_READS: Final = 64
"""For what was on its way when we refused: a MiB, which is more than any window holds."""

READ_BYTES: Final = 16_384
BACKLOG: Final = 512


class Uplink:
    """Serves one registry."""

    def __init__(self, registry: Registry, now_s: Callable[[], float] = trio.current_time) -> None:
        self._registry = registry
        self._now_s = now_s
        self.connections = 0

    async def serve(
        self, host: str, port: int, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; the status is the port. OSError if it cannot be opened."""
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(trio.serve_listeners, self._admit, listeners))
            task_status.started(int(listeners[0].socket.getsockname()[1]))

    async def _admit(self, stream: trio.SocketStream) -> None:
        """Serve a connection; whatever happens there must not reach the others."""
        self.connections += 1
        try:
            if self.connections <= MOST_CONNECTIONS:
                await self._converse(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError):
            pass  # gone or asleep; there is nobody to tell
        except Exception:
            log.exception("a mistake of our own ended a connection")
        finally:
            self.connections -= 1
            await trio.aclose_forcefully(stream)

    async def _converse(self, stream: trio.SocketStream) -> None:
        """Answer requests until either side has had enough."""
        peer = str(stream.socket.getpeername()[0])
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)
        while True:
            try:
                with trio.fail_after(REQUEST_S):
                    request = await _next_request(connection, stream, peer)
            except h11.RemoteProtocolError as error:
                await _refuse(connection, stream, error.error_status_hint, str(error))
                return
            if request is None:
                return
            if isinstance(request, Answer):
                await _send(connection, stream, request, is_last=True)
                await _part(stream)
                return
            reply = answer(self._registry, request, self._now_s())
            await _send(connection, stream, reply, has_body=request.method != "HEAD")
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()


async def _next_request(
    connection: h11.Connection, stream: trio.SocketStream, peer: str
) -> Request | Answer | None:
    """Read a whole request. An Answer instead is its refusal; None is the end."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                await _write(stream, connection.send(h11.InformationalResponse(status_code=100, headers=[])))
            connection.receive_data(await stream.receive_some(READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BODY_BYTES:
                return error_answer(413, f"a body has at most {MOST_BODY_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return Request(head.method.decode("ascii"), head.target.decode("latin-1"), bytes(body), peer)
        else:
            return None


async def _refuse(connection: h11.Connection, stream: trio.SocketStream, status: int, text: str) -> None:
    """Tell somebody who does not speak HTTP, if an answer is still possible."""
    if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
        await _send(connection, stream, error_answer(status, text), is_last=True)
        await _part(stream)


async def _send(
    connection: h11.Connection,
    stream: trio.SocketStream,
    reply: Answer,
    *,
    has_body: bool = True,
    is_last: bool = False,
) -> None:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    if reply.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(reply.body))))
    if reply.allow:
        headers.append(("Allow", reply.allow))
    if is_last:
        headers.append(("Connection", "close"))
    reason = HTTPStatus(reply.status).phrase
    events: list[h11.Event] = [h11.Response(status_code=reply.status, headers=headers, reason=reason)]
    if reply.body and has_body:
        events.append(h11.Data(data=reply.body))
    data = b"".join(connection.send(event) or b"" for event in (*events, h11.EndOfMessage()))
    with trio.fail_after(ANSWER_S):
        await stream.send_all(data)


async def _part(stream: trio.SocketStream) -> None:
    """Let somebody read our refusal who is still sending: closing at once would take it away from him."""
    with trio.move_on_after(PARTING_S):
        await stream.send_eof()
        for _ in range(PARTING_READS):
            if not await stream.receive_some(READ_BYTES):
                return


async def _write(stream: trio.SocketStream, data: bytes | None) -> None:
    if data:
        await stream.send_all(data)
