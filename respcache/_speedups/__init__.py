"""Which path runs, the compiled one or plain Python: decided here, once, and asked nowhere else.

Every name that this package offers is either the compiled class or one of plain Python with the same attributes, and
whoever takes it from here need not know which. The extension is used as a whole or not at all: when any module of it is
missing, broken or of another build, all names are the plain ones, and ``DESCRIPTION`` says why.

It is the lowest layer, and imports nothing of respcache but the version. Compiled code that needs a class from above
has it handed in.

To add a module: name it in ``MODULES`` with what it offers. Each such name has its plain twin in ``plain.py``, and
stands in ``__all__``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from .. import __version__
from .plain import (
    ClientState,
    ClockState,
    CommandRecord,
    ConnectionState,
    ContextState,
    DatabaseState,
    DispatcherState,
    FanOut,
    GuardState,
    HashState,
    HotPath,
    JournalState,
    LedgerState,
    LoadWatch,
    SessionState,
    StatisticsState,
    best_encoders,
    best_parser,
    compiled_twin,
    offer_hash_class,
    waker,
)
from .plain_copies import (
    AccountState,
    BusState,
    FrameTaker,
    HeldRun,
    HoldsState,
    HoldState,
    PaceState,
    PartState,
    ReceivedState,
    RecorderState,
    Sealed,
    StateWriter,
    StreamState,
    TableState,
    VersionsState,
    clear_marks,
    confirm,
    confirmations_taker,
    effects_taker,
    let_leave,
    seal,
)

__all__ = [
    "DESCRIPTION",
    "INTERFACE",
    "IS_COMPILED",
    "MODULES",
    "STAMP",
    "AccountState",
    "BusState",
    "ClientState",
    "ClockState",
    "CommandRecord",
    "ConnectionState",
    "ContextState",
    "DatabaseState",
    "DispatcherState",
    "FanOut",
    "FrameTaker",
    "GuardState",
    "HashState",
    "HeldRun",
    "HoldState",
    "HoldsState",
    "HotPath",
    "JournalState",
    "LedgerState",
    "LoadWatch",
    "PaceState",
    "PartState",
    "ReceivedState",
    "RecorderState",
    "Sealed",
    "SessionState",
    "StateWriter",
    "StatisticsState",
    "StreamState",
    "TableState",
    "UnusableExtensionError",
    "VersionsState",
    "best_encoders",
    "best_parser",
    "clear_marks",
    "compiled_names",
    "compiled_twin",
    "confirm",
    "confirmations_taker",
    "effects_taker",
    "let_leave",
    "offer_hash_class",
    "seal",
    "waker",
]

INTERFACE: Final = 7
"""Raise it when compiled code and Python code must change together: then older builds are recognised, and not used.

They lie about where the sources are used as they are (``make run``, ``pip install --editable``) and somebody has
fetched newer ones.
"""

STAMP: Final = f"{__version__}/{INTERFACE}"

MODULES: Final[Mapping[str, Sequence[str]]] = {
    "stamp": (
        "STAMP",
        "IS_CHECKED",
    ),
    "state": (
        "ClientState",
        "ClockState",
        "CommandRecord",
        "ConnectionState",
        "ContextState",
        "DatabaseState",
        "DispatcherState",
        "GuardState",
        "JournalState",
        "LedgerState",
        "SessionState",
        "VersionsState",
        "TableState",
        "PartState",
        "AccountState",
        "RecorderState",
        "StreamState",
        "PaceState",
        "Sealed",
        "ReceivedState",
        "BusState",
        "HoldState",
        "HoldsState",
        "StatisticsState",
    ),
    "outbox": (),
    "replies": ("best_encoders",),
    "fanout": ("FanOut", "waker"),
    "deliveries": (),
    "fields": (),
    "hash_state": (
        "HashState",
        "offer_hash_class",
    ),
    "request_input": (),
    "parser": ("best_parser",),
    "ledgers": (),
    "entry": (),
    "places": (),
    "tables": (),
    "buckets": (),
    "fifos": (),
    "entries": ("compiled_twin",),
    "slots": (),
    "calls": (),
    "numbers": (),
    "words": (),
    "scheduling": (),
    "recording": (),
    "holding": (
        "HeldRun",
        "clear_marks",
        "let_leave",
    ),
    "copied": ("StateWriter",),
    "streaming": (
        "confirm",
        "seal",
    ),
    "frame_taking": (
        "FrameTaker",
        "confirmations_taker",
        "effects_taker",
    ),
    "notes": (),
    "reads": (),
    "changes": (),
    "connection_calls": (),
    "pubsub_calls": (),
    "deadlines_calls": (),
    "keys_calls": (),
    "increments_calls": (),
    "strings_calls": (),
    "hashes_calls": (),
    "single_calls": (),
    "hot_commands": (),
    "node_path": (),
    "load_watch": ("LoadWatch",),
    "serving": ("HotPath",),
}
"""Every ``.pyx`` file here, and what it offers in place of the plain names above.

``stamp`` is the first: it says whether it is worth looking at the others.
"""


class UnusableExtensionError(Exception):
    """The extension cannot or shall not be used; the text says why."""


def compiled_names(environment: Mapping[str, str], load: Callable[[str], Any]) -> dict[str, Any]:
    """Return what the modules offer, all of it. Raises UnusableExtensionError."""
    if environment.get("RESPCACHE_PURE", "") not in ("", "0"):
        raise UnusableExtensionError("RESPCACHE_PURE")
    try:
        stamp = load("stamp").STAMP
    except ImportError:
        raise UnusableExtensionError("not built") from None
    if stamp != STAMP:
        raise UnusableExtensionError(f"built for {stamp}, this is {STAMP}")
    found = {}
    for module, names in MODULES.items():
        try:
            loaded = load(module)
            found.update({name: getattr(loaded, name) for name in names})
        # A module of another build stumbles over names that are gone and sizes that have changed.
        except Exception as problem:
            raise UnusableExtensionError(f"{module} cannot be used: {problem}".partition("\n")[0]) from None
    return found


def _load(name: str) -> Any:  # a module
    return import_module(f"{__name__}.{name}")


try:
    _compiled = compiled_names(os.environ, _load)
except UnusableExtensionError as reason:
    IS_COMPILED, DESCRIPTION = False, f"pure Python ({reason})"
else:
    IS_COMPILED, DESCRIPTION = True, "compiled, with checks" if _compiled["IS_CHECKED"] else "compiled"
    # The type checker goes on to see the plain names, which have all that anybody may rely on.
    globals().update({name: one for name, one in _compiled.items() if name in __all__})
