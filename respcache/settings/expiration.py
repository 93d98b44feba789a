"""Settings of how long keys live when their writer does not say."""

from .kinds import Choice, Lifetime
from .nested import ExpirationRule, ExpirationRules
from .parameter import Parameter, Section

NO_RULES: tuple[ExpirationRule, ...] = ()
FOR_EVER: int | None = None


class Expiration(Section, title="Expiration"):
    """Default lives, for all keys and by pattern."""

    expiration_ms = Parameter(
        "expiration",
        Lifetime(),
        FOR_EVER,
        doc="Life in seconds of every key that is written without one of its own, or infinity.",
        reason="As Redis: a key stays until somebody says otherwise.",
    )
    expiration_renew = Parameter(
        "expiration-renew",
        Choice("on-write", "on-create", "on-access"),
        "on-write",
        doc="When a default life begins anew: with every write, only when the key is created, or with every read too.",
        reason="A written value is a fresh one; SET in Redis resets a key's life as well.",
    )
    expirations = Parameter(
        "expirations",
        ExpirationRules(),
        NO_RULES,
        doc="Default lives for keys that match a glob; the first rule that matches counts, then expiration.",
        reason="No key has a special name until you choose one.",
    )
