"""Loaders that are nothing but what a test says of them, for tests of the commands that ask."""

from respcache.commands.loads import LoaderReport


def report(name: str = "users", **changed: object) -> LoaderReport:
    fields: dict[str, object] = {
        "name": name,
        "pattern": f"{name}:*",
        "db": 0,
        "state": "closed",
        "breaker": "closed",
        "now": {"requested": 2, "failed": 1},
        "totals": {"calls": 7, "failed": 3},
        "settings": {"batch_size": 1000, "batch_window_ms": 2.5, "on_failure": "error"},
        "last_failure": "OSError: no route",
    }
    return LoaderReport(**(fields | changed))  # type: ignore[arg-type]  # a test may say anything


class FakeControls:
    """Two loaders; of a key, it is known what ``states`` says, and in database 0 only."""

    def __init__(self, **states: str) -> None:
        self.states = {name.replace("_", ":").encode(): state for name, state in states.items()}
        self.told = [report("users"), report("orders", db=3, state="open", breaker="open")]
        self.calls: list[tuple[str, int, bytes]] = []
        self.paused: list[str] = []
        self.refused: set[bytes] = set()

    def reports(self) -> list[LoaderReport]:
        return self.told

    def state_of(self, db: int, key: bytes) -> str | None:
        return self.states.get(key) if db == 0 else None

    def request(self, db: int, key: bytes) -> bool:
        return self._note("request", db, key)

    def refresh(self, db: int, key: bytes) -> bool:
        return self._note("refresh", db, key)

    def forget(self, db: int, key: bytes) -> str | None:
        self._note("forget", db, key)
        return self.state_of(db, key)

    def pause(self, name: str) -> bool:
        self.paused += [name]
        return name == "users"

    def resume(self, name: str) -> bool:
        known = name in self.paused and name == "users"
        self.paused = [one for one in self.paused if one != name]
        return known

    def _note(self, asked: str, db: int, key: bytes) -> bool:
        self.calls.append((asked, db, key))
        return key in self.states and key not in self.refused
