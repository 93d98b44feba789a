"""Commands made ready to run."""

from collections.abc import Sequence

import pytest

from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.commands.spec import Command
from respcache.server.binding import NOT_FAST, bind_command
from respcache.telemetry.command_statistics import CommandStatistics
from tests.commands.harness import Harness


class Refusal:
    """A guard that concerns writes, and refuses them."""

    def concerns(self, command: Command) -> bool:
        return command.is_write

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        raise CommandError("not now")


def test_a_guard_stands_before_the_commands_that_it_concerns() -> None:
    harness = Harness()
    bound = bind_command(harness.node.table["SET"], (Refusal(),), CommandStatistics())
    with pytest.raises(CommandError, match="not now"):
        bound.run(harness.client().session.context, [b"SET", b"a", b"1"])
    assert len(bound.guards) == 1
    assert bound.series is None


def test_other_commands_do_not_pay_for_it() -> None:
    get = Harness().node.table["GET"]
    bound = bind_command(get, (Refusal(),), CommandStatistics())
    assert bound.run is get.run
    assert bound.series is get.series is not None
    assert bound.guards == ()


def test_no_number_of_words_fits_what_is_not_fast() -> None:
    assert NOT_FAST.arity > 1 << 30
