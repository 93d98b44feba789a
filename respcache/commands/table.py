"""The command table: from words to the command they call.

Built once from the groups; there is no global registry, so a test can make a
table of two commands and a server can leave a group out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..protocol.replies import Raw, Reply
from .errors import unknown_command, unknown_subcommand
from .spec import Command, CommandGroup


class CommandTable:
    """Maps names to commands, without regard to case."""

    def __init__(self, groups: Iterable[CommandGroup]) -> None:
        self._by_name: dict[bytes, Command] = {}
        self._commands: list[Command] = []
        self._children: dict[bytes, dict[bytes, Command]] = {}
        self._families: dict[str, list[Command]] = {}
        """Subcommands in the order of their declarations, by the name of the parent."""
        self.spelled: dict[tuple[Callable[..., Reply], str, int], Raw] = {}
        """What COMMAND has told of its commands: it never changes, so ``command_commands.py`` encodes it once."""
        for group in groups:
            for command in group.commands:
                self._add(command)

    def _add(self, command: Command) -> None:
        parent, _, child = command.name.encode().partition(b" ")
        space = self._children.setdefault(parent, {}) if child else self._by_name
        name = child or parent
        if name in space:
            raise ValueError(f"{command.name} is declared twice")
        space[name] = command
        space[name.lower()] = command  # the two usual spellings skip upper()
        order = self._families.setdefault(parent.decode(), []) if child else self._commands
        order.append(command)

    def __iter__(self) -> Iterator[Command]:
        """Yield every command, parents but not subcommands."""
        return iter(self._commands)

    def children(self, command: Command) -> Sequence[Command]:
        """Return the subcommands of a parent."""
        return self._families.get(command.name, [])

    def everything(self) -> Iterator[Command]:
        """Yield every command and subcommand that can run."""
        for command in self:
            children = self.children(command)
            yield from children
            if not children or command.arity == -1:  # COMMAND is a parent that runs without a subcommand, too
                yield command

    def __getitem__(self, name: str) -> Command:
        """Return a command by its name, ``GET`` or ``CLIENT LIST``, in any case."""
        found = self.find(name.encode().replace(b" ", b"|"))
        if found is None:
            raise KeyError(name)
        return found

    def find(self, name: bytes) -> Command | None:
        """Return a command by the name COMMAND INFO takes: ``get`` or ``client|list``."""
        parent, bar, child = name.upper().partition(b"|")
        if bar:
            return self._children.get(parent, {}).get(child)
        return self._by_name.get(parent)

    def resolve(self, argv: Sequence[bytes]) -> Command:
        """Find the command that ``argv`` calls; raise Redis' error when there is none."""
        word = argv[0]
        command = self._by_name.get(word) or self._by_name.get(word.upper())
        if command is None:
            raise unknown_command(list(argv))
        children = self._children.get(command.name.encode())
        if children is None or len(argv) == 1:
            return command
        child = children.get(argv[1]) or children.get(argv[1].upper())
        if child is None:
            raise unknown_subcommand(command.name, argv[1])
        return child
