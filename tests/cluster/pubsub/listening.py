"""Interest as nodes tell it, in short."""

from respcache.cluster.pubsub.news import Interest


def interest(
    channels: dict[bytes, int] | None = None,
    patterns: dict[bytes, int] | None = None,
    shard_channels: dict[bytes, int] | None = None,
    *,
    is_full: bool = False,
    is_everything: bool = False,
) -> Interest:
    return Interest(
        is_full, False, is_everything, False, 0, channels or {}, patterns or {}, shard_channels or {}
    )
