"""What a command *is*: one immutable record, declared beside its handler.

Everything the server knows about a command (how many words it takes, which
are keys, who may run it, what COMMAND DOCS prints) is read from this record.
No code outside its file may single a command out by name; a new behaviour is a
new field, flag or trait here, so that the next command can use it too.
"""

import enum
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypedDict, TypeVar, Unpack

from ..protocol.replies import Reply
from .arguments import Access, Arg, KeySpan, arity, key_spans
from .context import Context
from .errors import CommandError, wrong_arity
from .parsing import Handler, Run, bind, parameter_name
from .series import Series
from .spread import Spread

REDACTED: Final = b"(redacted)"

AnyHandler = TypeVar("AnyHandler", bound=Handler)


class Flag(enum.Flag):
    """Command flags, with the names COMMAND INFO prints (lower-cased)."""

    WRITE = enum.auto()
    READONLY = enum.auto()
    DENYOOM = enum.auto()
    ADMIN = enum.auto()
    PUBSUB = enum.auto()
    NOSCRIPT = enum.auto()
    BLOCKING = enum.auto()
    LOADING = enum.auto()
    STALE = enum.auto()
    FAST = enum.auto()
    NO_AUTH = enum.auto()
    NO_MULTI = enum.auto()
    MAY_REPLICATE = enum.auto()
    SKIP_MONITOR = enum.auto()
    SKIP_SLOWLOG = enum.auto()
    NO_MANDATORY_KEYS = enum.auto()
    NO_ASYNC_LOADING = enum.auto()
    ALLOW_BUSY = enum.auto()
    ASKING = enum.auto()


class Trait(enum.Flag):
    """What our server needs to know beyond Redis' flags; never shown to clients."""

    SESSION = enum.auto()
    """May change the session or the server's state, so it never takes the short way."""
    IMMEDIATE = enum.auto()
    """Runs at once even between MULTI and EXEC."""
    RUNS_TRANSACTION = enum.auto()
    """When it is refused, the transaction ends with it."""
    IN_SUBSCRIBER_MODE = enum.auto()
    """Allowed to a RESP2 client that has subscriptions."""
    EVERY_KEY = enum.auto()
    """Changes keys it does not name: waits for every owner that is awake."""
    ENDS_SESSION = enum.auto()
    """Not a command of ours but the mark of another protocol: the client is closed at once."""
    DURING_PAUSE = enum.auto()
    """Runs even while CLIENT PAUSE holds everything else."""
    UNTIMED = enum.auto()
    """Waits on purpose, so its time is no measure of the server's health."""
    WATCHES = enum.auto()
    """Watches its keys, wherever they live."""
    LATE = enum.auto()
    """May answer later than it runs, but not in a transaction; so it never takes the short way."""
    SELECTS = enum.auto()
    """Turns to another database, and changes nothing else of the session."""
    LOADS_NOTHING = enum.auto()
    """Speaks of keys that may be missing; a loader is not asked for them."""
    PASSES_OWNERS = enum.auto()
    """Runs at once although its keys are busy: it asks what they are busy with, and changes none."""
    KEEPS_VALUES = enum.auto()
    """Changes when keys die and nothing else, even where they die at once, or forgets them: no loader writes that to its database."""
    OUTGROWS_ITS_WORDS = enum.auto()
    """May store far more than it is sent, so memory is counted before it and after it."""


NO_TRAITS = Trait(0)


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command and its handler."""

    name: str
    """In capitals; a subcommand's is ``PARENT CHILD``."""
    handler: Handler
    group: str
    since: str
    complexity: str
    flags: Flag
    args: tuple[Arg, ...]
    traits: Trait = NO_TRAITS
    keys: tuple[KeySpan, ...] | None = None
    """Given only when ``args`` cannot say."""
    access_of_call: Callable[[Sequence[bytes]], Access] | None = None
    """What one concrete call does to its keys, where that depends on its options (VARIABLE_FLAGS)."""
    depends: Callable[[Sequence[bytes]], bool] | None = None
    """Whether what a concrete call does depends on what is there, although it overwrites that: SET with NX."""
    acl: frozenset[str] = frozenset()
    """Categories beyond those that group and flags imply."""
    tips: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    deprecated_since: str | None = None
    replaced_by: str | None = None
    doc_flags: tuple[str, ...] = ()
    """What COMMAND DOCS says of it beside ``deprecated``: ``syscmd`` for what only people at the server should use."""
    spread: Spread | None = None
    """How it is cut up in a cluster; None: whole where its keys live, or where its client is."""
    secrets: Callable[[Sequence[bytes]], Iterable[int]] | None = None
    """Which words of a call hold what nobody else may read: MONITOR and SLOWLOG show ``(redacted)`` for them."""
    raw: bool = False
    """The handler takes (context, argv) and parses by itself: for grammars that ``args`` can only document."""
    least_words: int | None = None
    """Arity where it does not follow from ``args``."""
    series: Series | None = None
    """How equal calls in a pipeline are answered together."""
    hidden: bool = False
    """Left out of COMMAND's answers, because redis-server has no such command."""

    # Derived once, at start-up, so that dispatch only reads attributes.
    full_name: str = field(init=False)
    """As Redis prints it: ``client|list``."""
    arity: int = field(init=False)
    spans: tuple[KeySpan, ...] = field(init=False)
    is_write: bool = field(init=False)
    run: Run = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prefix = 1 + self.name.count(" ")
        derive = object.__setattr__  # the record is frozen for everyone else
        derive(self, "full_name", self.name.lower().replace(" ", "|"))
        words = self.least_words if self.least_words is not None else arity(self.args, prefix)
        derive(self, "arity", words)
        derive(self, "spans", self.keys if self.keys is not None else key_spans(self.args, prefix))
        derive(self, "is_write", Flag.WRITE in self.flags)
        derive(
            self, "run", self.handler if self.raw else bind(self.full_name, self.handler, self.args, prefix)
        )
        self._check_declaration()

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0].strip()

    def readable(self, argv: Sequence[bytes]) -> Sequence[bytes]:
        """Return the words of a call as others may see them."""
        if self.secrets is None:
            return argv
        secret = frozenset(self.secrets(argv))
        return [REDACTED if at in secret else word for at, word in enumerate(argv)]

    def check_arity(self, argv: Sequence[bytes]) -> None:
        if len(argv) != self.arity and (self.arity > 0 or len(argv) < -self.arity):
            raise wrong_arity(self.full_name)

    def keys_in(self, argv: Sequence[bytes]) -> list[bytes]:
        """Return the keys named by a concrete call, in argument order."""
        return [argv[at] for at, _ in self.key_positions(argv)]

    def key_positions(self, argv: Sequence[bytes]) -> list[tuple[int, Access]]:
        """Return where the keys stand in a concrete call, and what happens to them."""
        found: list[tuple[int, Access]] = []
        for first, last, step, counted, access in self.spans:
            if counted:
                try:
                    stop = first + int(argv[first - 1]) * step
                except ValueError:
                    raise CommandError("Invalid arguments specified for command") from None
                stop = min(stop, len(argv))
            else:
                stop = (len(argv) + last if last < 0 else first + last) + 1
            happens = access if self.access_of_call is None else self.access_of_call(argv)
            found.extend((at, happens) for at in range(first, min(stop, len(argv)), step))
        return found

    def _check_declaration(self) -> None:
        """Fail at import, not in production, when words and handler disagree."""
        if not self.summary.endswith("."):
            raise TypeError(f"{self.name}: the handler's docstring must start with a sentence")
        parameters = list(inspect.signature(self.handler).parameters.values())[1:]
        if self.raw:
            if len(parameters) != 1:
                raise TypeError(f"{self.name}: a raw handler takes (context, argv)")
            return
        wanted = {parameter_name(a): a.optional for a in self.args}
        have = {p.name: p.default is not p.empty for p in parameters}
        required = [name for name, is_optional in wanted.items() if not is_optional]
        if wanted != have or required != list(have)[: len(required)]:  # those are passed by position
            raise TypeError(f"{self.name}: declares {wanted} (name: optional), handler takes {have}")


class Required(TypedDict):
    """What every declaration says."""

    since: str
    complexity: str
    flags: Flag
    args: tuple[Arg, ...]


class Declaration(Required, total=False):
    """What a declaration may add; the defaults are those of ``Command``."""

    traits: Trait
    keys: tuple[KeySpan, ...]
    access_of_call: Callable[[Sequence[bytes]], Access]
    depends: Callable[[Sequence[bytes]], bool]
    acl: frozenset[str]
    tips: tuple[str, ...]
    history: tuple[tuple[str, str], ...]
    deprecated_since: str
    replaced_by: str
    doc_flags: tuple[str, ...]
    spread: Spread
    secrets: Callable[[Sequence[bytes]], Iterable[int]]
    raw: bool
    least_words: int
    series: Series
    hidden: bool


class CommandGroup:
    """Collects the commands of one COMMAND DOCS group; see ``strings.py`` for the use."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.commands: list[Command] = []

    def command(self, name: str, **declared: Unpack[Declaration]) -> Callable[[AnyHandler], AnyHandler]:
        """Declare a command; the handler itself is returned unchanged."""

        def register(handler: AnyHandler) -> AnyHandler:
            self.commands.append(Command(name=name, handler=handler, group=self.name, **declared))
            return handler

        return register

    def container(
        self, name: str, *, since: str, complexity: str, summary: str, hidden: bool = False
    ) -> None:
        """Declare the parent of subcommands, such as CLIENT; calling it bare is an arity error."""

        def bare(context: Context, argv: Sequence[bytes]) -> Reply:
            raise AssertionError(f"{name} is never called without a subcommand")

        bare.__doc__ = summary
        self.commands.append(
            Command(
                name=name,
                handler=bare,
                group=self.name,
                since=since,
                complexity=complexity,
                flags=Flag(0),
                args=(),
                raw=True,
                least_words=-2,
                hidden=hidden,
            )
        )
