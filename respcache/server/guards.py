"""Questions asked before a command runs; each refuses by raising CommandError.

A guard says once, from the command's declaration, whether it concerns it. Two
kinds: *session guards* depend on the client's state and are asked on the long
way only (the short way is closed to clients in any such state); *setting
guards* depend on settings and are bound into the functions of the commands
they concern. They are asked in the order in which redis-server asks:

1. authentication   2. memory (see ``memory_guard.py``)   3. subscriber mode

after the command was found and has the right number of words, and before
CLIENT PAUSE and MULTI have their say.
"""

from collections.abc import Sequence
from typing import Protocol

from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.parsing import Run
from ..commands.spec import Command, Flag, Trait
from ..protocol.replies import Reply


class Guard(Protocol):
    """One question."""

    def concerns(self, command: Command) -> bool: ...

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None: ...


class Authentication:
    """Nothing but AUTH, HELLO, QUIT and RESET before a password was given, where one is required."""

    def concerns(self, command: Command) -> bool:
        return Flag.NO_AUTH not in command.flags

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        if not context.client.is_authenticated:
            raise CommandError("Authentication required.", "NOAUTH")


class SubscriberMode:
    """A RESP2 client with subscriptions cannot tell replies from messages, so few commands are left to it."""

    def concerns(self, command: Command) -> bool:
        return Trait.IN_SUBSCRIBER_MODE not in command.traits

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        if context.client.is_restricted:
            raise CommandError(
                f"Can't execute '{command.full_name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
                " are allowed in this context"
            )


authentication = Authentication()


def session_guards() -> tuple[Guard, ...]:
    """Return the session guards in their order."""
    return (authentication, SubscriberMode())


def bound_guards(command: Command, guards: Sequence[Guard]) -> tuple[Run, tuple[Guard, ...]]:
    """Return the command's function with the guards that concern it in front, and those guards."""
    concerned = tuple([guard for guard in guards if guard.concerns(command)])
    run = command.run
    if not concerned:
        return run, ()

    def guarded(context: Context, argv: Sequence[bytes]) -> Reply:
        for guard in concerned:
            guard.check(context, command, argv)
        return run(context, argv)

    return guarded, concerned


def is_held_by_pause(context: Context, command: Command) -> bool:
    """Say whether CLIENT PAUSE, while it lasts, keeps a client's command back."""
    if Trait.DURING_PAUSE in command.traits:
        return False
    if not context.node.pause.writes_only:
        return True
    may_write = Flag.WRITE | Flag.MAY_REPLICATE
    if command.flags & may_write:
        return True
    transaction = context.client.transaction
    if transaction is None or Trait.RUNS_TRANSACTION not in command.traits:
        return False
    return any(queued.flags & may_write for queued, _ in transaction.queue)
