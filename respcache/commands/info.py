"""INFO: which sections are asked for, and how they are put together.

What they say is in ``info_sections.py``, ``info_memory.py`` and ``info_loading.py``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from ..protocol.replies import Reply, Verbatim
from . import info_sections as sections
from .arguments import Arg
from .context import Context
from .info_loading import loading
from .info_memory import memory
from .node import Node
from .spec import CommandGroup, Flag

info_commands = CommandGroup("server")

SECTIONS: Final[Mapping[str, Callable[[Node], Iterable[str]]]] = {
    "Server": sections.server,
    "Clients": sections.clients,
    "Memory": memory,
    "Persistence": sections.persistence,
    "Stats": sections.stats,
    "Replication": sections.replication,
    "CPU": sections.cpu,
    "Modules": sections.modules,
    "Commandstats": sections.commandstats,
    "Errorstats": sections.errorstats,
    "Latencystats": sections.latencystats,
    "Cluster": sections.cluster,
    "Keyspace": sections.keyspace,
    "Owners": sections.owners,
    "Events": sections.events,
    "Loading": loading,
}
"""By title, in the order in which they are shown, whatever the order asked for."""

EVERYTHING: Final = frozenset(SECTIONS)
LONG: Final = frozenset({"Commandstats", "Latencystats"})
"""Those two are as long as the command table."""
LOADING: Final = frozenset({"Loading"})
"""Where there is no loader it is told only to those who ask for it, or for everything."""

NAMES: Final[Mapping[str, frozenset[str]]] = {
    "default": EVERYTHING - LONG - LOADING,
    "all": EVERYTHING - LOADING,
    "everything": EVERYTHING,
    **{title.lower(): frozenset({title}) for title in SECTIONS},
}


@info_commands.command(
    "INFO",
    since="1.0.0",
    complexity="O(1), but O(N) with N commands used for commandstats and latencystats",
    flags=Flag.LOADING | Flag.STALE,
    args=(Arg("section", "string", optional=True, multiple=True),),
    acl=frozenset({"dangerous"}),
    tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
    history=(("7.0.0", "Takes several sections."),),
    raw=True,
)
def info(context: Context, argv: Sequence[bytes]) -> Reply:
    """Tell the server's state and statistics, as lines of ``field:value`` under section titles.

    Sections are server, clients, memory, persistence, stats, replication, cpu, modules, commandstats,
    errorstats, latencystats, cluster, keyspace, owners, events and loading. Without any, or for ``default``,
    all but commandstats and latencystats are told; for ``all`` or ``everything``, all. Where there is no loader, loading is told only by
    its name and for ``everything``. An unknown section is left out.
    """
    words = [word.decode("utf-8", "replace").lower() for word in argv[1:]] or ["default"]
    wanted = frozenset[str]().union(*(NAMES.get(word, frozenset()) for word in words))
    if context.node.loads is not None and {"default", "all"}.intersection(words):
        wanted |= LOADING
    return Verbatim(info_text(context.node, wanted).encode("utf-8", "surrogateescape"))


def info_text(node: Node, wanted: Iterable[str]) -> str:
    """Return the sections of these titles, one empty line between two."""
    chosen = frozenset(wanted)
    texts = [
        "".join(f"{line}\r\n" for line in (f"# {title}", *lines(node)))
        for title, lines in SECTIONS.items()
        if title in chosen
    ]
    return "\r\n".join(texts)
