"""Which slots and partitions the keys of a call lie in."""

from collections.abc import Sequence

from ...commands.arguments import Access
from ...commands.spec import Command
from ...keyspace.slots import key_slot, partition_of


def slots_of(command: Command, argv: Sequence[bytes]) -> set[int]:
    """Return the slots of the keys that a call names."""
    return {key_slot(argv[at]) for at, access in command.key_positions(argv) if access is not Access.NOT_KEY}


def partitions_of_keys(command: Command, argv: Sequence[bytes]) -> set[int]:
    """Return their partitions."""
    return {partition_of(slot) for slot in slots_of(command, argv)}


def first_key(command: Command) -> int:
    """Return where the first key of a command stands that is cut by key."""
    return command.spans[0].first
