"""ACL, as far as there is anything to ask: one user, called default, who may do everything.

Tools read these to show who may do what. There is nothing to change, so the
subcommands that would are unknown here.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from ..protocol.replies import Reply, Unordered
from . import arguments as arg
from .context import Context
from .describe import CATEGORIES, acl_categories, visible_children
from .errors import CommandError, wrong_subcommand_syntax
from .help import help_reply
from .spec import CommandGroup, Flag

acl = CommandGroup("server")

_ANYBODY: Final = Flag.NOSCRIPT | Flag.LOADING | Flag.STALE
_ADMIN: Final = _ANYBODY | Flag.ADMIN

ONLY_USER: Final = "default"

acl.container("ACL", since="6.0.0", complexity="Depends on the subcommand.", summary="Ask who may do what.")


@acl.command("ACL WHOAMI", since="6.0.0", complexity="O(1)", flags=_ANYBODY, args=())
def acl_whoami(context: Context) -> Reply:
    """Return the name of the user this connection speaks for.

    >>> ACL WHOAMI
    default
    """
    return context.client.user


@acl.command("ACL USERS", since="6.0.0", complexity="O(1)", flags=_ADMIN, args=())
def acl_users(context: Context) -> Reply:
    """Return the names of all users: there is one.

    >>> ACL USERS
    ['default']
    """
    return [ONLY_USER]


@acl.command("ACL LIST", since="6.0.0", complexity="O(1)", flags=_ADMIN, args=())
def acl_list(context: Context) -> Reply:
    """Return the rules of all users, one line each; a password shows as its SHA-256."""
    hashes = _password_hashes(context)
    password = f"#{hashes[0]}" if hashes else "nopass"
    return [f"user {ONLY_USER} on {password} ~* &* +@all"]


@acl.command("ACL GETUSER", since="6.0.0", complexity="O(1)", flags=_ADMIN, args=(arg.string("username"),))
def acl_getuser(context: Context, username: bytes) -> Reply:
    """Return the rules of one user, field by field; nil when there is no such user."""
    if username != ONLY_USER.encode():
        return None
    hashes = _password_hashes(context)
    rules: dict[str, Reply] = {
        "flags": Unordered(["on"] if hashes else ["on", "nopass"]),
        "passwords": hashes,
        "commands": "+@all",
        "keys": "~*",
        "channels": "&*",
        "selectors": [],
    }
    return rules


@acl.command(
    "ACL CAT",
    since="6.0.0",
    complexity="O(N) with N commands in the table",
    flags=_ANYBODY,
    args=(arg.string("categoryname", optional=True),),
    raw=True,
)
def acl_cat(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the names of all command categories, or of the commands in one of them."""
    if len(argv) > 3:
        raise wrong_subcommand_syntax("ACL", argv[1])
    if len(argv) == 2:
        return list(CATEGORIES)
    name = argv[2].decode("utf-8", "surrogateescape")
    category = name.lower()
    if category not in CATEGORIES:
        raise CommandError(f"Unknown category '{name}'")
    table = context.node.table
    shown = [
        one for parent in table if not parent.hidden for one in (parent, *visible_children(table, parent))
    ]
    return [one.full_name for one in shown if category in acl_categories(table, one)]


@acl.command("ACL HELP", since="6.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def acl_help(context: Context) -> Reply:
    """Explain the subcommands of ACL."""
    return help_reply(
        "ACL",
        ("CAT [<category>]", "List the command categories, or the commands of one."),
        ("GETUSER <name>", "Show the rules of a user; there is only default."),
        ("LIST", "Show the rules of all users."),
        ("USERS", "List the names of all users."),
        ("WHOAMI", "Tell the name of this connection's user."),
    )


def _password_hashes(context: Context) -> list[str]:
    password = context.node.settings.requirepass
    return [hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()] if password else []
