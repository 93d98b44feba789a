"""Which path runs, the compiled one or plain Python: decided here, once, and asked nowhere else.

Every name that this package offers is either the compiled class or one of plain Python with the same attributes, and
whoever takes it from here need not know which. The extension is used as a whole or not at all: when any module of it is
missing, broken or of another build, all names are the plain ones, and ``DESCRIPTION`` says why.

It is the lowest layer, and imports nothing of respcache but the version. Compiled code that needs a class from above
has it handed in.

To add a module: name it in ``MODULES``, and the names it offers in both lists below and in ``__all__``.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .. import __version__

INTERFACE: Final = 1
"""Raise it when compiled code and Python code must change together: then older builds are recognised, and not used.

They lie about where the sources are used as they are (``make run``, ``pip install --editable``) and somebody has
fetched newer ones.
"""

STAMP: Final = f"{__version__}/{INTERFACE}"

MODULES: Final = (
    "stamp",
    "state",
    "outbox",
    "replies",
    "hash_state",
)
"""Every ``.pyx`` file here. ``stamp`` is the first: it says whether it is worth looking at the others."""


def reason_against(environment: Mapping[str, str], load: Callable[[str], Any]) -> str:
    """Return why the extension cannot or shall not be used; "" where it can."""
    if environment.get("RESPCACHE_PURE", "") not in ("", "0"):
        return "RESPCACHE_PURE"
    try:
        stamp = load("stamp").STAMP
    except ImportError:
        return "not built"
    if stamp != STAMP:
        return f"built for {stamp}, this is {STAMP}"
    for name in MODULES:
        try:
            load(name)
        except (
            Exception
        ) as problem:  # a module of another build stumbles over names and sizes that have changed
            return f"{name} cannot be loaded: {problem}".partition("\n")[0]
    return ""


def _load(name: str) -> Any:  # a module
    return import_module(f"{__name__}.{name}")


_reason = reason_against(os.environ, _load)

IS_COMPILED: Final = not _reason

# The type checker looks at the plain names, which have all that anybody may rely on.
if TYPE_CHECKING or _reason:
    _kind = f"pure Python ({_reason})"
    # state: attributes that compiled code reads as fields.
    from .plain import (
        ClientState,
        ClockState,
        CommandRecord,
        ConnectionState,
        ContextState,
        DatabaseState,
        DispatcherState,
        GuardState,
        HashState,
        HotPath,
        JournalState,
        LedgerState,
        SessionState,
        StatisticsState,
        best_encoders,
        offer_hash_class,
    )
else:
    from .stamp import IS_CHECKED

    _kind = "compiled, with checks" if IS_CHECKED else "compiled"
    # hash_state: what keyspace/hashes.py derives from.
    from .hash_state import HashState, offer_hash_class

    # replies: what protocol/encoder.py offers.
    from .replies import best_encoders

    # state
    from .state import (
        ClientState,
        ClockState,
        CommandRecord,
        ConnectionState,
        ContextState,
        DatabaseState,
        DispatcherState,
        GuardState,
        JournalState,
        LedgerState,
        SessionState,
        StatisticsState,
    )

    # serving
    from .plain import HotPath  # until serving is built

DESCRIPTION: Final = _kind
"""For people: "compiled", or "pure Python" and why."""

__all__ = [
    "DESCRIPTION",
    "INTERFACE",
    "IS_COMPILED",
    "MODULES",
    "STAMP",
    "ClientState",
    "ClockState",
    "CommandRecord",
    "ConnectionState",
    "ContextState",
    "DatabaseState",
    "DispatcherState",
    "GuardState",
    "HashState",
    "HotPath",
    "JournalState",
    "LedgerState",
    "SessionState",
    "StatisticsState",
    "best_encoders",
    "offer_hash_class",
    "reason_against",
]
