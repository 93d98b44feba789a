"""Settings of what the cache tells about itself while it works, and to whom."""

from .kinds import INT_MAX, Integer, Size, Text, YesNo
from .nested import SinkSpecification, SinkSpecifications
from .notification_flags import NotificationFlags
from .parameter import Parameter, Section

NO_SINKS: tuple[SinkSpecification, ...] = ()


class Events(Section, title="Events", table="events"):
    """In the file, what begins with ``events-`` may stand in a table ``[events]`` without that prefix."""

    notify_keyspace_events = Parameter(
        "notify-keyspace-events",
        NotificationFlags(),
        "",
        doc="Which of Redis' own keyspace notifications to publish, as Redis' letters; KEA is all but misses and new keys.",
        reason="As Redis: they cost a message for each command.",
    )
    events_channel = Parameter(
        "events-channel",
        YesNo(),
        True,
        doc="Publish events as JSON on the channel respcache:events.",
        reason="Costs next to nothing while nobody subscribes.",
    )
    events_include_values = Parameter(
        "events-include-values",
        YesNo(),
        False,
        mutable=False,
        doc="Put values into events, not only keys.",
        reason="Values may be large, or secret.",
    )
    events_value_limit_bytes = Parameter(
        "events-value-limit",
        Size(),
        1024,
        mutable=False,
        doc="Cut values in events after so many bytes.",
        reason="Enough to recognise a value, too little to fill a log.",
    )
    events_include_reads = Parameter(
        "events-include-reads",
        YesNo(),
        False,
        mutable=False,
        doc="Tell of hits and misses, too, and of commands that wait for a loader, not only of changes.",
        reason="There are as many as commands, and each costs as much as the command.",
    )
    events_console = Parameter(
        "events-console",
        YesNo(),
        False,
        mutable=False,
        doc="Write events to standard output, one line each.",
        reason="For a look while developing.",
    )
    events_file = Parameter(
        "events-file",
        Text(),
        "",
        mutable=False,
        doc="Append events as JSON lines to this file; empty for none.",
        reason="A file that grows is for you to want, and to rotate.",
    )
    events_webhook_url = Parameter(
        "events-webhook-url",
        Text(),
        "",
        mutable=False,
        doc="Post events in batches to this URL as JSON; empty for none.",
        reason="Needs a receiver, and the extra respcache[webhook].",
    )
    events_webhook_batch = Parameter(
        "events-webhook-batch",
        Integer(1, 10000),
        100,
        mutable=False,
        doc="Most events in one post to the webhook.",
        reason="Tens of kilobytes a post: large enough to keep up, small enough to repeat.",
    )
    events_queue_limit = Parameter(
        "events-queue-limit",
        Integer(1, INT_MAX),
        10000,
        mutable=False,
        doc="Events that may wait for each sink; more are dropped and counted.",
        reason="A sink that stops for a second loses nothing, and one that stops for good costs a few megabytes.",
    )
    events_sinks = Parameter(
        "events-sinks",
        SinkSpecifications(),
        NO_SINKS,
        mutable=False,
        doc="Classes of your own that receive events, as package.module:Class with options.",
        reason="Yours to write.",
    )
