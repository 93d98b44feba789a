"""Publish and subscribe: the commands; who gets which message is ``broker.py``'s business.

Subscribing answers one message per channel, pushes in RESP3 and arrays in
RESP2, each with how many subscriptions the client then has. Channels and
patterns are counted together, shard channels by themselves.
"""

from collections.abc import Callable, Sequence
from typing import Final, cast

from ..keyspace.glob import compile_glob
from ..protocol.replies import Push, Reply, Several
from . import arguments as arg
from .arguments import Access, KeySpan
from .broker import Subscribers
from .client import Client
from .context import Context
from .errors import CommandError, wrong_subcommand_syntax
from .help import help_reply
from .spec import CommandGroup, Flag, Trait
from .spread import Join, Over, Spread

pubsub = CommandGroup("pubsub")

SUBSCRIBING: Final = Flag.PUBSUB | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE
ASKING_ABOUT: Final = Flag.PUBSUB | Flag.LOADING | Flag.STALE
SUBSCRIBER_TRAITS: Final = Trait.SESSION | Trait.IN_SUBSCRIBER_MODE

# -- subscribing -----------------------------------------------------------


@pubsub.command(
    "SUBSCRIBE",
    since="2.0.0",
    complexity="O(N), N being the number of channels.",
    flags=SUBSCRIBING,
    args=(arg.string("channel", multiple=True),),
    traits=SUBSCRIBER_TRAITS,
)
def subscribe(context: Context, channel: Sequence[bytes]) -> Reply:
    """Receive the messages of some channels from now on."""
    return _each(context, b"subscribe", channel, context.node.broker.subscribe, _count)


@pubsub.command(
    "UNSUBSCRIBE",
    since="2.0.0",
    complexity="O(N), N being the number of channels.",
    flags=SUBSCRIBING,
    args=(arg.string("channel", multiple=True, optional=True),),
    traits=SUBSCRIBER_TRAITS,
    raw=True,
)
def unsubscribe(context: Context, argv: Sequence[bytes]) -> Reply:
    """Receive the messages of these channels no longer; of no channel, where none is named."""
    names = argv[1:] or list(context.client.channels)
    return _each(context, b"unsubscribe", names, context.node.broker.unsubscribe, _count)


@pubsub.command(
    "PSUBSCRIBE",
    since="2.0.0",
    complexity="O(N), N being the number of patterns.",
    flags=SUBSCRIBING,
    args=(arg.block("pattern", arg.pattern("pattern")),),
    traits=SUBSCRIBER_TRAITS,
    raw=True,
)
def psubscribe(context: Context, argv: Sequence[bytes]) -> Reply:
    """Receive the messages of all channels that match some patterns.

    A message that matches several patterns, or a channel as well, comes several times.
    """
    return _each(context, b"psubscribe", argv[1:], context.node.broker.subscribe_pattern, _count)


@pubsub.command(
    "PUNSUBSCRIBE",
    since="2.0.0",
    complexity="O(N), N being the number of patterns.",
    flags=SUBSCRIBING,
    args=(arg.pattern("pattern", multiple=True, optional=True),),
    traits=SUBSCRIBER_TRAITS,
    raw=True,
)
def punsubscribe(context: Context, argv: Sequence[bytes]) -> Reply:
    """End these pattern subscriptions, or all of them, where none is named."""
    names = argv[1:] or list(context.client.patterns)
    return _each(context, b"punsubscribe", names, context.node.broker.unsubscribe_pattern, _count)


@pubsub.command(
    "SSUBSCRIBE",
    since="7.0.0",
    complexity="O(N), N being the number of shard channels.",
    flags=SUBSCRIBING,
    args=(arg.string("shardchannel", multiple=True),),
    keys=(KeySpan(1, -1, 1, False, Access.NOT_KEY),),
    traits=SUBSCRIBER_TRAITS,
)
def ssubscribe(context: Context, shardchannel: Sequence[bytes]) -> Reply:
    """Receive the messages of some shard channels, whose names are hashed to slots as keys are."""
    if context.client.transaction is not None:
        raise CommandError("SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
    return _each(context, b"ssubscribe", shardchannel, context.node.broker.subscribe_shard, _count_shards)


@pubsub.command(
    "SUNSUBSCRIBE",
    since="7.0.0",
    complexity="O(N), N being the number of shard channels.",
    flags=SUBSCRIBING,
    args=(arg.string("shardchannel", multiple=True, optional=True),),
    keys=(KeySpan(1, -1, 1, False, Access.NOT_KEY),),
    traits=SUBSCRIBER_TRAITS,
    raw=True,
)
def sunsubscribe(context: Context, argv: Sequence[bytes]) -> Reply:
    """Receive the messages of these shard channels no longer; of no shard channel, where none is named."""
    names = argv[1:] or list(context.client.shard_channels)
    return _each(context, b"sunsubscribe", names, context.node.broker.unsubscribe_shard, _count_shards)


def _each(
    context: Context,
    word: bytes,
    names: Sequence[bytes],
    change: Callable[[Client, bytes], bool],
    count: Callable[[Client], int],
) -> Reply:
    """Change one subscription after another, and answer each; null stands for none at all."""
    client = context.client
    if not names:
        return Push([word, None, count(client)])
    replies: list[Reply] = []
    for name in names:
        change(client, name)
        replies.append(Push([word, name, count(client)]))
    # The session takes a Pending wherever a handler may answer; only the type of replies does not say so.
    return cast(Reply, context.node.broker.confirmation(client, Several(replies)))


def _count(client: Client) -> int:
    return len(client.channels) + len(client.patterns)


def _count_shards(client: Client) -> int:
    return len(client.shard_channels)


# -- publishing ------------------------------------------------------------


@pubsub.command(
    "PUBLISH",
    since="2.0.0",
    complexity="O(N+M), N being the channel's subscribers and M all pattern subscriptions.",
    flags=Flag.PUBSUB | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.MAY_REPLICATE,
    args=(arg.string("channel"), arg.string("message")),
)
def publish(context: Context, channel: bytes, message: bytes) -> Reply:
    """Send a message to all who listen to a channel; answers how many copies were sent.

    In a cluster it goes to every node, and the answer counts what the others have told of their subscribers.

    >>> PUBLISH news "it rains"
    0
    """
    return context.node.broker.publish_everywhere(channel, message)


@pubsub.command(
    "SPUBLISH",
    since="7.0.0",
    complexity="O(N), N being the shard channel's subscribers.",
    flags=Flag.PUBSUB | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.MAY_REPLICATE,
    args=(arg.string("shardchannel"), arg.string("message")),
    keys=(KeySpan(1, 0, 1, False, Access.NOT_KEY),),
)
def spublish(context: Context, shardchannel: bytes, message: bytes) -> Reply:
    """Send a message to all who listen to a shard channel.

    >>> SPUBLISH {42}news "it rains"
    0
    """
    return context.node.broker.publish_shard_everywhere(shardchannel, message)


# -- looking ---------------------------------------------------------------

pubsub.container(
    "PUBSUB",
    since="2.8.0",
    complexity="That of the subcommand.",
    summary="A container for commands that look at pub/sub.",
)


@pubsub.command(
    "PUBSUB CHANNELS",
    since="2.8.0",
    complexity="O(N), N being the number of channels that have subscribers.",
    flags=ASKING_ABOUT,
    args=(arg.pattern("pattern", optional=True),),
    raw=True,
    spread=Spread(Over.NODES, Join.UNION),
)
def pubsub_channels(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the channels that have subscribers, or those of them that match a pattern.

    >>> PUBSUB CHANNELS
    []
    """
    return _matching(context.node.broker.channels, argv)


@pubsub.command(
    "PUBSUB SHARDCHANNELS",
    since="7.0.0",
    complexity="O(N), N being the number of shard channels that have subscribers.",
    flags=ASKING_ABOUT,
    args=(arg.pattern("pattern", optional=True),),
    raw=True,
    spread=Spread(Over.NODES, Join.UNION),
)
def pubsub_shardchannels(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the shard channels that have subscribers, or those of them that match a pattern.

    >>> PUBSUB SHARDCHANNELS
    []
    """
    return _matching(context.node.broker.shard_channels, argv)


@pubsub.command(
    "PUBSUB NUMSUB",
    since="2.8.0",
    complexity="O(N), N being the number of channels asked about.",
    flags=ASKING_ABOUT,
    args=(arg.string("channel", multiple=True, optional=True),),
    raw=True,
    spread=Spread(Over.NODES, Join.SUM_BY_NAME),
)
def pubsub_numsub(context: Context, argv: Sequence[bytes]) -> Reply:
    """Count the subscribers of channels, not those of patterns: each name, followed by its number.

    >>> PUBSUB NUMSUB news
    ['news', 0]
    """
    return _numbers(context.node.broker.channels, argv[2:])


@pubsub.command(
    "PUBSUB SHARDNUMSUB",
    since="7.0.0",
    complexity="O(N), N being the number of shard channels asked about.",
    flags=ASKING_ABOUT,
    args=(arg.string("shardchannel", multiple=True, optional=True),),
    raw=True,
    spread=Spread(Over.NODES, Join.SUM_BY_NAME),
)
def pubsub_shardnumsub(context: Context, argv: Sequence[bytes]) -> Reply:
    """Count the subscribers of shard channels: each name, followed by its number.

    >>> PUBSUB SHARDNUMSUB news
    ['news', 0]
    """
    return _numbers(context.node.broker.shard_channels, argv[2:])


@pubsub.command(
    "PUBSUB NUMPAT",
    since="2.8.0",
    complexity="O(1)",
    flags=ASKING_ABOUT,
    args=(),
    spread=Spread(Over.NODES, Join.SUM),
)
def pubsub_numpat(context: Context) -> Reply:
    """Count the patterns that have subscribers, each once; in a cluster, once for every node that has any.

    >>> PUBSUB NUMPAT
    0
    """
    return len(context.node.broker.patterns)


@pubsub.command(
    "PUBSUB HELP",
    since="6.2.0",
    complexity="O(1)",
    flags=Flag.LOADING | Flag.STALE,
    args=(),
)
def pubsub_help(context: Context) -> Reply:
    """Explain the subcommands."""
    return help_reply(
        "PUBSUB",
        ("CHANNELS [<pattern>]", "List the channels somebody listens to, or those that match a pattern."),
        ("NUMPAT", "Count the patterns somebody listens to."),
        ("NUMSUB [<channel> ...]", "Count who listens to each of these channels, patterns left aside."),
        ("SHARDCHANNELS [<pattern>]", "As CHANNELS, for shard channels."),
        ("SHARDNUMSUB [<shardchannel> ...]", "As NUMSUB, for shard channels."),
    )


def _matching(world: Subscribers, argv: Sequence[bytes]) -> list[Reply]:
    if len(argv) > 3:
        raise wrong_subcommand_syntax("PUBSUB", argv[1])
    if len(argv) == 2:
        return list(world)
    matches = compile_glob(argv[2])
    return [name for name in world if matches(name)]


def _numbers(world: Subscribers, names: Sequence[bytes]) -> list[Reply]:
    return [word for name in names for word in (name, len(world.get(name, ())))]
