"""``/v1/commands`` and ``/v1/batch``: any command of the Redis protocol, as JSON."""

from typing import Final

import msgspec

from ..protocol.replies import ErrorReply
from .describing import ANYTHING, COMMAND, answers, json_body, thing
from .messages import JSON, HttpError, Request, Response, Steps, Together, json_response
from .routing import Routes
from .steps import REST
from .wire import Plain, as_json, fine, words_of

routes = Routes()

MOST_COMMANDS: Final = 10_000

MOST_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Of the replies of one request: a few words can ask for a big value ten thousand times."""

COMMANDS_PER_LOOK: Final = 128
"""Commands of a batch that run before their replies are weighed: as many as may be open at once."""

BYTES_PER_TURN: Final = 256 * 1024
"""Of replies that become JSON; a millisecond, or some where much is escaped."""

UNFIT: Final = frozenset(
    b"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR HELLO AUTH QUIT RESET SELECT MULTI EXEC"
    b" DISCARD WATCH UNWATCH CLIENT READONLY READWRITE ASKING POST HOST:".split()
)
"""What changes a connection: here each request stands for itself."""


_MUCH: Final = f"ERR the answers have more than {MOST_ANSWER_BYTES} bytes; this command has "
TOO_BIG: Final = msgspec.json.encode({"error": _MUCH + "been run"})
NOT_RUN: Final = msgspec.json.encode({"error": _MUCH + "not been run"})

ANSWER: Final = thing(result=ANYTHING, error={"type": "string"})
ONE: Final = {"requestBody": json_body(COMMAND), "responses": answers(s200=("Its answer", ANSWER))}
MANY: Final = {
    "requestBody": json_body({"type": "array", "items": COMMAND, "maxItems": MOST_COMMANDS}),
    "responses": answers(s200=("Their answers", {"type": "array", "items": ANSWER})),
}


@routes.add("POST", "/v1/commands", ONE)
def run_command(request: Request) -> Steps:
    """Run one command, ``["SET", "a", "1"]``, and return ``{"result": ...}``; what it answers as an error becomes a problem."""
    reply = fine((yield words_of_command(request.json())))
    if bytes_in(reply) > MOST_ANSWER_BYTES:
        raise HttpError(507, f"The answer has more than {MOST_ANSWER_BYTES} bytes; the command has been run.")
    return json_response({"result": as_json(reply)})


@routes.add("POST", "/v1/batch", MANY)
def run_batch(request: Request) -> Steps:
    """Run many commands in order; the answers stand in the same order, errors among them."""
    commands = request.json()
    if not isinstance(commands, list) or len(commands) > MOST_COMMANDS:
        raise HttpError(400, f"The body must be a list of at most {MOST_COMMANDS} commands.")
    calls = [words_of_command(command) for command in commands]
    parts: list[bytes] = []
    size_bytes = heavy_bytes = 0
    for begin in range(0, len(calls), COMMANDS_PER_LOOK):
        some = calls[begin : begin + COMMANDS_PER_LOOK]
        if size_bytes > MOST_ANSWER_BYTES:
            parts += [NOT_RUN] * len(some)
            continue
        for reply in (yield Together(some)):
            weight = bytes_in(reply)
            size_bytes, heavy_bytes = size_bytes + weight, heavy_bytes + weight
            parts.append(TOO_BIG if size_bytes > MOST_ANSWER_BYTES else _answer_of(reply))
            if heavy_bytes > BYTES_PER_TURN:
                heavy_bytes = 0
                yield REST
    return Response(200, b"[" + b",".join(parts) + b"]", JSON)


def _answer_of(reply: Plain) -> bytes:
    told = as_json(reply)
    return msgspec.json.encode(told if reply.__class__ is ErrorReply else {"result": told})


def bytes_in(reply: Plain) -> int:
    """Return about how many bytes a reply has: those of its words."""
    if isinstance(reply, bytes | str):
        return len(reply)
    if isinstance(reply, list):
        return sum(map(bytes_in, reply))
    if isinstance(reply, dict):
        return sum(bytes_in(name) + bytes_in(value) for name, value in reply.items())
    return 0


def words_of_command(command: object) -> list[bytes]:
    """Return a command of a JSON request as words. Raises HttpError."""
    if not isinstance(command, list) or not command:
        raise HttpError(400, 'A command is a list of words, such as ["GET", "key"].')
    words = [words_of(word) for word in command]
    if words[0].upper() in UNFIT:
        raise HttpError(
            400, f"{words[0].decode('utf-8', 'replace')} changes a connection, which there is none of here."
        )
    return words
