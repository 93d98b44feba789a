"""How a command is described to clients: the entries of COMMAND INFO and COMMAND DOCS, and its ACL categories.

Every field follows from the declaration, by the rules redis-server applies to
its own; a test compares the outcome with a real one, field by field. Which
commands are asked for is the business of ``command_commands.py``.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Final

from ..protocol.replies import Reply, SimpleString, Unordered
from .arguments import Access, Arg, KeySpan
from .spec import Command, Flag
from .table import CommandTable

CATEGORIES: Final = (
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
)
"""All of them, in the order of ACL CAT."""

_UNTOLD: Final = Flag.MAY_REPLICATE
"""Redis keeps this to itself since 7.0."""

_CATEGORY_OF_GROUP: Final = {
    "generic": "keyspace",
    "sorted-set": "sortedset",
    "transactions": "transaction",
    **{
        group: group
        for group in (
            "string",
            "bitmap",
            "hash",
            "list",
            "set",
            "stream",
            "geo",
            "hyperloglog",
            "connection",
            "scripting",
        )
    },
}
"""The groups that are categories too. Pub/sub is not here: there the flag decides."""


def visible_children(table: CommandTable, command: Command) -> list[Command]:
    """Return the subcommands that clients may hear of."""
    return [child for child in table.children(command) if not child.hidden]


def acl_categories(table: CommandTable, command: Command) -> set[str]:
    """Return every ACL category of a command. A parent of subcommands is in no group's: its children are."""
    categories = set(command.acl)
    is_of_connection = "connection" in command.acl  # WAIT stands among the commands of keys and names none
    if command.group in _CATEGORY_OF_GROUP and not table.children(command) and not is_of_connection:
        categories.add(_CATEGORY_OF_GROUP[command.group])
    flags = command.flags
    if Flag.WRITE in flags:
        categories.add("write")
    if Flag.READONLY in flags and "scripting" not in categories:  # a script may do more than it says
        categories.add("read")
    if Flag.ADMIN in flags:
        categories |= {"admin", "dangerous"}
    if Flag.PUBSUB in flags:
        categories.add("pubsub")
    if Flag.BLOCKING in flags:
        categories.add("blocking")
    categories.add("fast" if Flag.FAST in flags else "slow")
    return categories


# -- COMMAND INFO ----------------------------------------------------------


def describe(table: CommandTable, command: Command) -> Reply:
    """Return the entry of COMMAND INFO: ten fields, the last of which are the subcommands' entries."""
    first, last, step = legacy_key_range(command.spans)
    categories = acl_categories(table, command)
    children = visible_children(table, command)
    return [
        command.full_name,
        command.arity,
        Unordered([SimpleString(word) for word in flag_words(command)]),
        first,
        last,
        step,
        Unordered([SimpleString(f"@{name}") for name in CATEGORIES if name in categories]),
        Unordered(list(command.tips)),
        Unordered([_describe_span(span) for span in command.spans]),
        # redis-server calls none of them an empty set, and some of them an array.
        [describe(table, child) for child in children] if children else Unordered([]),
    ]


def flag_words(command: Command) -> list[str]:
    """Spell the flags as COMMAND INFO does, with the one that follows from the key positions."""
    words = [flag.name.lower() for flag in command.flags & ~_UNTOLD if flag.name is not None]
    if _has_movable_keys(command.spans):
        words.append("movablekeys")
    return words


def legacy_key_range(spans: Sequence[KeySpan]) -> tuple[int, int, int]:
    """Return first, last and step, which clients from before key specifications read.

    Several spans are joined while each is a plain range right behind the one before.
    """
    ranges = _joined_ranges(spans)
    if not ranges:
        return 0, 0, 0
    step = ranges[0].step if len(spans) == 1 else 1
    return ranges[0].first, _absolute_last(ranges[-1]), step


def _joined_ranges(spans: Sequence[KeySpan]) -> list[KeySpan]:
    if len(spans) == 1:
        return [span for span in spans if not span.counted]
    joined: list[KeySpan] = []
    for span in spans:
        follows = not joined or _absolute_last(joined[-1]) == span.first - 1
        if not span.counted and span.step == 1 and follows:
            joined.append(span)
    return joined


def _absolute_last(span: KeySpan) -> int:
    return span.first + span.last if span.last >= 0 else span.last


def _has_movable_keys(spans: Sequence[KeySpan]) -> bool:
    """Say whether the legacy range tells less than the spans do."""
    return len(_joined_ranges(spans)) < len(spans) or any(Access.INCOMPLETE in s.access for s in spans)


def _describe_span(span: KeySpan) -> Reply:
    first, last, step, counted, access = span
    find: dict[str, Reply]
    if counted:
        begin, kind = first - 1, "keynum"
        find = {"keynumidx": 0, "firstkey": 1, "keystep": step}
    else:
        begin, kind = first, "range"
        find = {"lastkey": last, "keystep": step, "limit": 0}
    where: dict[str, Reply] = {"index": begin}
    begin_search: dict[str, Reply] = {"type": "index", "spec": where}
    find_keys: dict[str, Reply] = {"type": kind, "spec": find}
    entry: dict[str, Reply] = {"flags": access_words(access)}
    entry |= {"begin_search": begin_search, "find_keys": find_keys}
    return entry


def access_words(access: Access) -> Unordered:
    """Spell what happens to a key: the four modes in capitals, everything else in small letters."""
    names = [one.name or "" for one in access]
    return Unordered([SimpleString(name if len(name) == 2 else name.lower()) for name in names])


# -- COMMAND DOCS ----------------------------------------------------------


def document(table: CommandTable, command: Command) -> dict[str, Reply]:
    """Return the entry of COMMAND DOCS; what there is nothing to say about is left out."""
    entry: dict[str, Reply] = {
        "summary": command.summary,
        "since": command.since,
        "group": command.group,
    }
    if command.complexity:
        entry["complexity"] = command.complexity
    doc_flags = [*command.doc_flags, *(["deprecated"] if command.deprecated_since is not None else [])]
    if doc_flags:
        entry["doc_flags"] = Unordered([SimpleString(flag) for flag in doc_flags])
    if command.deprecated_since is not None:
        entry["deprecated_since"] = command.deprecated_since
    if command.replaced_by is not None:
        entry["replaced_by"] = command.replaced_by
    if command.history:
        entry["history"] = Unordered([[version, change] for version, change in command.history])
    if command.args:
        spans = len(command.spans)  # keys named one by one may share a span: the last
        key_specs = chain(range(spans), repeat(spans - 1))
        entry["arguments"] = [_document_argument(arg, key_specs) for arg in command.args]
    children = visible_children(table, command)
    if children:
        entry["subcommands"] = {child.full_name: document(table, child) for child in children}
    return entry


def _document_argument(arg: Arg, key_specs: Iterator[int]) -> dict[str, Reply]:
    entry: dict[str, Reply] = {"name": arg.name, "type": arg.type}
    if arg.type == "key":
        entry["key_spec_index"] = next(key_specs)
    if arg.token is not None:
        entry["token"] = arg.token
    if arg.since is not None:
        entry["since"] = arg.since
    if arg.deprecated_since is not None:
        entry["deprecated_since"] = arg.deprecated_since
    flags = {"optional": arg.optional, "multiple": arg.multiple, "multiple_token": arg.multiple_token}
    if any(flags.values()):
        entry["flags"] = Unordered([SimpleString(name) for name, is_set in flags.items() if is_set])
    if arg.members:
        entry["arguments"] = [_document_argument(member, key_specs) for member in arg.members]
    return entry
