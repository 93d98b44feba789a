"""Client-side caching: who may have which keys in a cache of its own, and is to hear when they change.

A client in normal mode hears once of each key that it has read; the server
remembers the keys, up to ``tracking-table-max-keys``. A broadcasting client
hears of every change of keys with its prefixes; the server remembers nothing.
Keys are known by their name alone, whatever their database, as in Redis.

Everything is heard of through the journal, which we listen to only while
somebody tracks. In normal mode others are told at once. What concerns the
client whose command is running waits for ``flush``, so that its reply comes
first; so do broadcasts, so that many changes make one message.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..keyspace.entry import Value
from ..keyspace.journal import Journal, Notice
from ..protocol.encoder import encode
from ..protocol.replies import Push, Reply
from .client import Client
from .clients import Clients

if TYPE_CHECKING:
    from .spec import Command  # spec needs contexts, contexts need nodes, and a node has this

DOUBTED_KEYS: Final = 10_000
"""More keys than these are not looked at one by one when some have become doubtful: that takes longer than 10 ms."""

CHANNEL: Final = b"__redis__:invalidate"
"""Where a RESP2 client listens on behalf of others."""

MOST_KEYS: Final = 1_000_000
"""Redis' default; a million short keys take some 100 MB."""

OWN_COMMANDS: Final = "CLIENT "
"""After these CLIENT CACHING's choice is still to be used, as in Redis."""


@dataclass(slots=True)
class Subscription:
    """What one client asked for with CLIENT TRACKING."""

    redirect_id: int = 0
    """Who is told in its place; 0 is itself."""
    prefixes: tuple[bytes, ...] = ()
    is_broadcast: bool = False
    is_opt_in: bool = False
    is_opt_out: bool = False
    ignores_own_changes: bool = False
    has_chosen: bool = False
    """CLIENT CACHING: the next command makes an exception, YES under OPTIN or NO under OPTOUT."""
    is_redirect_broken: bool = False
    """Whoever was to be told has gone."""


class Tracking:
    """All of it, for one node. A listener of the journal."""

    wants_reads = False

    def __init__(self, clients: Clients, journal: Journal) -> None:
        self.max_keys = MOST_KEYS
        """Keys remembered at most; 0 is no limit."""
        self.caller: Client | None = None
        """The tracking client whose command is running: the dispatcher keeps it up to date."""
        self.has_pending = False
        """Whether ``flush`` has anything to send; a plain attribute, for sessions look at it after every batch."""
        self.on_trackers: Callable[[bool], None] = lambda is_tracking: None
        """Called when the first client begins to track, and when the last has ended."""
        self._clients = clients
        self._journal = journal
        self._trackers: dict[int, Client] = {}
        self._readers: dict[
            bytes, int | set[int]
        ] = {}  # most keys have one reader, and a set costs 216 bytes
        self._items = 0  # readers of all keys together
        self._prefixes: dict[bytes, dict[int, Client]] = {}
        self._for_caller: list[tuple[Client, list[bytes] | None]] = []
        self._to_broadcast: dict[
            bytes, dict[bytes, Client | None]
        ] = {}  # by prefix: keys, and who changed them

    # -- who tracks --------------------------------------------------------

    def start(self, client: Client, subscription: Subscription) -> None:
        """Let a client track from now on, or otherwise than before. Prefixes are added to those it has."""
        for prefix in subscription.prefixes:
            self._broadcast(prefix)  # what has changed before is for those who are there already
        if not self._trackers:
            self._journal.attach(self)
            self.on_trackers(True)
        self._trackers[client.id] = client
        if client.tracking is not None:
            both = (*client.tracking.prefixes, *subscription.prefixes)
            subscription.prefixes = tuple(dict.fromkeys(both))
        client.tracking = subscription
        for prefix in subscription.prefixes:
            self._prefixes.setdefault(prefix, {})[client.id] = client

    def stop(self, client: Client) -> None:
        """End a client's tracking. Keys it has read stay in the table until they change."""
        if client.tracking is None:
            return
        self.flush()  # the last it hears: what has changed before
        for prefix in client.tracking.prefixes:
            followers = self._prefixes.get(prefix, {})
            followers.pop(client.id, None)
            if not followers:
                self._prefixes.pop(prefix, None)
                self._to_broadcast.pop(prefix, None)
        client.tracking = None
        del self._trackers[client.id]
        if not self._trackers:
            self._journal.detach(self)
            self._forget_readers()
            self.on_trackers(False)

    @property
    def has_broadcasts(self) -> bool:
        """Whether some client hears of changes that it has not asked for, in one message for many of them."""
        return bool(self._prefixes)

    def statistics(self) -> dict[str, int]:
        """Return the figures that INFO shows."""
        return {
            "tracking_clients": len(self._trackers),
            "tracking_total_keys": len(self._readers),
            "tracking_total_items": self._items,
            "tracking_total_prefixes": len(self._prefixes),
        }

    # -- what they read ----------------------------------------------------

    def remember(self, client: Client, keys: Iterable[bytes]) -> None:
        """Note that a tracking client has read these keys."""
        subscription = client.tracking
        if subscription is None or subscription.is_broadcast:
            return
        if (subscription.is_opt_in and not subscription.has_chosen) or (
            subscription.is_opt_out and subscription.has_chosen
        ):
            return
        for key in keys:
            readers = self._readers.get(key)
            if readers is None:
                self._readers[key] = client.id
            elif isinstance(readers, int):
                if readers == client.id:
                    continue
                self._readers[key] = {readers, client.id}
            elif client.id in readers:
                continue
            else:
                readers.add(client.id)
            self._items += 1
        while len(self._readers) > self.max_keys > 0:
            self._invalidate(
                next(iter(self._readers)), None
            )  # the one that has been in the table for longest

    def after_command(self, client: Client, command: "Command | None") -> None:
        """Forget CLIENT CACHING's choice once a command has used it, even one refused; a transaction is one."""
        if client.transaction is None and client.tracking is not None:
            keeps_choice = command is not None and command.name.startswith(OWN_COMMANDS)
            client.tracking.has_chosen &= keeps_choice

    # -- what changes: see keyspace.journal.Listener -------------------------

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note_change(key, self.caller)

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note_change(key, self.caller)

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note_change(key, self.caller)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self._note_change(key, self.caller)

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self._note_change(key, None)  # whoever stumbled over it has not changed it

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self._note_change(key, None)

    def flushed(self, db: int) -> None:
        """Tell everybody that no key is as it was: that is what null stands for."""
        self._forget_readers()
        self._to_broadcast.clear()
        for client in tuple(self._trackers.values()):
            self._tell(client, None)

    def read(self, db: int, key: bytes, value: Value) -> None:
        """Not of interest: a key is noted by the command that names it, whether it is there or not."""

    def missed(self, db: int, key: bytes) -> None:
        """Not of interest, as ``read``."""

    # -- what changes at other nodes of a cluster ------------------------------

    def changed_elsewhere(self, keys: Sequence[bytes] | None) -> None:
        """Tell of keys that another node has changed, None for any. Who did it is not known: NOLOOP cannot help."""
        if keys is None:
            self.flushed(0)
        for key in keys or ():
            self._note_change(key, None)
        if self.has_pending:
            self.flush()

    def doubt(self, is_doubtful: Callable[[bytes], bool]) -> None:
        """Tell of keys that may have changed unnoticed; broadcasting clients cannot be told which."""
        if len(self._readers) > DOUBTED_KEYS:
            self.flushed(0)
            return
        for key in [key for key in self._readers if is_doubtful(key)]:
            self._invalidate(key, None)
        for client in tuple(self._trackers.values()):
            if client.tracking is not None and client.tracking.is_broadcast:
                self._tell(client, None)

    def _forget_readers(self) -> None:
        self._readers.clear()
        self._items = 0

    def _note_change(self, key: bytes, author: Client | None) -> None:
        if key in self._readers:
            self._invalidate(key, author)
        for prefix in self._prefixes:
            if key.startswith(prefix):
                self._to_broadcast.setdefault(prefix, {})[key] = author
                self.has_pending = True

    def _invalidate(self, key: bytes, author: Client | None) -> None:
        """Tell the readers of a key, and forget them: they hear of it again when they have read it again."""
        readers = self._readers.pop(key)
        ids = (readers,) if isinstance(readers, int) else tuple(readers)
        self._items -= len(ids)
        for client_id in ids:
            client = self._trackers.get(client_id)
            if client is None or client.tracking is None or client.tracking.is_broadcast:
                continue
            if client is not author or not client.tracking.ignores_own_changes:
                self._tell(client, [key])

    # -- telling -----------------------------------------------------------

    def flush(self) -> None:
        """Send what had to wait: after a client's commands have been answered, and every now and then."""
        self.has_pending = False
        waiting, self._for_caller = self._for_caller, []
        for client, keys in waiting:
            self._send(client, keys)
        for prefix in sorted(self._to_broadcast):
            self._broadcast(prefix)

    def _broadcast(self, prefix: bytes) -> None:
        changes = self._to_broadcast.pop(prefix, {})
        for client in tuple(self._prefixes.get(prefix, {}).values()):
            assert client.tracking is not None
            skips_own = client.tracking.ignores_own_changes
            told = sorted(key for key, author in changes.items() if not (skips_own and author is client))
            if told:
                self._send(client, told)

    def _tell(self, client: Client, keys: list[bytes] | None) -> None:
        if client is self.caller:
            self._for_caller.append((client, keys))
            self.has_pending = True
        else:
            self._send(client, keys)

    def _send(self, client: Client, keys: Sequence[bytes] | None) -> None:
        subscription = client.tracking
        if subscription is None:
            return  # it has stopped since
        listener = self._clients.get(subscription.redirect_id) if subscription.redirect_id else client
        if listener is None:
            subscription.is_redirect_broken = True
            if client.protocol == 3:
                _push(client, [b"tracking-redir-broken", subscription.redirect_id])
        elif listener.protocol == 3:
            _push(listener, [b"invalidate", keys])
        elif subscription.redirect_id and listener.is_subscriber:
            _push(listener, [b"message", CHANNEL, keys])
        # A RESP2 client that does not listen cannot be told: it would take the message for a reply.


def _push(client: Client, items: list[Reply]) -> None:
    client.connection.push(encode(Push(items), client.protocol))
