"""CLIENT TRACKING and what belongs to it: how a client asks to hear of changes to keys that it caches.

How it is told is ``tracking.py``'s business.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ..protocol.replies import OK, Reply, Unordered
from . import arguments as arg
from .arguments import Arg
from .context import Context
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .tracking import Subscription

tracking_commands = CommandGroup("connection")

FLAGS: Final = Flag.NOSCRIPT | Flag.LOADING | Flag.STALE
DIFFERENTLY: Final = (
    "before disabling tracking for this client, and then re-enabling it with a different mode."
)


@tracking_commands.command(
    "CLIENT TRACKING",
    since="6.0.0",
    complexity="O(1), but for broadcasting O(N), N being the number of prefixes.",
    flags=FLAGS,
    args=(
        arg.one_of("status", arg.flag("ON"), arg.flag("OFF"), optional=False),
        arg.integer("client-id", token="REDIRECT", optional=True),
        Arg("prefix", "string", token="PREFIX", optional=True, multiple=True, multiple_token=True),
        arg.flag("BCAST", optional=True),
        arg.flag("OPTIN", optional=True),
        arg.flag("OPTOUT", optional=True),
        arg.flag("NOLOOP", optional=True),
    ),
    traits=Trait.SESSION,
    raw=True,
)
def client_tracking(context: Context, argv: Sequence[bytes]) -> Reply:
    """Hear, from now on, when keys change that this connection has read, or that begin in a certain way.

    BCAST tells of all keys with a PREFIX, read or not. OPTIN and OPTOUT leave it
    to CLIENT CACHING which reads count. NOLOOP keeps one's own changes quiet.
    REDIRECT names the connection that is told, which a RESP2 client needs.

    >>> CLIENT TRACKING on
    OK
    """
    options = _parse_options(context, argv[3:])
    status = argv[2].upper()
    if status == b"ON":
        _check(context, options)
        context.node.tracking.start(context.client, options.subscription)
    elif status == b"OFF":
        context.node.tracking.stop(context.client)
    else:
        raise CommandError(SYNTAX)
    return OK


class Options(msgspec.Struct, frozen=True):
    """What a CLIENT TRACKING asks for."""

    subscription: Subscription
    prefixes: tuple[bytes, ...]
    """Those given; a broadcasting client that gives none has the empty one."""


_SWITCHES: Final = {
    b"BCAST": "is_broadcast",
    b"OPTIN": "is_opt_in",
    b"OPTOUT": "is_opt_out",
    b"NOLOOP": "ignores_own_changes",
}


def _parse_options(context: Context, words: Sequence[bytes]) -> Options:
    subscription = Subscription()
    prefixes: list[bytes] = []
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option in _SWITCHES:
            setattr(subscription, _SWITCHES[option], True)
            continue
        value = next(rest, None)
        if option == b"PREFIX" and value is not None:
            prefixes.append(value)
        elif option == b"REDIRECT" and value is not None:
            if subscription.redirect_id:
                raise CommandError("A client can only redirect to a single other client")
            subscription.redirect_id = _parse_redirect(context, value)
        else:
            raise CommandError(SYNTAX)
    if subscription.is_broadcast:
        subscription.prefixes = tuple(prefixes) or (b"",)
    return Options(subscription, tuple(prefixes))


def _parse_redirect(context: Context, raw: bytes) -> int:
    client_id = parse_integer(raw)
    if context.node.clients.get(client_id) is None:
        raise CommandError("The client ID you want redirect to does not exist")
    return client_id


def _check(context: Context, options: Options) -> None:
    """Refuse what contradicts itself, or how the client tracks already."""
    new, old = options.subscription, context.client.tracking
    if options.prefixes and not new.is_broadcast:
        raise CommandError("PREFIX option requires BCAST mode to be enabled")
    if old is not None and old.is_broadcast != new.is_broadcast:
        raise CommandError(f"You can't switch BCAST mode on/off {DIFFERENTLY}")
    if new.is_broadcast and (new.is_opt_in or new.is_opt_out):
        raise CommandError("OPTIN and OPTOUT are not compatible with BCAST")
    if new.is_opt_in and new.is_opt_out:
        raise CommandError("You can't specify both OPTIN mode and OPTOUT mode")
    if old is not None and ((new.is_opt_in and old.is_opt_out) or (new.is_opt_out and old.is_opt_in)):
        raise CommandError(f"You can't switch OPTIN/OPTOUT mode {DIFFERENTLY}")
    _check_prefixes(options.prefixes, () if old is None else old.prefixes)


def _check_prefixes(given: Sequence[bytes], existing: Sequence[bytes]) -> None:
    """Refuse prefixes that begin with one another: a key would be told of twice."""
    at = _first_overlapping(given, existing)
    if at is None:
        return
    prefix = given[at]
    for known, others in (("an existing", existing), ("another provided", given[at + 1 :])):
        for other in others:
            if prefix.startswith(other) or other.startswith(prefix):
                one, two = (text.decode("utf-8", "surrogateescape") for text in (prefix, other))
                raise CommandError(
                    f"Prefix '{one}' overlaps with {known} prefix '{two}'."
                    " Prefixes for a single client must not overlap."
                )


def _first_overlapping(given: Sequence[bytes], existing: Sequence[bytes]) -> int | None:
    """Find the first of the given prefixes that overlaps with any other, which sorting brings side by side.

    Comparing each with each would take a minute for the 20,000 prefixes that fit into 300 KB.
    """
    prefixes = [*given, *existing]
    overlapping: set[int] = set()
    nested: list[int] = []  # each begins with the one before it
    for at in sorted(range(len(prefixes)), key=prefixes.__getitem__):
        while nested and not prefixes[at].startswith(prefixes[nested[-1]]):
            nested.pop()
        if nested:
            overlapping |= {at, nested[-1]}
        nested.append(at)
    return min((at for at in overlapping if at < len(given)), default=None)


@tracking_commands.command(
    "CLIENT CACHING",
    since="6.0.0",
    complexity="O(1)",
    flags=FLAGS,
    args=(arg.one_of("mode", arg.flag("YES"), arg.flag("NO"), optional=False),),
    traits=Trait.SESSION,
    raw=True,
)
def client_caching(context: Context, argv: Sequence[bytes]) -> Reply:
    """Make an exception for the next command: track its keys under OPTIN, or do not under OPTOUT."""
    subscription = context.client.tracking
    if subscription is None or not (subscription.is_opt_in or subscription.is_opt_out):
        raise CommandError(
            "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    mode = argv[2].upper()
    if mode not in {b"YES", b"NO"}:
        raise CommandError(SYNTAX)
    if mode == b"YES" and not subscription.is_opt_in:
        raise CommandError("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    if mode == b"NO" and not subscription.is_opt_out:
        raise CommandError("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    subscription.has_chosen = True
    return OK


@tracking_commands.command("CLIENT GETREDIR", since="6.0.0", complexity="O(1)", flags=FLAGS, args=())
def client_getredir(context: Context) -> Reply:
    """Return who is told in our place: an id, 0 for nobody, -1 when we do not track.

    >>> CLIENT GETREDIR
    -1
    """
    subscription = context.client.tracking
    return -1 if subscription is None else subscription.redirect_id


@tracking_commands.command("CLIENT TRACKINGINFO", since="6.2.0", complexity="O(1)", flags=FLAGS, args=())
def client_trackinginfo(context: Context) -> Reply:
    """Describe how this connection tracks."""
    subscription = context.client.tracking
    info: dict[str, Reply] = {
        "flags": Unordered(_flags(subscription)),
        "redirect": -1 if subscription is None else subscription.redirect_id,
        "prefixes": [] if subscription is None else sorted(subscription.prefixes),
    }
    return info


def _flags(subscription: Subscription | None) -> list[str]:
    """Return Redis' words for a client's way of tracking, in Redis' order."""
    if subscription is None:
        return ["off"]
    words = {
        "on": True,
        "bcast": subscription.is_broadcast,
        "optin": subscription.is_opt_in,
        "caching-yes": subscription.is_opt_in and subscription.has_chosen,
        "optout": subscription.is_opt_out,
        "caching-no": subscription.is_opt_out and subscription.has_chosen,
        "noloop": subscription.ignores_own_changes,
        "broken_redirect": subscription.is_redirect_broken,
    }
    return [word for word, is_so in words.items() if is_so]
