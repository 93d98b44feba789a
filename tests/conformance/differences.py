"""The deliberate differences from redis-server 7.0.15, each with its reason.

The list is kept honest from both sides: a difference that is not listed fails, and so does a listed one that is gone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of a case that is answered differently, on purpose."""

    case: str  # its full name: "strings: SET keeps the expiry"
    line: str  # exactly as in the table; all lines that read so
    reason: str
    protocols: tuple[int, ...] = (2, 3)


_S3FIFO = "the list of policies names our default, allkeys-s3fifo"
_ARGUMENTS = "two billion arguments are an attack: ours end at 1024 * 1024, as Redis' did before 7.0"

DIFFERENCES: list[Difference] = [
    Difference("client: CLIENT KILL errors", "CLIENT KILL MAXAGE 100", "MAXAGE came with Redis 7.4"),
    Difference(
        "connection: HELLO errors",
        "CLIENT GETNAME",
        "redis-server takes the name of a HELLO that it refuses for another reason; our errors change nothing",
    ),
    Difference("config: CONFIG SET of choices and numbers", "CONFIG SET maxmemory-policy nosuch", _S3FIFO),
    Difference("config: CONFIG SET of choices and numbers", "CONFIG SET maxmemory-policy ''", _S3FIFO),
    Difference("errors: broken: an array too large", r'raw "PING\r\n*1048577\r\n"', _ARGUMENTS),
    Difference("errors: broken: an array too large", "PING", _ARGUMENTS),
    Difference(
        "keys: OBJECT ENCODING follows changes",
        "OBJECT ENCODING g",
        "redis-server does not notice that INCRBYFLOAT left an integer; we look at the value",
    ),
    Difference("scan: HSCAN errors", "HSCAN h 0 NOVALUES", "came with Redis 7.4"),
]

# Commands of ours that redis-server 7.0.15 does not have: nothing to compare them with.
NEWER_COMMANDS = {
    "client|no-touch": "came with Redis 7.2; its clients may send it",
    "client|setinfo": "came with Redis 7.2; today's clients send it first thing",
    "cluster|myshardid": "came with Redis 7.2",
}

# Arguments, by command: the same, for words within a command.
NEWER_ARGUMENTS = {
    ("client|kill", "maxage"): "came with Redis 7.4",
    ("hscan", "novalues"): "came with Redis 7.4",
}
