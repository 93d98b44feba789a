"""Who is there, by cluster: entries that expire unless they are renewed. Pure: the time is handed in.

Nothing is kept on disk, because every node tells its place again within a period. All is bounded: whoever
can reach a registry can fill it, and then nobody new is admitted until something expires, while all who are in stay.
"""

from dataclasses import dataclass
from typing import Final

from .messages import Member, Registration

MOST_CLUSTERS: Final = 256
MOST_MEMBERS: Final = 1024
"""Of one cluster; as many as nodes take from one source."""

MOST_ENTRIES: Final = 20_000
"""Of all clusters together: some 15 MiB."""

SWEEP_S: Final = 1.0
"""Not more often than this does a full registry look for what has expired, which takes some milliseconds."""


class FullError(Exception):
    """There is no room for another entry; the text says which bound was reached."""


@dataclass(frozen=True, slots=True)
class _Entry:
    member: Member
    until_s: float


class Registry:
    """The members of all clusters. ``now_s`` is a time that never goes back."""

    def __init__(self) -> None:
        self._clusters: dict[str, dict[str, _Entry]] = {}
        self._swept_at_s = float("-inf")

    def put(self, cluster: str, id: str, registration: Registration, now_s: float) -> Member:
        """Add or renew an entry. Another node at the same address was there before, and is not any more."""
        entries = self._clusters.get(cluster, {})
        if id not in entries:
            entries = self._admitted(cluster, registration.bus, now_s)
        member = Member(id, registration.bus, registration.name)
        entries[id] = _Entry(member, now_s + registration.ttl_s)
        return member

    def remove(self, cluster: str, id: str) -> bool:
        """Take an entry out; return whether it was there."""
        entries = self._clusters.get(cluster, {})
        if entries.pop(id, None) is None:
            return False
        if not entries:
            del self._clusters[cluster]
        return True

    def members(self, cluster: str, now_s: float) -> list[Member]:
        """Return who is there, in the order in which they came."""
        self._expire(cluster, now_s)
        return [entry.member for entry in self._clusters.get(cluster, {}).values()]

    def find(self, cluster: str, id: str, now_s: float) -> Member | None:
        entry = self._clusters.get(cluster, {}).get(id)
        return entry.member if entry is not None and entry.until_s > now_s else None

    def count(self) -> tuple[int, int]:
        """Return how many clusters and entries are kept, expired ones included."""
        return len(self._clusters), sum(map(len, self._clusters.values()))

    def _admitted(self, cluster: str, bus: str, now_s: float) -> dict[str, _Entry]:
        """Make room for an entry; FullError if that cannot be done."""
        self._expire(cluster, now_s)
        entries = self._clusters.get(cluster, {})
        for other in [key for key, entry in entries.items() if entry.member.bus == bus]:
            self.remove(cluster, other)
        trouble = self._trouble_with(cluster)
        if trouble and now_s - self._swept_at_s >= SWEEP_S:
            self._swept_at_s = now_s
            for each in list(self._clusters):
                self._expire(each, now_s)
            trouble = self._trouble_with(cluster)
        if trouble:
            raise FullError(trouble)
        return self._clusters.setdefault(cluster, {})

    def _trouble_with(self, cluster: str) -> str:
        clusters, entries = self.count()
        if cluster not in self._clusters and clusters >= MOST_CLUSTERS:
            return f"there are {MOST_CLUSTERS} clusters already"
        if len(self._clusters.get(cluster, {})) >= MOST_MEMBERS:
            return f"there are {MOST_MEMBERS} members already"
        if entries >= MOST_ENTRIES:
            return f"there are {MOST_ENTRIES} entries already"
        return ""

    def _expire(self, cluster: str, now_s: float) -> None:
        entries = self._clusters.get(cluster, {})
        for key, entry in list(entries.items()):
            if entry.until_s <= now_s:
                self.remove(cluster, key)
