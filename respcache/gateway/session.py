"""One HTTP connection: bytes in, bytes out, state between. The reactor drives it as it drives a Redis client's session.

A request's handler is a generator of commands (``messages.Steps``), which take the way of every client's. One request is
answered before the next begins; what a client sends ahead waits.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from ..commands.client import Client, Ending
from ..commands.context import Context
from ..commands.node import Node
from ..protocol.limits import Limits
from .authority import Authority
from .messages import HttpError, Request, Response, Takeover, Upgraded
from .reading import RequestReader
from .routing import Table
from .steps import Executor, StepRunner

log = logging.getLogger(__name__)

RECEIVE_BYTES: Final = 64 * 1024

LAST_WORDS_MS: Final = 5000
"""How long a client that is let go may receive nothing of what is still owed to it."""

AHEAD: Final = 64
"""Requests that a client may have sent ahead; then nothing more is read."""


class House(Protocol):
    """What all sessions share."""

    node: Node
    executor: Executor
    table: Table
    authority: Authority
    most_body_bytes: int
    responses: dict[int, int]
    """How many answers there were, by status."""

    def forget(self, session: "HttpSession") -> None:
        """Be told that a connection has gone."""


class HttpSession:
    """See ``server.conversation.Conversation`` and ``commands.client.Connection``."""

    def __init__(self, house: House, wake: Callable[[], None], address: str, *, is_local: bool) -> None:
        node = house.node
        self._house = house
        self._clock = node.clock
        self.wake = wake
        self.client = Client(node.clients.next_id(), self, address, "", node.clock.now_ms)
        self.client.is_local = is_local
        self.client.is_authenticated = True  # whether a request may pass is asked for each of them
        self.client.protocol = 3
        self.client.refresh()
        self.context = Context(node, self.client)
        self.runner = StepRunner(house.executor, self.context)
        self.reader = RequestReader(house.most_body_bytes, self._write)
        self.parser = self
        self.wanted_bytes = RECEIVE_BYTES
        self.backlog: deque[Any] = deque()  # Any: requests, or what waits for its turn at what has taken over
        self.has_unread = False
        self.is_held = False
        self.is_awaited = False
        self.unsent_bytes = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self.over_soft_limit_since_ms: int | None = None
        self.out: list[bytes] = []
        self.upgraded: Upgraded | None = None
        self._request: Request | None = None
        self._is_running = False
        self._is_dismissed = False
        self._begun_ms = node.clock.now_ms
        self._ending_since_ms: int | None = None
        self._sent_by_then = 0

    # -- the reactor's side --------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take what has arrived, and answer what can be answered."""
        self.received_bytes += len(data)
        self.is_awaited = False
        self.client.last_used_ms = self._clock.now_ms
        self._is_running = True
        if self.upgraded is not None:
            self.upgraded.receive(data)
        else:
            if self.reader.is_idle:
                self._begun_ms = self.client.last_used_ms
            self.reader.feed(data)
            self._take()
        self._is_running = False

    def resume(self) -> None:
        """Answer requests that were sent ahead."""
        was_running, self._is_running = self._is_running, True
        if self.upgraded is not None:
            self.upgraded.resume()
        else:
            self._take()
        self._is_running = was_running

    def take_output(self) -> list[bytes]:
        out, self.out = self.out, []
        return out

    def close(self) -> None:
        """Be told that the connection is gone."""
        self.client.ending = Ending.AT_ONCE
        self.backlog.clear()
        self.out.clear()
        self.runner.stop()
        if self.upgraded is not None:
            self.upgraded.close()
        self._house.forget(self)

    def check_time(self, now_ms: int, head_timeout_ms: int, idle_timeout_ms: int) -> None:
        """End a connection that keeps silent, or whose request does not come to its end."""
        if self.client.ending is not None:
            self._check_end(now_ms)
            return
        if self.upgraded is not None:
            self.upgraded.check_time(now_ms)
        if self._request is not None or self.upgraded is not None:
            return
        if self.reader.is_idle:
            if now_ms - self.client.last_used_ms > idle_timeout_ms:
                self.end(Ending.AT_ONCE)
        elif now_ms - self._begun_ms > head_timeout_ms * (1 + self.reader.buffered_bytes // RECEIVE_BYTES):
            self._answer_error(HttpError(408, "The request takes too long to arrive."))
            self.wake()

    def _check_end(self, now_ms: int) -> None:
        """Let go at once whoever does not take its last words: nothing else would ever end it."""
        if self._ending_since_ms is None or self.sent_bytes != self._sent_by_then:
            self._ending_since_ms, self._sent_by_then = now_ms, self.sent_bytes
        elif now_ms - self._ending_since_ms > LAST_WORDS_MS and self.output_bytes:
            self.end(Ending.AT_ONCE)

    @property
    def has_output(self) -> bool:
        return bool(self.out) or self._request is not None

    @property
    def is_hungry(self) -> bool:
        is_ready = self._request is None if self.upgraded is None else self.upgraded.is_ready
        return bool(self.backlog) and is_ready and self.client.ending is None

    @property
    def wants_input(self) -> bool:
        return len(self.backlog) < AHEAD and self.client.ending is None and not self.is_held

    @property
    def is_drained(self) -> bool:
        """Whether every request has been answered; streams have no end."""
        if self.upgraded is not None:
            return not (self.runner.is_busy or self.out)
        return not (self._request or self.backlog or self.out)

    @property
    def output_bytes(self) -> int:
        return self.unsent_bytes + sum(map(len, self.out))

    @property
    def query_bytes(self) -> int:
        return self.reader.buffered_bytes

    # -- requests ------------------------------------------------------------------

    def _take(self) -> None:
        self.backlog.extend(self.reader.ready)
        self.reader.ready.clear()
        while self._is_free and self.backlog:
            self._begin(self.backlog.popleft())
        if self._is_free:
            if self.reader.error is not None:
                self._answer_error(self.reader.error)
            self.is_awaited = True

    @property
    def _is_free(self) -> bool:
        return self._request is None and self.client.ending is None and self.upgraded is None

    def _begin(self, request: Request) -> None:
        self._request = request
        try:
            route = self._house.table.find(request)
            self._house.authority.admit(request, route)
            steps = route.handler(request)
        except Exception as error:
            self._done(None, error)
            return
        self.runner.start(steps, self._done)

    def _done(self, answer: Any, error: Exception | None) -> None:  # Any: Response or Takeover
        """Answer the request, now or when its commands have been."""
        request, self._request = self._request, None
        assert request is not None
        if isinstance(error, HttpError):
            answer = error.response()
        elif error is not None:
            log.error("internal error in %s %r", request.method, request.path, exc_info=error)
            answer = HttpError(500, "An internal error; the log has the details.").response()
        if isinstance(answer, Takeover):
            self.backlog.clear()  # requests sent ahead: nobody will answer them any more
            self.upgraded = answer.begin(self)
            if self.reader.upgraded_rest:
                self.upgraded.receive(self.reader.upgraded_rest)
        else:
            assert isinstance(answer, Response)
            self._count(answer.status)
            # Behind a request for another protocol, of which nothing came, nobody knows what is spoken.
            is_kept_alive = request.is_kept_alive and not request.wants_upgrade and not self._is_dismissed
            self.out.append(answer.wire(is_kept_alive=is_kept_alive, has_body=request.method != "HEAD"))
            if not is_kept_alive:
                self.client.ending = Ending.AFTER_REPLIES
        if not self._is_running:  # it had to wait
            self.resume()
            self.wake()

    def _answer_error(self, error: HttpError) -> None:
        """Answer what cannot be read, and read nothing behind it."""
        self._count(error.status)
        self.out.append(error.response().wire(is_kept_alive=False))
        self.client.ending = Ending.AFTER_REPLIES

    def _count(self, status: int) -> None:
        responses = self._house.responses
        responses[status] = responses.get(status, 0) + 1

    def _write(self, wire: bytes) -> None:
        self.out.append(wire)

    # -- for what has taken the connection over --------------------------------------

    def send(self, wire: bytes) -> None:
        """Send bytes out of turn. Who is being told something is not idle, although it says nothing."""
        self.client.last_used_ms = self._clock.now_ms
        self.out.append(wire)
        if not self._is_running:
            self.wake()

    def discard(self) -> None:
        """Take back what has not yet begun to leave."""
        self.out.clear()

    # -- the commands' side: see commands.client.Connection ------------------------

    def push(self, wire: bytes) -> None:
        """Take a message of a channel, for whoever has taken the connection over."""
        if self.upgraded is not None:
            self.upgraded.push(wire)

    def end(self, ending: Ending) -> None:
        if self.client.ending is not Ending.AT_ONCE:
            self.client.ending = ending
        self.wake()

    def dismiss(self) -> None:
        """Answer what is being answered, and end."""
        self._is_dismissed = True
        if self.upgraded is not None:
            self.upgraded.dismiss()
        elif self._request is None:
            self.end(Ending.AFTER_REPLIES)

    def hold(self) -> None:
        """Do nothing: whatever a command waits for, its request waits for as well."""

    def release(self) -> None:
        self.runner.release()

    def jam(self) -> None:
        self.is_held = True

    def clear_jam(self) -> None:
        self.is_held = False
        self.wake()

    def select(self, index: int) -> None:
        self.context.select(index)

    def settle(self) -> None:
        self.runner.settle()

    def set_request_limits(self, limits: Limits) -> None:
        """Do nothing: they are about the Redis protocol."""
