"""``/v1/commands`` and ``/v1/batch``: any command of the Redis protocol, as JSON."""

from typing import Any, Final

from ..protocol.replies import ErrorReply
from .describing import ANYTHING, COMMAND, answers, json_body, thing
from .messages import HttpError, Request, Steps, Together, json_response
from .routing import Routes
from .wire import as_json, fine, words_of

routes = Routes()

MOST_COMMANDS: Final = 10_000

UNFIT: Final = frozenset(
    b"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR HELLO AUTH QUIT RESET SELECT MULTI EXEC"
    b" DISCARD WATCH UNWATCH CLIENT READONLY READWRITE POST HOST:".split()
)
"""What changes a connection: here each request stands for itself."""


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
    return json_response({"result": as_json(reply)})


@routes.add("POST", "/v1/batch", MANY)
def run_batch(request: Request) -> Steps:
    """Run many commands in order; the answers stand in the same order, errors among them."""
    commands = request.json()
    if not isinstance(commands, list) or len(commands) > MOST_COMMANDS:
        raise HttpError(400, f"The body must be a list of at most {MOST_COMMANDS} commands.")
    calls = [words_of_command(command) for command in commands]
    results: list[Any] = []
    for reply in (yield Together(calls)):
        if reply.__class__ is ErrorReply:
            results.append(as_json(reply))
        else:
            results.append({"result": as_json(reply)})
    return json_response(results)


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
