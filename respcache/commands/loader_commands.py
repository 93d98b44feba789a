"""LOADER: what the loaders do with keys and how they stand, and what people may tell them.

None of these commands is Redis'. Those that name keys go to the keys' owners in a cluster, and are cut up where there
are several. None of them makes its client wait for a database, and all but FORGET answer at once even while
a key of theirs is being loaded: how far that is, is what they are asked.
"""

from collections.abc import Sequence
from typing import Final

from ..keyspace.hashes import Hash
from ..keyspace.journal import Notice
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import SHOWN_NAME_BYTES, CommandError, shown_word, wrong_arity
from .help import help_reply
from .loads import LoaderControls, LoaderReport
from .spec import CommandGroup, Declaration, Flag, Trait
from .spread import Join, Over, Spread

loaders = CommandGroup("loading")

NO_LOADER: Final = "no loader is configured"

FORGOTTEN: Final = Notice("g", "del")

ASKS: Final = Trait.LOADS_NOTHING | Trait.PASSES_OWNERS
ON_KEYS: Final = frozenset({"keyspace"})
BY_KEYS: Final = "O(N) with N keys"
CHANGING: Final = ("nondeterministic_output",)

FETCHING: Final[Declaration] = {
    "since": "7.0.0",
    "complexity": BY_KEYS,
    "flags": Flag(0),
    "traits": ASKS,
    "args": (arg.key("key", Access.RO, multiple=True),),
    "acl": ON_KEYS,
    "spread": Spread(Over.KEYS, Join.SUM),
    "raw": True,
    "hidden": True,
}
"""What REQUEST and REFRESH are."""

loaders.container(
    "LOADER",
    since="7.0.0",
    complexity="Depends on the subcommand.",
    summary="Look after the loaders, by which missing keys come from databases.",
    hidden=True,
)


def controls_of(context: Context) -> LoaderControls:
    """Return the node's loaders; an error when there is none."""
    loads = context.node.loads
    if loads is None:
        raise CommandError(NO_LOADER)
    return loads


def unknown_loader(name: bytes) -> CommandError:
    return CommandError(f"no loader is called '{shown_word(name[:SHOWN_NAME_BYTES])}'")


# -- keys --------------------------------------------------------------------


@loaders.command(
    "LOADER STATE",
    since="7.0.0",
    complexity=BY_KEYS,
    flags=Flag.FAST,
    traits=ASKS,
    args=(arg.key("key", Access.RO, multiple=True),),
    acl=ON_KEYS,
    tips=CHANGING,
    spread=Spread(Over.KEYS, Join.IN_KEY_ORDER),
    raw=True,
    hidden=True,
)
def loader_state(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return for each key where it stands, or nil if no loader is there for such keys.

    ``requested``: it will be asked for; ``loading``: a call for it runs; ``loaded``: it is in the cache, loaded or written;
    ``reloading``: it is, and is loaded anew; ``failed``: it could not be loaded; ``absent``: it has no value, which is remembered
    for a while; ``unknown``: none of these.
    """
    controls, db = controls_of(context), context.db.index
    return [controls.state_of(db, key) for key in argv[2:]]


@loaders.command(
    "LOADER PEEK",
    since="7.0.0",
    complexity="O(N) with N fields of a hash, else O(1)",
    flags=Flag.READONLY | Flag.FAST,
    traits=ASKS,
    args=(arg.key("key", Access.RO | Access.ACCESS),),
    acl=ON_KEYS,
    raw=True,
    hidden=True,
)
def loader_peek(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return what is in the cache, a string or the map of a hash, or nil: without loading it, and without being counted as a use.

    What is nil here may be there for GET, which has it loaded.
    """
    controls_of(context)
    entry = context.db.find(argv[2])
    if entry is None or entry.value is None:
        return None
    value = entry.value
    return dict(value.fields.items()) if isinstance(value, Hash) else bytes(value)


@loaders.command("LOADER REQUEST", **FETCHING)
def loader_request(context: Context, argv: Sequence[bytes]) -> Reply:
    """Have keys loaded that are not in the cache, and return at once how many are there or on their way.

    What is not among them is refused: the loader is paused, fails or has too many keys waiting, or there is none for such a
    key. A key of which it is remembered that it has no value is asked for once more.
    """
    controls, db = controls_of(context), context.db.index
    return sum([controls.request(db, key) for key in argv[2:]])


@loaders.command("LOADER REFRESH", **FETCHING)
def loader_refresh(context: Context, argv: Sequence[bytes]) -> Reply:
    """Have keys loaded whether they are in the cache or not, and return at once how many are on their way.

    What is in the cache is served until the new value is there.
    """
    controls, db = controls_of(context), context.db.index
    return sum([controls.refresh(db, key) for key in argv[2:]])


@loaders.command(
    "LOADER FORGET",
    since="7.0.0",
    complexity=BY_KEYS,
    flags=Flag.WRITE,
    traits=Trait.LOADS_NOTHING | Trait.KEEPS_VALUES,
    args=(arg.key("key", Access.RM | Access.DELETE, multiple=True),),
    acl=ON_KEYS,
    spread=Spread(Over.KEYS, Join.SUM),
    raw=True,
    hidden=True,
)
def loader_forget(context: Context, argv: Sequence[bytes]) -> Reply:
    """Know nothing of keys any more: not the value, nor that there was none, nor that loading has failed; return of how many something was known.

    The next read has them loaded. Nothing is deleted in the database, whatever the loader's ``write`` says. What a call that runs brings for them, without
    anybody waiting, is thrown away; where somebody waits, they are forgotten after that. Keys without a loader stay.

    >>> LOADER FORGET user:1 user:2
    (error) ERR no loader is configured
    """
    controls, db = controls_of(context), context.db
    known = 0
    for key in argv[2:]:
        state = controls.forget(db.index, key)
        if state is not None and state != "unknown":
            known += 1
            db.remove(key, FORGOTTEN)
    return known


# -- loaders -------------------------------------------------------------------


def brief(report: LoaderReport) -> dict[str, Reply]:
    return {"name": report.name, "pattern": report.pattern, "db": report.db, "state": report.state}


def full(report: LoaderReport) -> dict[str, Reply]:
    """Return everything; settings that are no integers as text, since RESP2 knows no others."""
    settings: dict[str, Reply] = {
        name: value if isinstance(value, int) else _text(value) for name, value in report.settings.items()
    }
    return {
        "pattern": report.pattern,
        "db": report.db,
        "state": report.state,
        "breaker": report.breaker,
        "now": dict(report.now),
        "total": dict(report.totals),
        "last_failure": report.last_failure,
        "settings": settings,
    }


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


@loaders.command(
    "LOADER LIST",
    since="7.0.0",
    complexity="O(N) with N keys on their way",
    flags=Flag.STALE,
    traits=Trait.LOADS_NOTHING,
    args=(),
    tips=CHANGING,
    hidden=True,
)
def loader_list(context: Context) -> Reply:
    """Return the loaders of this node in the order in which they are asked for a key: name, pattern, database, state.

    The state is ``paused``; ``stuck``, if as many calls as may run have taken longer than they may; or the breaker's: ``closed`` where all
    is well, ``open`` after so many failures that nothing is tried, and ``half-open`` when one call may find out.
    """
    return [brief(report) for report in controls_of(context).reports()]


@loaders.command(
    "LOADER STATS",
    since="7.0.0",
    complexity="O(N) with N keys on their way",
    flags=Flag.STALE,
    traits=Trait.LOADS_NOTHING,
    args=(arg.string("name", optional=True),),
    tips=CHANGING,
    raw=True,
    hidden=True,
)
def loader_stats(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return a map of what there is to know of each loader of this node, by its name, or of one of them.

    ``now`` counts its keys by state, and its calls; ``total`` what it has done since the start; ``settings`` are those it works with.
    """
    if len(argv) > 3:
        raise wrong_arity("loader|stats")
    reports = controls_of(context).reports()
    if len(argv) == 3:
        reports = [one for one in reports if one.name.encode() == argv[2]]
        if not reports:
            raise unknown_loader(argv[2])
    return {report.name: full(report) for report in reports}


@loaders.command(
    "LOADER PAUSE",
    since="7.0.0",
    complexity="O(N) with N keys on their way",
    flags=Flag.ADMIN | Flag.STALE | Flag.NO_MULTI,
    traits=Trait.LOADS_NOTHING,
    args=(arg.string("name"),),
    spread=Spread(Over.MEMBERS, Join.ALL_OK),
    hidden=True,
)
def loader_pause(context: Context, name: bytes) -> Reply:
    """Call a loader no more: missing keys are answered as its ``on_failure`` says, until RESUME or a restart.

    Calls that run may end, and what they bring is kept. In a cluster this is said to every member that is there.
    """
    if not controls_of(context).pause(name.decode("utf-8", "surrogateescape")):
        raise unknown_loader(name)
    return OK


@loaders.command(
    "LOADER RESUME",
    since="7.0.0",
    complexity="O(1)",
    flags=Flag.ADMIN | Flag.STALE | Flag.NO_MULTI,
    traits=Trait.LOADS_NOTHING,
    args=(arg.string("name"),),
    spread=Spread(Over.MEMBERS, Join.ALL_OK),
    hidden=True,
)
def loader_resume(context: Context, name: bytes) -> Reply:
    """Call a loader again that was paused. In a cluster this is said to every member that is there."""
    if not controls_of(context).resume(name.decode("utf-8", "surrogateescape")):
        raise unknown_loader(name)
    return OK


@loaders.command(
    "LOADER HELP",
    since="7.0.0",
    complexity="O(1)",
    flags=Flag.LOADING | Flag.STALE,
    traits=Trait.LOADS_NOTHING,
    args=(),
    hidden=True,
)
def loader_help(context: Context) -> Reply:
    """Explain the subcommands of LOADER."""
    return help_reply(
        "LOADER",
        ("FORGET <key> [<key> ...]", "Drop what is known of keys; return of how many something was."),
        ("LIST", "List the loaders of this node."),
        ("PAUSE <name>", "Call a loader no more."),
        ("PEEK <key>", "Print a value without loading it, and without counting that as a use."),
        ("REFRESH <key> [<key> ...]", "Load keys anew; return how many are on their way."),
        ("REQUEST <key> [<key> ...]", "Load missing keys; return how many are there or on their way."),
        ("RESUME <name>", "Call a loader again."),
        (
            "STATE <key> [<key> ...]",
            "Print where keys stand: requested, loading, loaded, failed,\nreloading, absent or unknown.",
        ),
        ("STATS [<name>]", "Print counts and settings of the loaders of this node."),
    )
