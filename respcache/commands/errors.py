"""Every error a command can answer with, in one place.

Clients match on these texts, so they are part of the protocol: change one only
together with the conformance test that compares it with redis-server.
"""

from typing import Final


class CommandError(Exception):
    """Raised by a handler that has changed nothing; becomes an error reply, never a dropped client."""

    def __init__(self, message: str, code: str = "ERR") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


NOT_AN_INTEGER: Final = "value is not an integer or out of range"
NOT_A_FLOAT: Final = "value is not a valid float"
SYNTAX: Final = "syntax error"
NO_SUCH_KEY: Final = "no such key"
OUT_OF_RANGE: Final = "value is out of range"
MUST_BE_POSITIVE: Final = "value is out of range, must be positive"
OVERFLOW: Final = "increment or decrement would overflow"
INVALID_DB: Final = "invalid DB index"
DB_OUT_OF_RANGE: Final = "DB index is out of range"
SHOWN_NAME_BYTES: Final = 128
"""How much of a strange command's name and arguments an error repeats; Redis' limit."""


def wrong_type() -> CommandError:
    return CommandError("Operation against a key holding the wrong kind of value", "WRONGTYPE")


def unknown_command(argv: list[bytes]) -> CommandError:
    """Name the command and as many arguments as Redis shows."""
    shown = ""
    for word in argv[1:]:
        if len(shown) >= SHOWN_NAME_BYTES:
            break
        shown += f"'{shown_word(word[: SHOWN_NAME_BYTES - len(shown)])}' "
    return CommandError(
        f"unknown command '{shown_word(argv[0][:SHOWN_NAME_BYTES])}', with args beginning with: {shown}"
    )


def unknown_subcommand(parent: str, word: bytes) -> CommandError:
    return CommandError(
        f"unknown subcommand '{shown_word(word[:SHOWN_NAME_BYTES])}'. Try {parent.upper()} HELP."
    )


def wrong_subcommand_syntax(parent: str, word: bytes) -> CommandError:
    """Say that a subcommand got too many words; only the older ones say it so."""
    return CommandError(
        f"unknown subcommand or wrong number of arguments for '{shown_word(word[:SHOWN_NAME_BYTES])}'."
        f" Try {parent.upper()} HELP."
    )


def wrong_arity(name: str) -> CommandError:
    return CommandError(f"wrong number of arguments for '{name}' command")


def invalid_expire(name: str) -> CommandError:
    return CommandError(f"invalid expire time in '{name}' command")


def shown_word(word: bytes) -> str:
    """Return a client's word as errors repeat it: up to a zero byte, where Redis' strings end, too."""
    return word.partition(b"\0")[0].decode("utf-8", "surrogateescape")
