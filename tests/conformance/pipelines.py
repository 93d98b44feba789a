"""Sends many commands in one go to two servers and says where their replies differ.

Quicker than a case's steps, and enough wherever each command has exactly one reply and one client is all there is.
"""

from tests.conformance.harness import shorten
from tests.conformance.rules import Comparer
from tests.conformance.script import Exactness, Step
from tests.servers import Server


def compare_pipelines(reference: Server, target: Server, commands: list[list[bytes]], protocol: int) -> str:
    """Run the commands on both servers, emptied before; return the differences as text, empty if there are none."""
    replies = []
    for server in (reference, target):
        with server.client(protocol=protocol) as client:
            client.call("FLUSHALL")
            replies.append(client.pipeline(commands))
    comparer = Comparer()
    return "\n".join(
        f"{show_command(argv)}\n   expected {shorten(repr(theirs))}\n   got      {shorten(repr(ours))}"
        for argv, theirs, ours in zip(commands, *replies, strict=True)
        if not comparer.agree(Step("", "A", Exactness.BY_COMMAND, argv, b""), "A", [ours], [theirs])
    )


def show_command(argv: list[bytes]) -> str:
    """Print a command so that it may be pasted into a case."""
    return " ".join(map(_show_word, argv))


def _show_word(word: bytes) -> str:
    text = repr(word)[2:-1]
    return text if text and text.isalnum() else '"' + text.replace("\\'", "'").replace('"', '\\"') + '"'
