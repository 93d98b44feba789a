"""``respcache events``: follow what happens to a cache, or to a cluster, line by line, until Ctrl-C.

Reads the JSON of a channel such as ``respcache:events``. A lost server is waited for, and
both the loss and the return are told on standard error, because events in between are missed.
"""

import sys
import time
from base64 import b64decode
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.text import Text

from ..events.line import escaped, quoted, utc_time
from .client import Address, ClientError, Connection

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
"""A restart takes about a second; a server that stays away is not worth asking more often."""

COLOURS: Final[Mapping[str, str]] = {
    "created": "green",
    "updated": "cyan",
    "touched": "blue",
    "deleted": "red",
    "expired": "yellow",
    "evicted": "magenta",
    "flushed": "bold red",
    "read": "bright_black",
    "missed": "bright_black",
    "owner-crashed": "bold red",
    "dropped": "bold yellow",
    "joined": "green",
    "active": "bold green",
    "suspected": "yellow",
    "refuted": "cyan",
    "died": "bold red",
    "left": "magenta",
    "cache_miss": "bright_black",
    "blocked": "bright_black",
    "loaded": "green",
    "refreshed": "cyan",
    "failed": "bold red",
    "timed_out": "yellow",
    "no_key": "bright_black",
    "disappeared": "red",
}

OFTEN_EMPTY: Final = frozenset({"by", "peer", "reason"})
"""What is left out of a line where there is nothing to say."""

HEAD: Final = ("at_ms", "node", "kind", "db", "key", "key_base64")
"""What a line says first, in an order of its own; the other fields follow as they come."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A channel of JSON messages, the command that follows it, and what to ask a server before."""

    channel: bytes
    command: str
    check: Callable[[Connection], None]
    """Raises ClientError where there is nothing to follow."""

    def say(self, text: str) -> None:
        sys.stderr.write(f"{self.command}: {text}\n")


def _warn_if_silent(connection: Connection) -> None:
    try:
        answer = connection.call("CONFIG", "GET", "events-channel")
    except ClientError:
        return  # not ours to ask, or not respcache: the subscription will tell
    if answer == [b"events-channel", b"no"]:
        EVENTS.say("events-channel is off on this server: nothing will be shown until it is switched on")
    elif answer == []:
        EVENTS.say("this server is no respcache: it has no events to follow")


EVENTS: Final = Feed(b"respcache:events", "respcache events", _warn_if_silent)


def follow(address: Address, *, as_json: bool, count: int | None, feed: Feed = EVENTS) -> None:
    """Print events until ``count`` are printed, or for ever. Raises ClientError if the first connection fails."""
    console = Console(highlight=False, soft_wrap=True)
    with closing(messages(address, feed)) as stream:
        for message in islice(stream, count):
            if as_json:
                sys.stdout.write(message.decode("utf-8", "replace") + "\n")
                sys.stdout.flush()
            else:
                console.print(event_line(message))


def messages(address: Address, feed: Feed = EVENTS) -> Generator[bytes, None, None]:
    """Yield each event's JSON; connect again whenever the server goes away."""
    connection = _subscribe(address, feed)
    while True:
        try:
            with connection:
                yield from _received(connection)
        except ClientError as error:
            feed.say(f"{error}; events are missed until it is back")
        connection = _subscribe_again(address, feed)
        feed.say(f"following {address} again")


def event_line(message: bytes) -> Text:
    """Return one event for people. What strangers put into keys cannot steer the terminal."""
    try:
        document = msgspec.json.decode(message, type=dict[str, Any])  # whatever events consist of
        kind = escaped(str(document["kind"]))
        moment = utc_time(document["at_ms"])
        node = escaped(str(document["node"]))
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, ValueError, OverflowError):
        return Text(quoted(message), style="bold red")
    line = Text.assemble(
        (moment, "bright_black"), " ", (node, "bright_black"), " ", (f"{kind:<8}", COLOURS.get(kind, "bold"))
    )
    if "db" in document:
        line.append(f" db{escaped(str(document['db']))}", style="bright_black")
    key = _key(document)
    if key is not None:
        line.append(" " + quoted(key), style="bold")
    for name, value in document.items():
        if name not in HEAD and (value != "" or name not in OFTEN_EMPTY):
            line.append(f" {escaped(name)}=", style="bright_black")
            line.append(escaped(value if isinstance(value, str) else msgspec.json.encode(value).decode()))
    return line


def _key(document: Mapping[str, Any]) -> bytes | None:  # whatever events consist of
    if "key" in document:
        return str(document["key"]).encode("utf-8", "surrogateescape")
    try:
        return b64decode(document["key_base64"]) if "key_base64" in document else None
    except (ValueError, TypeError):
        return None


def _received(connection: Connection) -> Iterator[bytes]:
    while True:
        match connection.receive():
            case [b"message", _, bytes() as message]:
                yield message


def _subscribe(address: Address, feed: Feed) -> Connection:
    connection = Connection(address)
    try:
        feed.check(connection)
        connection.call("SUBSCRIBE", feed.channel)
    except ClientError:
        connection.close()
        raise
    connection.wait_for_ever()
    return connection


def _subscribe_again(address: Address, feed: Feed) -> Connection:
    pause_s = FIRST_PAUSE_S
    while True:
        time.sleep(pause_s)
        try:
            return _subscribe(address, feed)
        except ClientError:
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
