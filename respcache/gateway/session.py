"""One HTTP connection: bytes in, bytes out, state between. The reactor drives it as it drives a Redis client's session.

A request's handler is a generator of commands (``messages.Steps``), which take the way of every client's. One request is
answered before the next begins; what a client sends ahead waits, and nothing more is read meanwhile.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ..commands.client import Client, Ending
from ..commands.context import Context
from ..protocol.limits import Limits
from .house import House
from .messages import HttpError, Request, Response, Takeover, Upgraded, held_bytes
from .parting import LAST_WORDS_MS, Lingering, Stillness, Timeouts
from .reading import CONTINUE, RequestReader
from .steps import COMMANDS_PER_TURN, StepRunner

log = logging.getLogger(__name__)

AHEAD: Final = 32
"""Requests that may wait for the next turn while more is read: to stop and to begin again is two system calls."""

OUTPUT_PER_TURN_BYTES: Final = 1 << 20
"""A turn ends when this much waits to be sent: big values cannot pile up."""


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
        self.runner = StepRunner(house.executor, self.context, self._note_interruption)
        self.reader = RequestReader(house.most_body_bytes, house.admit)
        self.parser = self
        self.backlog: deque[Any] = deque()  # Any: requests, or what waits for its turn at what has taken over
        self.has_unread = False
        """Whether a handler was interrupted, and goes on in the next turn."""
        self.is_held = False
        self.is_awaited = False
        self.unsent_bytes = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self.over_soft_limit_since_ms: int | None = None
        self.out: list[bytes] = []
        self.upgraded: Upgraded | None = None
        self.head_lines = b""
        self._jams = 0
        self._turn_bytes = 0
        self._request: Request | None = None
        self._is_counted = self._is_deferred = False
        self._is_running = self._is_dismissed = False
        self._begun_ms = node.clock.now_ms
        self._is_new = False
        self._lingering: Lingering | None = None
        self._stillness = Stillness(node.clock.now_ms, 0, 0, 0, None)

    # -- the reactor's side --------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take what has arrived, and answer what can be answered."""
        self.received_bytes += len(data)
        self.is_awaited = False
        now_ms = self.client.last_used_ms = self._clock.now_ms
        self._begin_turn()
        if self.upgraded is not None:
            self._is_new = True
            self.upgraded.receive(data)
            self._is_new = False
            self._look_at_backlog()
        elif self._lingering is not None:
            self._lingering.take(data)
            if self._lingering.is_over(now_ms):
                self.client.ending = Ending.AFTER_REPLIES
        else:
            reader = self.reader
            if reader.is_idle:
                self._begun_ms = now_ms
            reader.feed(data)
            if reader.ready:
                self._begun_ms = now_ms  # what is left over began with this
            self._take(is_new=True)
        self._is_running = False

    def resume(self) -> None:
        """Go on with a handler that was interrupted, and with what was sent ahead."""
        was_running = self._is_running
        self._begin_turn()
        self.runner.go_on()
        if self.upgraded is not None:
            self.upgraded.resume()
            self._look_at_backlog()
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
        self._count_out()
        self._note_deferral(False)
        if self.upgraded is not None:
            self.upgraded.close()
        self._house.forget(self)

    def check_time(self, now_ms: int, limits: Timeouts) -> None:  # noqa: C901  # a way out per state
        """End a connection that keeps silent, does not read, or whose request or answer does not come to its end."""
        ending, runner = self.client.ending, self.runner
        still_ms = self._stillness.lasts_ms(
            now_ms, self.sent_bytes, self.received_bytes, runner.progress, ending
        )
        if ending is not None:
            if still_ms > LAST_WORDS_MS and self.output_bytes:
                self.end(Ending.AT_ONCE)
        elif self.upgraded is not None:
            self.upgraded.check_time(now_ms)
        elif self._request is not None:
            if still_ms > limits.request_ms:
                self._give_up()
        elif self._lingering is not None:
            if self._lingering.is_over(now_ms):
                self.end(Ending.AFTER_REPLIES)
        elif self.unsent_bytes or (self.reader.is_idle and not self.backlog):
            if still_ms > limits.idle_ms:
                self.end(Ending.AT_ONCE)
        elif not self.reader.is_idle and now_ms - self._begun_ms > limits.head_ms * self.reader.worth:
            self._answer_error(HttpError(408, "The request takes too long to arrive."))
            self.wake()

    @property
    def has_output(self) -> bool:
        return bool(self.out) or self._request is not None

    @property
    def wanted_bytes(self) -> int:
        """How much of a body is to come; below 0 where nothing could begin in this turn: to take and keep it costs 3 us, to leave it 0.3."""
        return -1 if self._house.turn_left <= 0 and self.upgraded is None else self.reader.missing_bytes

    @property
    def is_hungry(self) -> bool:
        return self.client.ending is None and (self.has_unread or (bool(self.backlog) and self._may_go_on))

    @property
    def wants_input(self) -> bool:
        """Whether the transport should read on: not while a request or many wait; whoever has taken over may have one that waits."""
        is_busy = self._request is not None or len(self.backlog) >= AHEAD
        return not is_busy and self.client.ending is None and not self.is_held

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
        return self.reader.buffered_bytes + sum(map(held_bytes, (*self.backlog, self._request)))

    # -- requests ------------------------------------------------------------------

    def _begin_turn(self) -> None:
        self._is_running = True
        self._turn_bytes = 0
        self.has_unread = False
        self.runner.budget = COMMANDS_PER_TURN

    def _take(self, *, is_new: bool = False) -> None:
        """Begin what waits, as far as it goes in one turn; what has just come waits behind those who wait for their turn."""
        backlog, reader, house = self.backlog, self.reader, self._house
        if reader.ready:
            backlog.extend(reader.ready)
            reader.ready.clear()
        if backlog and not (is_new and house.deferred):
            while (
                backlog
                and house.turn_left > 0
                and self._is_free
                and self._turn_bytes <= OUTPUT_PER_TURN_BYTES
            ):
                house.turn_left -= 1
                self._begin(backlog.popleft())
        if backlog or self._is_deferred:
            self._note_deferral(bool(backlog) and self._is_free)
        is_at_end = reader.error is not None or self._is_dismissed or reader.awaits_continue
        if not is_at_end or backlog or not self._is_free:
            return  # nearly always
        if reader.error is not None:
            self._answer_error(reader.error)
        elif self._is_dismissed:
            self.client.ending = Ending.AFTER_REPLIES
        else:
            reader.awaits_continue = False
            self.out.append(CONTINUE)

    @property
    def _is_free(self) -> bool:
        return (
            self._request is None
            and self.client.ending is None
            and self.upgraded is None
            and not self.is_held
        )

    @property
    def _may_go_on(self) -> bool:
        """Whether one that waits could begin, if this turn allows it."""
        return self._is_free if self.upgraded is None else self.upgraded.is_ready and not self.is_held

    def _begin(self, request: Request) -> None:
        self._request = request
        house = self._house
        try:
            if request.method == "OPTIONS":
                self._done(house.authority.preflight(request, house.table), None)
                return
            route = house.admit(request)
            if house.running >= house.most_requests and not route.is_open:
                raise HttpError(503, "Too many requests are waiting.", {"Retry-After": "1"})
            steps = route.handler(request)
        except Exception as error:
            self._done(None, error)
            return
        self.runner.start(steps, self._done)
        if self._request is not None:
            self._is_counted = True
            house.running += 1

    def _give_up(self) -> None:
        """Answer a request that has waited too long, and no other: what it waits for may still concern the connection."""
        self.runner.stop()
        self.backlog.clear()
        self._is_dismissed = True
        self._done(None, HttpError(504, "What this waits for does not come; it may be done yet."))

    def _note_deferral(self, is_deferred: bool) -> None:
        if is_deferred != self._is_deferred:
            self._is_deferred = is_deferred
            self._house.deferred += 1 if is_deferred else -1

    def _look_at_backlog(self) -> None:
        """Wait for no turn, where what has taken over has forgotten what it would be for."""
        if not self.backlog:
            self._note_deferral(False)

    def _count_out(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self._house.running -= 1

    def _done(self, answer: Any, error: Exception | None) -> None:  # Any: Response or Takeover
        """Answer the request, now or when its commands have been."""
        request, self._request = self._request, None
        assert request is not None
        self._count_out()
        if isinstance(error, HttpError):
            answer = error.response()
        elif error is not None:
            log.error("internal error in %s %r", request.method, request.path, exc_info=error)
            answer = HttpError(500, "An internal error; the log has the details.").response()
        if isinstance(answer, Takeover):
            self.backlog.clear()  # requests sent ahead: nobody will answer them any more
            lines = self._house.date_line(self._clock.now_ms) + self._house.authority.lines_for(request)
            self.head_lines = lines.encode("latin-1", "replace")
            self.upgraded = answer.begin(self)
            if self.reader.upgraded_rest:
                self.upgraded.receive(self.reader.upgraded_rest)
        else:
            assert isinstance(answer, Response)
            self._answer(request, answer)
        if not self._is_running:  # it had to wait
            self._begun_ms = self._clock.now_ms
            self.is_awaited = True
            self.resume()
            self.wake()

    def _answer(self, request: Request, response: Response) -> None:
        if self._house.authority.has_origins:
            self._house.authority.mark(request.headers, response)
        is_last = self._is_dismissed and not self.backlog
        # Behind a request for another protocol, of which nothing came, nobody knows what is spoken.
        is_kept_alive = request.is_kept_alive and not request.wants_upgrade and not is_last
        date = self._house.date_line(self._clock.now_ms)
        wire = response.wire(date, is_kept_alive=is_kept_alive, has_body=request.method != "HEAD")
        self._house.count(response.status)
        self._turn_bytes += len(wire)
        self.out.append(wire)
        if not is_kept_alive:
            self.backlog.clear()
            self.client.ending = Ending.AFTER_REPLIES

    def _answer_error(self, error: HttpError) -> None:
        """Answer what cannot be read, and read nothing behind it."""
        house, response = self._house, error.response()
        house.count(error.status)
        house.authority.mark(self.reader.headers, response)
        self.out.append(response.wire(house.date_line(self._clock.now_ms), is_kept_alive=False))
        if self.reader.is_in_body and error.status not in (400, 408) and not self._is_dismissed:
            self._lingering = Lingering(self._clock.now_ms)
            self.reader.error = None
        else:
            self.client.ending = Ending.AFTER_REPLIES

    def _note_interruption(self) -> None:
        self.has_unread = True
        if not self._is_running:
            self.wake()

    # -- for what has taken the connection over --------------------------------------

    def may_begin(self) -> bool:
        """Say whether one more may begin in this turn; what has just come waits behind those who wait for their turn."""
        house = self._house
        may = house.turn_left > 0 and not (self._is_new and house.deferred) and not self.is_held
        if may:
            house.turn_left -= 1
        self._note_deferral(not may and not self.is_held)
        return may

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
        self._note_deferral(False)
        self.wake()

    def dismiss(self) -> None:
        """Answer what was received, and end."""
        self._is_dismissed = True
        if self.upgraded is not None:
            self.upgraded.dismiss()
            self._look_at_backlog()
        elif self._request is None and not self.backlog:
            self.end(Ending.AFTER_REPLIES)

    def hold(self) -> None:
        """Do nothing: whatever a command waits for, its request waits for as well."""

    def release(self) -> None:
        self.runner.budget = COMMANDS_PER_TURN
        self.runner.release()

    def jam(self) -> None:
        self._jams += 1
        self.is_held = True

    def clear_jam(self) -> None:
        self._jams -= 1
        if not self._jams:
            self.is_held = False
            self.wake()

    def select(self, index: int) -> None:
        self.context.select(index)

    def settle(self) -> None:
        self.runner.budget = COMMANDS_PER_TURN
        self.runner.settle()

    def set_request_limits(self, limits: Limits) -> None:
        """Do nothing: they are about the Redis protocol."""
