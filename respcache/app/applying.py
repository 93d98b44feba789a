"""From settings to the parts that obey them: at the start, and on every CONFIG SET.

Parts keep what their hot paths need as plain attributes; here those are set.
Applying a setting twice does no harm, so each hook applies its whole subject.
"""

from collections.abc import Callable
from typing import TypeAlias

from ..commands.node import Node
from ..keyspace.eviction import Evictor
from ..keyspace.hashes import HashLimits
from ..keyspace.lives import Lives, PatternLife, Renewal
from ..protocol.limits import Limits
from ..server.dispatcher import Dispatcher
from ..server.memory_guard import MemoryGuard
from ..server.output_limits import OutputLimit
from ..settings.buffer_limits import BufferLimit
from ..settings.cluster_rules import exposed_host, insecure, is_clustered
from ..settings.errors import SettingRefusedError
from ..settings.parameter import AnyParameter
from ..settings.settings import Settings

Subject: TypeAlias = tuple[Callable[[], None], tuple[AnyParameter, ...]]
"""What applies some settings together, and which."""


class Applier:
    """Knows which parts a setting concerns."""

    def __init__(
        self, settings: Settings, node: Node, dispatcher: Dispatcher, evictor: Evictor, memory: MemoryGuard
    ) -> None:
        self._settings = settings
        self._node = node
        self._dispatcher = dispatcher
        self._evictor = evictor
        self._memory = memory
        subjects = self._parameters_by_subject()
        self._subjects = tuple(apply for apply, _ in subjects)
        for apply, parameters in subjects:
            for parameter in parameters:
                settings.on_change(parameter, _calling(apply))

    def _parameters_by_subject(self) -> tuple[Subject, ...]:
        return (
            (self.apply_password, (Settings.requirepass,)),
            (
                self.apply_request_limits,
                (Settings.proto_max_bulk_len_bytes, Settings.client_query_buffer_limit_bytes),
            ),
            (self.apply_output_limits, (Settings.client_output_buffer_limit,)),
            (
                self.apply_lives,
                (Settings.expiration_ms, Settings.expiration_renew, Settings.expirations),
            ),
            (
                self.apply_memory,
                (
                    Settings.maxmemory_bytes,
                    Settings.maxmemory_policy,
                    Settings.maxmemory_samples,
                    Settings.lfu_log_factor,
                    Settings.lfu_decay_minutes,
                ),
            ),
            (
                self.apply_observation,
                (
                    Settings.slowlog_log_slower_than_us,
                    Settings.slowlog_max_len,
                    Settings.latency_monitor_threshold_ms,
                ),
            ),
            (
                self.apply_hash_limits,
                (Settings.hash_max_listpack_entries, Settings.hash_max_listpack_value_bytes),
            ),
            (self.apply_tracking, (Settings.tracking_table_max_keys,)),
            (self.apply_owners, (Settings.owner_mailbox_limit,)),
            (self.check_secret, (Settings.cluster_secrets,)),
        )

    def apply_all(self) -> None:
        for apply in self._subjects:
            apply()

    def apply_password(self) -> None:
        """Ask new clients for it; those who are in stay in, as in Redis."""
        self._dispatcher.needs_password = bool(self._settings.requirepass)

    def apply_request_limits(self) -> None:
        """Read new and old clients' next input under these."""
        self._dispatcher.request_limits = Limits(
            max_bulk_bytes=self._settings.proto_max_bulk_len_bytes,
            max_query_bytes=self._settings.client_query_buffer_limit_bytes,
        )
        self._dispatcher.rebind_limits()

    def apply_output_limits(self) -> None:
        limits = self._settings.client_output_buffer_limit
        output_limits = {
            "normal": _output_limit(limits.normal),
            "replica": _output_limit(limits.replica),
            "pubsub": _output_limit(limits.pubsub),
            "node": OutputLimit(),  # bounded by what other nodes ask for at once; to cut one helps nobody
        }
        self._dispatcher.output_limits = output_limits
        self._node.broker.allow([limit.hard_bytes for limit in output_limits.values()])

    def apply_lives(self) -> None:
        """Default lives hold for keys created or replaced from now on."""
        settings = self._settings
        if settings.expiration_ms is None and not settings.expirations:
            self._node.keyspace.set_lives(None)
            return
        rules = [PatternLife(rule.pattern.encode(), rule.life_ms) for rule in settings.expirations]
        self._node.keyspace.set_lives(
            Lives(settings.expiration_ms, rules, Renewal(settings.expiration_renew))
        )

    def apply_memory(self) -> None:
        """Set the policy and the limit; where it is the first one, or the last is lifted, the guard is bound anew."""
        settings = self._settings
        self._evictor.configure(
            settings.maxmemory_policy,
            samples=settings.maxmemory_samples,
            lfu_log_factor=settings.lfu_log_factor,
            lfu_decay_minutes=settings.lfu_decay_minutes,
        )
        had_limit = bool(self._memory.limit_bytes)
        self._memory.limit_bytes = settings.maxmemory_bytes
        if bool(settings.maxmemory_bytes) != had_limit:
            self._dispatcher.rebind()

    def apply_hash_limits(self) -> None:
        settings = self._settings
        self._node.keyspace.set_hash_limits(
            HashLimits(settings.hash_max_listpack_entries, settings.hash_max_listpack_value_bytes)
        )

    def apply_tracking(self) -> None:
        self._node.tracking.max_keys = self._settings.tracking_table_max_keys

    def apply_observation(self) -> None:
        settings = self._settings
        self._node.slowlog.threshold_us = settings.slowlog_log_slower_than_us
        self._node.slowlog.most_entries = settings.slowlog_max_len
        self._node.latency.threshold_ms = settings.latency_monitor_threshold_ms
        self._dispatcher.refresh()

    def apply_owners(self) -> None:
        self._dispatcher.owners.mailbox_jobs = self._settings.owner_mailbox_limit

    def check_secret(self) -> None:
        """Refuse to open the bus to strangers; the bus itself looks for its keys in the settings."""
        host = exposed_host(self._settings) if is_clustered(self._settings) else None
        if host is not None:
            raise SettingRefusedError(insecure(host))


def _output_limit(limit: BufferLimit) -> OutputLimit:
    return OutputLimit(limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)


def _calling(apply: Callable[[], None]) -> Callable[[object], None]:
    """Make a hook of a function that reads the settings itself."""

    def hook(value: object) -> None:
        apply()

    return hook
